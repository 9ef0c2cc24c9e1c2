#include "services/common/port_probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost {
namespace {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t bytes = 0;  // 0: the host is no IP address
};

SocketAddress SocketAddressOf(const Address& address) {
  SocketAddress result;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
  if (inet_pton(AF_INET, address.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(address.port));
    result.bytes = sizeof(*v4);
  } else if (inet_pton(AF_INET6, address.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(address.port));
    result.bytes = sizeof(*v6);
  }
  return result;
}

absl::Status Explain(int error_number, const Address& address) {
  const std::string where = absl::StrCat("port ", address.port, " on ", address.host);
  switch (error_number) {
    case EADDRINUSE:
      return MakeError(absl::StatusCode::kFailedPrecondition, "PORT_IN_USE",
                       absl::StrCat(where, " is in use"));
    case EACCES:
      return MakeError(absl::StatusCode::kPermissionDenied, "PORT_NOT_PERMITTED",
                       absl::StrCat(where, " is not permitted to this user"));
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return MakeError(absl::StatusCode::kInvalidArgument, "ADDRESS_NOT_HERE",
                       absl::StrCat("no interface of this machine has the address ", address.host));
    default:
      return MakeError(absl::StatusCode::kUnavailable, "LISTEN_FAILED",
                       absl::StrCat("cannot listen at ", where, ": ", std::strerror(error_number)));
  }
}

}  // namespace

// As gRPC binds: a connection of an earlier process that is still winding up is no hindrance.
absl::StatusOr<int> BindPort(const Address& address) {
  const SocketAddress at = SocketAddressOf(address);
  if (at.bytes == 0) return Explain(EADDRNOTAVAIL, address);
  const int fd = socket(at.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return Explain(errno, address);
  const int one = 1;
  const int zero = 0;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
      (at.storage.ss_family == AF_INET6 && address.host == "::" &&
       setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero)) != 0) ||
      bind(fd, reinterpret_cast<const sockaddr*>(&at.storage), at.bytes) != 0) {
    const absl::Status status = Explain(errno, address);
    close(fd);
    return status;
  }
  return fd;
}

absl::Status ProbePort(const Address& address) {
  const absl::StatusOr<int> fd = BindPort(address);
  if (!fd.ok()) return fd.status();
  close(*fd);
  return absl::OkStatus();
}

void Knock(const Address& address) {
  const SocketAddress at = SocketAddressOf(address);
  const int fd = socket(at.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  // If nobody is there, whoever was to wake up is gone.
  static_cast<void>(connect(fd, reinterpret_cast<const sockaddr*>(&at.storage), at.bytes));
  close(fd);
}

}  // namespace lamppost
