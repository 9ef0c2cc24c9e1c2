// Writes a log as RocksDB does, from its description, and apart from the code that checks logs: each is the
// other's judge.
#ifndef LAMPPOST_TESTS_FUZZ_LOG_WRITER_H_
#define LAMPPOST_TESTS_FUZZ_LOG_WRITER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace lamppost::fuzz {

class LogWriter {
 public:
  static constexpr size_t kBlockBytes = 32768;

  // Zeros at a block's end, too short for a record's header.
  struct Filler {
    size_t begin;
    size_t end;
  };

  // One record, in as many parts as it needs.
  void Append(absl::string_view payload);

  const std::string& log() const { return log_; }
  const std::vector<Filler>& fillers() const { return fillers_; }

 private:
  void AppendPart(char type, absl::string_view payload);

  std::string log_;
  std::vector<Filler> fillers_;
};

}  // namespace lamppost::fuzz

#endif  // LAMPPOST_TESTS_FUZZ_LOG_WRITER_H_
