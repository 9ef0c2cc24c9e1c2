// The building blocks of the on-disk records: LEB128 varints, big-endian integers (which sort as
// numbers), length-prefixed strings. docs/on-disk-format.md says what is built from them.
#ifndef LAMPPOST_SERVICES_KV_CORE_CODING_H_
#define LAMPPOST_SERVICES_KV_CORE_CODING_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "services/clock/timestamp.h"

namespace lamppost::kv {

void PutVarint(uint64_t number, std::string* out);
void PutBigEndian64(uint64_t number, std::string* out);
void PutString(absl::string_view text, std::string* out);
void PutOrigin(const Origin& origin, std::string* out);

// Takes records apart. After the first thing that does not fit, everything it returns is empty and
// ok() is false, so callers check once, at the end.
class Decoder {
 public:
  explicit Decoder(absl::string_view input) : rest_(input) {}

  uint8_t Byte();
  uint64_t Varint();
  uint64_t BigEndian64();
  std::string String();
  Origin GetOrigin();
  // How many items follow, each of at least one byte: never more than there are bytes left.
  uint64_t Count();

  absl::string_view rest() const { return rest_; }
  bool ok() const { return ok_; }
  // Nothing was wrong and nothing is left over.
  bool Done() const { return ok_ && rest_.empty(); }

 private:
  // The next `size` bytes; empty if there are fewer.
  absl::string_view Take(uint64_t size);

  absl::string_view rest_;
  bool ok_ = true;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_CODING_H_
