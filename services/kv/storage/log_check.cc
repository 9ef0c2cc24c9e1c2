#include "services/kv/storage/log_check.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost::kv {
namespace {

// A log (write-ahead log or MANIFEST) is blocks of 32 KiB. A record in it: checksum (4 bytes), length (2),
// type (1), payload; numbers are little-endian. The checksum is a masked CRC-32C over type and payload, not
// over the length. No record crosses a block: longer ones are parted, and what is too short for a header is
// filled with zeros.
constexpr size_t kBlockBytes = 32768;
constexpr size_t kHeaderBytes = 7;
constexpr size_t kTypeOffset = 6;

std::array<uint32_t, 256> MakeCrc32cTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < table.size(); ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
    table[byte] = crc;
  }
  return table;
}

uint32_t MaskedCrc32c(absl::string_view data) {
  static const std::array<uint32_t, 256> table = MakeCrc32cTable();
  uint32_t crc = 0xffffffffu;
  for (const char byte : data) crc = (crc >> 8) ^ table[(crc ^ static_cast<uint8_t>(byte)) & 0xff];
  crc ^= 0xffffffffu;
  // Logs hold checksums masked, so that a checksum of data that holds checksums stays a good one.
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

uint32_t ReadLittleEndian(absl::string_view bytes) {
  uint32_t number = 0;
  for (size_t i = bytes.size(); i > 0; --i) number = (number << 8) | static_cast<uint8_t>(bytes[i - 1]);
  return number;
}

size_t PayloadBytes(absl::string_view record) {
  return ReadLittleEndian(record.substr(4, 2));
}

// Whether this is a whole record with a payload of that many bytes and the checksum it should have.
bool IsIntact(absl::string_view record, size_t payload_bytes) {
  if (record.size() < kHeaderBytes + payload_bytes) return false;
  return MaskedCrc32c(record.substr(kTypeOffset, 1 + payload_bytes)) == ReadLittleEndian(record.substr(0, 4));
}

// Whether an intact record starts anywhere in the bytes after the first. Types beyond 4 are not written.
bool HoldsLaterRecord(absl::string_view bytes) {
  for (size_t at = 1; at + kHeaderBytes < bytes.size(); ++at) {
    const absl::string_view record = bytes.substr(at);
    const uint8_t type = static_cast<uint8_t>(record[kTypeOffset]);
    const size_t payload_bytes = PayloadBytes(record);
    if (type >= 1 && type <= 4 && payload_bytes > 0 && IsIntact(record, payload_bytes)) return true;
  }
  return false;
}

bool AllZeros(absl::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0; });
}

// Whether a crash may have left this, from the first record that is not intact to the log's end.
bool IsTornTail(absl::string_view rest, absl::string_view rest_of_block, bool block_is_full) {
  if (AllZeros(rest)) return true;
  // No block follows, and the record wants more than there is.
  if (block_is_full || rest.size() != rest_of_block.size()) return false;
  if (rest.size() < kHeaderBytes) return true;
  const size_t present_bytes = rest.size() - kHeaderBytes;
  if (PayloadBytes(rest) <= present_bytes) return false;
  // It may also be whole, with a length that is wrong: then it fits its checksum as it is, or others follow.
  return !IsIntact(rest, present_bytes) && !HoldsLaterRecord(rest);
}

absl::Status ReadFile(const std::string& path, std::string& content) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff bytes = file ? static_cast<std::streamoff>(file.tellg()) : -1;
  if (bytes >= 0) {
    content.resize(static_cast<size_t>(bytes));
    file.seekg(0);
    file.read(content.data(), bytes);
    if (file) return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kUnavailable, "STORAGE_FAILED", absl::StrCat("cannot read ", path));
}

}  // namespace

absl::Status CheckLogContent(absl::string_view content, absl::string_view file_name) {
  size_t at = 0;
  while (at < content.size()) {
    const size_t block_end = std::min((at / kBlockBytes + 1) * kBlockBytes, content.size());
    const absl::string_view rest_of_block = content.substr(at, block_end - at);
    const bool block_is_full = block_end % kBlockBytes == 0;
    if (rest_of_block.size() < kHeaderBytes && block_is_full) {
      at = block_end;
      continue;
    }
    const size_t payload_bytes = rest_of_block.size() < kHeaderBytes ? 0 : PayloadBytes(rest_of_block);
    const bool empty = rest_of_block.size() < kHeaderBytes || rest_of_block[kTypeOffset] == 0;
    if (!empty && IsIntact(rest_of_block, payload_bytes)) {
      at += kHeaderBytes + payload_bytes;
      continue;
    }
    if (IsTornTail(content.substr(at), rest_of_block, block_is_full)) return absl::OkStatus();
    return MakeError(absl::StatusCode::kDataLoss, "DATA_CORRUPT",
                     absl::StrCat("the log ", file_name, " is damaged at byte ", at, " of ", content.size(),
                                  ", and not by a write that a crash cut short"));
  }
  return absl::OkStatus();
}

absl::Status CheckLogFile(const std::string& path) {
  std::string content;
  if (absl::Status status = ReadFile(path, content); !status.ok()) return status;
  return CheckLogContent(content, path);
}

}  // namespace lamppost::kv
