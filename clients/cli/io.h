// The streams of the command and what is known about them; tests put string streams in their place.
#ifndef LAMPPOST_CLIENTS_CLI_IO_H_
#define LAMPPOST_CLIENTS_CLI_IO_H_

#include <istream>
#include <ostream>

namespace lamppost::cli {

enum class Colour { kOff, kOn };
enum class InputKind { kOther, kTerminal };
enum class ProgressBar { kOff, kOn };

struct Io {
  std::istream* in;
  std::ostream* out;
  std::ostream* err;
  Colour out_colour = Colour::kOff;
  Colour err_colour = Colour::kOff;
  ProgressBar progress = ProgressBar::kOff;
  InputKind in_kind = InputKind::kOther;  // whether there is somebody to ask
};

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_IO_H_
