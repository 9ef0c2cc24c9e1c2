// Commands that can be pasted into a shell. Pure.
#ifndef LAMPPOST_CLIENTS_CLI_SHELL_QUOTE_H_
#define LAMPPOST_CLIENTS_CLI_SHELL_QUOTE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace lamppost::cli {

// The word as a POSIX shell reads it back: itself if nothing in it is special, else in single quotes. With
// control characters or bytes that are no UTF-8 in it, which are not to reach a terminal, it is written $'…',
// as bash, zsh and ksh read it.
std::string ShellQuote(absl::string_view word);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_SHELL_QUOTE_H_
