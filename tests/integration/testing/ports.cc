#include "tests/integration/testing/ports.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace lamppost::testing {
namespace {

// Linux gives out ports from 32768 on.
constexpr int kPortMin = 15000;
constexpr int kPortMax = 31999;
constexpr int kAttemptsMax = 1000;

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A name in the abstract socket space: held until the process ends, whichever way.
bool ClaimName(int port) {
  const int lock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string name = absl::StrCat("lamppost-test-port-", port);
  std::copy(name.begin(), name.end(), address.sun_path + 1);
  const socklen_t size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (bind(lock, reinterpret_cast<const sockaddr*>(&address), size) == 0) return true;
  close(lock);
  return false;
}

bool IsFree(int port) {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  const bool is_free = bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(probe);
  return is_free;
}

}  // namespace

absl::StatusOr<int> ReservePort() {
  std::random_device random;
  std::uniform_int_distribution<int> any_port(kPortMin, kPortMax);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const int port = any_port(random);
    if (ClaimName(port) && IsFree(port)) return port;
  }
  return absl::UnavailableError("no free port was found");
}

int ListenOnLoopback(int* port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), size) != 0 || listen(listener, 64) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    close(listener);
    return -1;
  }
  *port = ntohs(address.sin_port);
  return listener;
}

int ConnectToLoopback(int port) {
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
    return connection;
  close(connection);
  return -1;
}

}  // namespace lamppost::testing
