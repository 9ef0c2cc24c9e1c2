// What a process has kept in memory at most.
#ifndef LAMPPOST_TESTS_INTEGRATION_PEAK_MEMORY_H_
#define LAMPPOST_TESTS_INTEGRATION_PEAK_MEMORY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "tests/integration/testing/process.h"

namespace lamppost::testing {

// At any time since it started (VmHWM), between two looks too; 0 if it does not run.
inline uint64_t PeakMemoryBytes(const Process& process) {
  const std::string status = ReadFile(absl::StrCat("/proc/", process.pid(), "/status"));
  for (const absl::string_view line : absl::StrSplit(status, '\n')) {
    if (!absl::StartsWith(line, "VmHWM:")) continue;
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    uint64_t kibibytes = 0;
    if (words.size() >= 2 && absl::SimpleAtoi(words[1], &kibibytes)) return kibibytes << 10;
  }
  return 0;
}

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_PEAK_MEMORY_H_
