// Text from elsewhere made fit for people's eyes. Pure and thread-safe.
#ifndef LAMPPOST_SERVICES_COMMON_PRINTABLE_H_
#define LAMPPOST_SERVICES_COMMON_PRINTABLE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace lamppost {

// One line of visible characters, which no byte of `text` can break or steer: control characters, line
// separators, marks that turn the direction of writing and bytes that are no UTF-8 become \n, \t, \x1b or
// \u202e.
std::string Printable(absl::string_view text);

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_PRINTABLE_H_
