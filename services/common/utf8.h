// Which bytes make a character. Pure and thread-safe.
#ifndef LAMPPOST_SERVICES_COMMON_UTF8_H_
#define LAMPPOST_SERVICES_COMMON_UTF8_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace lamppost {

struct Utf8Character {
  size_t bytes = 0;  // 1 to 4; 0 if the text does not begin with a character
  char32_t code_point = 0;
};

// The character that the text begins with. As RFC 3629 has it: no overlong forms, no surrogates,
// nothing above U+10FFFF.
Utf8Character FirstUtf8Character(absl::string_view text);

// True for text that is all characters, the empty text included.
bool IsUtf8(absl::string_view text);

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_UTF8_H_
