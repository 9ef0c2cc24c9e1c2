// Lines of a stream, with a bound on their length. Not thread-safe.
#ifndef LAMPPOST_CLIENTS_CLI_LINE_READER_H_
#define LAMPPOST_CLIENTS_CLI_LINE_READER_H_

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamppost::cli {

// A value of 1 MiB, every byte of it escaped, with its key.
inline constexpr size_t kLineBytesMax = 8 << 20;

class LineReader {
 public:
  explicit LineReader(std::istream* in, size_t line_bytes_max = kLineBytesMax)
      : in_(in), line_bytes_max_(line_bytes_max) {}

  // The next line without its end (LF or CRLF), valid until the next call; false at the end. The last
  // line need not be ended. INVALID_ARGUMENT if a line is too long, UNAVAILABLE if reading fails.
  absl::StatusOr<bool> Next(absl::string_view* line);

  // From 1: the number of the line that Next gave, or failed at.
  uint64_t line_number() const { return line_number_; }
  // Up to the end of that line.
  uint64_t bytes_read() const { return bytes_read_; }

 private:
  std::istream* const in_;
  const size_t line_bytes_max_;
  std::string buffer_;
  size_t position_ = 0;  // in buffer_: where the next line begins
  uint64_t line_number_ = 0;
  uint64_t bytes_read_ = 0;
};

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_LINE_READER_H_
