#include "services/common/printable.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/common/utf8.h"

namespace lamppost {
namespace {

bool IsHidden(char32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return true;                           // C0, DEL, C1
  if ((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e)) return true;  // separators, direction
  if ((c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0x61c || c == 0xad) return true;
  return (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);  // no characters, and not allowed in XML
}

}  // namespace

std::string Printable(absl::string_view text) {
  std::string line;
  while (!text.empty()) {
    const Utf8Character character = FirstUtf8Character(text);
    if (character.bytes == 0) {
      absl::StrAppendFormat(&line, "\\x%02x", static_cast<unsigned char>(text[0]));
    } else if (!IsHidden(character.code_point)) {
      absl::StrAppend(&line, text.substr(0, character.bytes));
    } else if (text[0] == '\n') {
      line += "\\n";
    } else if (text[0] == '\t') {
      line += "\\t";
    } else if (character.code_point < 0x100) {
      absl::StrAppendFormat(&line, "\\x%02x", static_cast<unsigned>(character.code_point));
    } else {
      absl::StrAppendFormat(&line, "\\u%04x", static_cast<unsigned>(character.code_point));
    }
    text.remove_prefix(std::max<size_t>(1, character.bytes));
  }
  return line;
}

}  // namespace lamppost
