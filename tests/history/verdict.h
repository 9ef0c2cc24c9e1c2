// What the checks have found, up to a bound, and of each invariant at least the first; and the checks
// themselves, one a file.
#ifndef LAMPPOST_TESTS_HISTORY_VERDICT_H_
#define LAMPPOST_TESTS_HISTORY_VERDICT_H_

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tests/history/checks.h"
#include "tests/history/history_index.h"

namespace lamppost::history {

// Not thread-safe.
class Verdict {
 public:
  // The words of `what` are put together.
  template <typename... Words>
  void Add(const char* invariant, const Words&... what) {
    if (violations_.size() >= kViolationsMax && Has(invariant)) return;
    violations_.push_back({invariant, absl::StrCat(what...)});
  }
  std::vector<Violation> Take() { return std::move(violations_); }

 private:
  bool Has(absl::string_view invariant) const {
    return std::any_of(violations_.begin(), violations_.end(),
                       [&](const Violation& violation) { return violation.invariant == invariant; });
  }

  std::vector<Violation> violations_;
};

// Each adds what it finds to the verdict.
void CheckValues(const HistoryIndex& index, Verdict* verdict);    // I2, I6
void CheckRequests(const HistoryIndex& index, Verdict* verdict);  // I10, I11
void CheckClients(const HistoryIndex& index, Verdict* verdict);   // I1
void CheckNodes(const HistoryIndex& index, Verdict* verdict);     // I9, and I7 of reads
void CheckSessions(const HistoryIndex& index, Verdict* verdict);  // I8, I9
void CheckFinal(const HistoryIndex& index, Verdict* verdict);     // I4, I5, and I7 at the end

}  // namespace lamppost::history

#endif  // LAMPPOST_TESTS_HISTORY_VERDICT_H_
