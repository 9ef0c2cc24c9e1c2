// Addresses as people write them: where a node listens, and where others find it. Pure parsing: no name
// is looked up. Thread-safe.
#ifndef LAMPPOST_SERVICES_COMMON_LISTEN_ADDRESS_H_
#define LAMPPOST_SERVICES_COMMON_LISTEN_ADDRESS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamppost {

inline constexpr size_t kAddressesMax = 64;  // in one list

// How an address was written. kHttp asks for plain text in so many words, kHttps for TLS.
enum class AddressScheme { kNone, kHttp, kHttps, kDns };

enum class Transport { kPlainText, kTls };

struct Address {
  AddressScheme scheme = AddressScheme::kNone;
  std::string host;  // a name, an IPv4 or an IPv6 address without brackets
  int port = 0;

  // "host:port", "[::1]:port": what people read, and what ParseAddress takes.
  std::string HostPort() const;
  // For grpc::CreateChannel: "dns:///name:port", "ipv4:127.0.0.1:port", "ipv6:[::1]:port".
  std::string Target() const;
  // "http://host:port" or "https://host:port": what ParseAddress takes.
  std::string Url(Transport transport) const;
};

// Where to call: host:port or [::1]:port, with http:// or https:// before it, or dns:///name:port; port 1 to
// 65535.
// INVALID_ARGUMENT, reason BAD_ADDRESS: the message says what is wrong and what is accepted.
absl::StatusOr<Address> ParseAddress(absl::string_view text);

// One or more of them, separated by commas, without spaces. Their order is kept.
absl::StatusOr<std::vector<Address>> ParseAddresses(absl::string_view text);

// Where to listen: an IP address or localhost with a port, as in 127.0.0.1:8000 or [::]:8000; port 0
// means any free one. Errors as above.
absl::StatusOr<Address> ParseListenAddress(absl::string_view text);

// True when nobody on another machine can reach a server that listens there: localhost, 127.0.0.0/8,
// ::1 and ::ffff:127.0.0.0/104, with or without brackets.
bool IsLoopback(absl::string_view host);

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_LISTEN_ADDRESS_H_
