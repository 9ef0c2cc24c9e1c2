#include "services/kv/core/coding.h"

namespace lamppost::kv {

void PutVarint(uint64_t number, std::string* out) {
  while (number >= 0x80) {
    out->push_back(static_cast<char>(number | 0x80));
    number >>= 7;
  }
  out->push_back(static_cast<char>(number));
}

void PutBigEndian64(uint64_t number, std::string* out) {
  for (int shift = 56; shift >= 0; shift -= 8) out->push_back(static_cast<char>(number >> shift));
}

void PutString(absl::string_view text, std::string* out) {
  PutVarint(text.size(), out);
  out->append(text.data(), text.size());
}

void PutOrigin(const Origin& origin, std::string* out) {
  PutString(origin.node_id, out);
  PutBigEndian64(origin.incarnation, out);
}

absl::string_view Decoder::Take(uint64_t size) {
  if (!ok_ || size > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  const absl::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

uint8_t Decoder::Byte() {
  const absl::string_view byte = Take(1);
  return byte.empty() ? 0 : static_cast<uint8_t>(byte[0]);
}

uint64_t Decoder::Varint() {
  uint64_t number = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const uint8_t byte = Byte();
    if (!ok_ || (shift == 63 && byte > 1)) break;
    number |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return number;
  }
  Take(UINT64_MAX);  // fails
  return 0;
}

uint64_t Decoder::BigEndian64() {
  uint64_t number = 0;
  for (const char byte : Take(8)) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

std::string Decoder::String() {
  return std::string(Take(Varint()));
}

Origin Decoder::GetOrigin() {
  Origin origin;
  origin.node_id = String();
  origin.incarnation = BigEndian64();
  return origin;
}

uint64_t Decoder::Count() {
  const uint64_t count = Varint();
  if (count > rest_.size()) Take(UINT64_MAX);  // fails
  return ok_ ? count : 0;
}

}  // namespace lamppost::kv
