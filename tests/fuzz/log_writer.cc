#include "tests/fuzz/log_writer.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace lamppost::fuzz {
namespace {

constexpr size_t kHeaderBytes = 7;
constexpr char kWhole = 1;
constexpr char kFirst = 2;
constexpr char kMiddle = 3;
constexpr char kLast = 4;

// CRC-32C (Castagnoli), four bits at a time.
uint32_t Crc32c(absl::string_view bytes) {
  static const std::array<uint32_t, 16> table = [] {
    std::array<uint32_t, 16> made{};
    for (uint32_t nibble = 0; nibble < made.size(); ++nibble) {
      uint32_t rest = nibble;
      for (int bit = 0; bit < 4; ++bit) rest = rest >> 1 ^ (rest % 2 == 1 ? 0x82f63b78u : 0u);
      made[nibble] = rest;
    }
    return made;
  }();
  uint32_t crc = ~uint32_t{0};
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    crc = crc >> 4 ^ table[crc % 16];
    crc = crc >> 4 ^ table[crc % 16];
  }
  return ~crc;
}

void PutLittleEndian(uint32_t number, int bytes, std::string* out) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<char>(number >> 8 * i));
}

}  // namespace

void LogWriter::AppendPart(char type, absl::string_view payload) {
  std::string checked(1, type);
  checked.append(payload.data(), payload.size());
  const uint32_t crc = Crc32c(checked);
  PutLittleEndian((crc >> 15 | crc << 17) + 0xa282ead8u, 4, &log_);
  PutLittleEndian(static_cast<uint32_t>(payload.size()), 2, &log_);
  log_ += checked;
}

void LogWriter::Append(absl::string_view payload) {
  bool first = true;
  while (first || !payload.empty()) {
    const size_t left = kBlockBytes - log_.size() % kBlockBytes;
    if (left < kHeaderBytes) {
      fillers_.push_back({log_.size(), log_.size() + left});
      log_.append(left, '\0');
      continue;
    }
    const absl::string_view part = payload.substr(0, std::min(payload.size(), left - kHeaderBytes));
    payload.remove_prefix(part.size());
    const bool last = payload.empty();
    AppendPart(first ? (last ? kWhole : kFirst) : (last ? kLast : kMiddle), part);
    first = false;
  }
}

}  // namespace lamppost::fuzz
