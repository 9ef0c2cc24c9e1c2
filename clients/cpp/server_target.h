// From a list of servers to the one gRPC target that stands for all of them. Thread-safe.
#ifndef LAMPPOST_CLIENTS_CPP_SERVER_TARGET_H_
#define LAMPPOST_CLIENTS_CPP_SERVER_TARGET_H_

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/listen_address.h"

namespace lamppost::client {

// INVALID_ARGUMENT (BAD_ADDRESS) if the list is empty, or has a dns:/// beside others: gRPC looks that up
// itself.
absl::Status CheckServers(const std::vector<Address>& servers);

// One server's own target ("dns:///name:port" for a name, which gRPC then looks up, again and again). Of
// several, "ipv4:a:p,b:p" or "ipv6:[a]:p,[b]:p", names looked up now; if both versions are among them, IPv4
// addresses are written as IPv6 ones (::ffff:a). A name that is not found, or not in time, is left out:
// UNAVAILABLE (NOT_CONNECTED) if that leaves none.
absl::StatusOr<std::string> ResolveTarget(const std::vector<Address>& servers,
                                          std::chrono::system_clock::time_point deadline);

// "host:port" of what grpc::ClientContext::peer() gives; empty if that names no single peer.
std::string ServerOfPeer(absl::string_view peer);

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_SERVER_TARGET_H_
