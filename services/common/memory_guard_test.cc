#include "services/common/memory_guard.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace lamppost {
namespace {

// Both ends of a TCP connection, the server's at a port of its own.
class TcpPair {
 public:
  TcpPair() {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    EXPECT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    client_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(client_, reinterpret_cast<sockaddr*>(&address), size), 0);
    server_ = accept(listener, nullptr, nullptr);
    close(listener);
  }
  ~TcpPair() {
    close(client_);
    close(server_);
  }

  int port() const { return port_; }
  // Sends, and reads at the other end, until the connection is shut or the time is over; whether it was.
  bool IsShutWhileItSends(size_t bytes, absl::Duration limit) {
    const std::string data(bytes, 'x');
    std::string buffer(bytes, '\0');
    const absl::Time end = absl::Now() + limit;
    while (absl::Now() < end) {
      if (send(client_, data.data(), data.size(), MSG_NOSIGNAL) < 0) return true;
      if (recv(server_, &buffer[0], buffer.size(), 0) <= 0) return true;
      pollfd hung_up = {client_, POLLRDHUP, 0};
      if (poll(&hung_up, 1, 5) == 1 && (hung_up.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) return true;
    }
    return false;
  }

 private:
  int port_ = 0;
  int client_ = -1;
  int server_ = -1;
};

MemoryGuardOptions Short(const std::vector<int>& ports) {
  MemoryGuardOptions options;
  options.bytes_max = 1;  // there is always more
  options.ports = ports;
  options.interval_ms = 20;
  return options;
}

constexpr absl::Duration kLong = absl::Seconds(20);
constexpr absl::Duration kSome = absl::Milliseconds(500);

TEST(MemoryGuardTest, WhoSendsMuchIsShutWhileMemoryIsShort) {
  TcpPair pair;
  const MemoryGuard guard(Short({pair.port()}));
  EXPECT_TRUE(pair.IsShutWhileItSends(16 << 10, kLong));
}

TEST(MemoryGuardTest, WhoSendsLittleIsLeftAlone) {
  TcpPair pair;
  const MemoryGuard guard(Short({pair.port()}));
  EXPECT_FALSE(pair.IsShutWhileItSends(10, kSome));
}

TEST(MemoryGuardTest, OtherPortsAreLeftAlone) {
  TcpPair pair;
  const MemoryGuard guard(Short({pair.port() == 1 ? 2 : 1}));
  EXPECT_FALSE(pair.IsShutWhileItSends(16 << 10, kSome));
}

TEST(MemoryGuardTest, NobodyIsShutWhileThereIsMemory) {
  TcpPair pair;
  MemoryGuardOptions options = Short({pair.port()});
  options.bytes_max = UINT64_MAX;
  const MemoryGuard guard(options);
  EXPECT_FALSE(pair.IsShutWhileItSends(16 << 10, kSome));
}

TEST(MemoryGuardTest, ReadsWhatThereIs) {
  EXPECT_GT(ResidentBytes(), uint64_t{1} << 20);
  EXPECT_GT(AllowedBytes(), ResidentBytes());
}

}  // namespace
}  // namespace lamppost
