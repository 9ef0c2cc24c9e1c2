// What programs write, taken apart: lines, progress, the end of their error output, failures.
//
// Not thread-safe, but for the plain functions.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRAM_WORDS_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRAM_WORDS_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "services/rpc/core/function.h"
#include "services/rpc/functions/program_host.h"

namespace lamppost::rpc {

// Lines out of a stream of bytes, without their ends.
class LineSplitter {
 public:
  // Longer lines come in pieces.
  explicit LineSplitter(size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  void Add(absl::string_view bytes, const std::function<void(absl::string_view line)>& take);
  // The last line, if it has no end.
  void Finish(const std::function<void(absl::string_view line)>& take);
  // What has come of a line that has not ended yet.
  size_t pending_bytes() const { return pending_.size(); }

 private:
  const size_t line_bytes_max_;
  std::string pending_;
};

// The end of a text that may go on for ever.
class TextTail {
 public:
  void Add(absl::string_view bytes);
  // At most kErrorOutputBytesMax, valid UTF-8.
  std::string Text() const;

 private:
  std::string bytes_;
};

// "PERCENT [MESSAGE]", as in "40 reading" or "40%"; "-" for a percentage that is not known. Nothing if it is
// neither.
std::optional<Progress> ParseProgress(absl::string_view line);
// The same after the word "progress".
std::optional<Progress> ParseProgressLine(absl::string_view line);

// A failure that the function tells of: {"reason": "NO_SUCH_CITY", "message": "…"}. A reason that is none
// becomes FUNCTION_FAILED; nothing if it is no object.
std::optional<FunctionError> ParseOwnFailure(const Json& error);

FunctionError MakeFailure(absl::string_view reason, absl::string_view message);

// Of a program that ended otherwise than with exit code 0: NOT_EXECUTABLE, EXIT_CODE or SIGNAL.
FunctionError FailureOf(const ProgramEnd& end, uint64_t cpu_limit_s);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRAM_WORDS_H_
