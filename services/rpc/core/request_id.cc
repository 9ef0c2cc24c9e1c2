#include "services/rpc/core/request_id.h"

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

constexpr size_t kTextBytes = 36;

bool IsHyphenPlace(size_t i) {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

absl::Status Invalid() {
  return MakeError(absl::StatusCode::kInvalidArgument, "REQUEST_ID_INVALID",
                   "a request id is a UUID: 8-4-4-4-12 hexadecimal digits, not all of them 0");
}

}  // namespace

std::optional<uint64_t> RequestId::minted_ms() const {
  if (bytes_[6] >> 4 != 7) return std::nullopt;
  uint64_t ms = 0;
  for (size_t i = 0; i < 6; ++i) ms = ms << 8 | bytes_[i];
  return ms;
}

std::string ToString(const RequestId& id) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(kTextBytes);
  for (const uint8_t byte : id.bytes()) {
    if (IsHyphenPlace(text.size())) text.push_back('-');
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

absl::StatusOr<RequestId> ParseRequestId(absl::string_view text) {
  if (text.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "REQUEST_ID_MISSING",
                     "there is no request id; the client mints one, a UUID, and keeps it over its attempts");
  }
  if (text.size() != kTextBytes) return Invalid();
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsHyphenPlace(i) != (text[i] == '-')) return Invalid();
    if (IsHyphenPlace(i)) continue;
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(text[i]))) return Invalid();
    digits.push_back(text[i]);
  }
  const std::string raw = absl::HexStringToBytes(digits);
  RequestId::Bytes bytes;
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(raw[i]);
  const RequestId id(bytes);
  if (id == RequestId()) return Invalid();
  return id;
}

}  // namespace lamppost::rpc
