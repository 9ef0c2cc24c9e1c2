// Request ids: UUIDs (RFC 9562), minted by clients.
//
// Those of version 7 begin with the time they were minted at, so an expired one is known by itself. Any other
// version is taken, too; its expired ids must be kept in mind one by one.
//
// Plain values; as thread-safe as an int.
#ifndef LAMPPOST_SERVICES_RPC_CORE_REQUEST_ID_H_
#define LAMPPOST_SERVICES_RPC_CORE_REQUEST_ID_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamppost::rpc {

class RequestId {
 public:
  using Bytes = std::array<uint8_t, 16>;

  // The nil UUID, which is no request's.
  RequestId() = default;
  explicit RequestId(const Bytes& bytes) : bytes_(bytes) {}

  const Bytes& bytes() const { return bytes_; }
  // Of version 7: when it was minted, in milliseconds of Unix time, by the client's clock.
  std::optional<uint64_t> minted_ms() const;

  friend bool operator==(const RequestId& a, const RequestId& b) { return a.bytes_ == b.bytes_; }
  friend bool operator!=(const RequestId& a, const RequestId& b) { return a.bytes_ != b.bytes_; }
  // Bytewise: ids of version 7 are in the order of their times.
  friend bool operator<(const RequestId& a, const RequestId& b) { return a.bytes_ < b.bytes_; }

 private:
  Bytes bytes_ = {};
};

// "0190f3c2-7a8b-7c3d-9e4f-0123456789ab": the canonical form, in lower case.
std::string ToString(const RequestId& id);

// 8-4-4-4-12 hexadecimal digits of either case. INVALID_ARGUMENT: REQUEST_ID_MISSING if the text is empty,
// else REQUEST_ID_INVALID; the nil UUID is invalid.
absl::StatusOr<RequestId> ParseRequestId(absl::string_view text);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_CORE_REQUEST_ID_H_
