// Text from programs, made fit to be shown and kept: valid UTF-8 within bounds. Pure and thread-safe.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_TEXT_BOUNDS_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_TEXT_BOUNDS_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace lamppost::rpc {

// The text with every byte that belongs to no character made U+FFFD, and only as much of its beginning, or of
// its end, as fits: whole characters, at most bytes_max bytes.
std::string Utf8Prefix(absl::string_view text, size_t bytes_max);
std::string Utf8Suffix(absl::string_view text, size_t bytes_max);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_TEXT_BOUNDS_H_
