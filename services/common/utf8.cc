#include "services/common/utf8.h"

#include <cstdint>

namespace lamppost {

Utf8Character FirstUtf8Character(absl::string_view text) {
  if (text.empty()) return {};
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return {1, lead};
  size_t bytes = 0;
  char32_t smallest = 0;  // what needs this many bytes; anything below is an overlong form
  if ((lead & 0xe0) == 0xc0) {
    bytes = 2, smallest = 0x80;
  } else if ((lead & 0xf0) == 0xe0) {
    bytes = 3, smallest = 0x800;
  } else if ((lead & 0xf8) == 0xf0) {
    bytes = 4, smallest = 0x10000;
  }
  if (bytes == 0 || text.size() < bytes) return {};
  char32_t code_point = lead & (0xff >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<uint8_t>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    code_point = code_point << 6 | (next & 0x3f);
  }
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if (code_point < smallest || code_point > 0x10ffff || surrogate) return {};
  return {bytes, code_point};
}

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t bytes = FirstUtf8Character(text).bytes;
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

}  // namespace lamppost
