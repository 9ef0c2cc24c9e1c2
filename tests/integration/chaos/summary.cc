#include "tests/integration/chaos/summary.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace lamppost::chaos {
namespace {

using history::Kind;
using history::Operation;
using history::Outcome;

// Longer than any strike on all nodes lasts, with the restart after it.
constexpr double kSilenceMaxS = 15;

struct Counts {
  int64_t reads_ok = 0;
  int64_t reads_failed = 0;
  int64_t writes_ok = 0;
  int64_t writes_failed = 0;
  int64_t writes_unknown = 0;
  int64_t deletions = 0;  // acknowledged, in batches too
  int64_t batches = 0;    // acknowledged
  int64_t replays = 0;
  int64_t misuses_refused = 0;
  std::map<std::string, int64_t> errors;
  double silence_s = 0;  // the longest time between two acknowledgements

  int64_t acknowledged() const { return reads_ok + writes_ok; }
};

void CountWrite(const Operation& operation, Counts* counts) {
  if (operation.outcome == Outcome::kFailed) ++counts->writes_failed;
  if (operation.outcome == Outcome::kUnknown) ++counts->writes_unknown;
  if (operation.error == "REQUEST_ID_REUSED") ++counts->misuses_refused;
  if (operation.outcome != Outcome::kOk) return;
  ++counts->writes_ok;
  if (operation.replayed) ++counts->replays;
  if (operation.items.size() > 1) ++counts->batches;
  for (const history::Item& item : operation.items) counts->deletions += item.value ? 0 : 1;
}

Counts CountAll(const history::History& history) {
  Counts counts;
  std::optional<uint64_t> last_us;
  for (const Operation& operation : history.operations) {
    if (operation.outcome == Outcome::kOk) {
      const uint64_t silence_us = operation.end_us - last_us.value_or(operation.end_us);
      counts.silence_s = std::max(counts.silence_s, static_cast<double>(silence_us) / 1e6);
      last_us = operation.end_us;
    }
    if (!operation.error.empty()) ++counts.errors[operation.error];
    if (operation.kind == Kind::kWrite) {
      CountWrite(operation, &counts);
    } else {
      ++(operation.outcome == Outcome::kOk ? counts.reads_ok : counts.reads_failed);
    }
  }
  return counts;
}

}  // namespace

std::string Summary(const Facts& facts) {
  const Counts counts = CountAll(*facts.history);
  std::string text = absl::StrFormat(
      "operations: %d acknowledged, %.0f a second (floor %d), none for %.1f s at the longest\n"
      "  reads: %d ok, %d failed\n"
      "  writes: %d ok (%d batches, %d deletions, %d replays), %d refused, %d of unknown outcome\n"
      "  request ids used for other writes: %d refused\n",
      counts.acknowledged(), counts.acknowledged() / facts.seconds, facts.floor_per_s, counts.silence_s,
      counts.reads_ok, counts.reads_failed, counts.writes_ok, counts.batches, counts.deletions,
      counts.replays, counts.writes_failed, counts.writes_unknown, counts.misuses_refused);
  absl::StrAppend(&text, "errors:");
  for (const auto& [error, count] : counts.errors) absl::StrAppend(&text, " ", error, " ", count);
  absl::StrAppend(&text, "\nstrikes:");
  for (StrikeKind kind : facts.configured) {
    const auto it = facts.struck.find(kind);
    absl::StrAppend(&text, " ", ToString(kind), " ", it == facts.struck.end() ? 0 : it->second, ";");
  }
  return text + "\n";
}

std::vector<std::string> Shortcomings(const Facts& facts) {
  std::vector<std::string> missing;
  for (StrikeKind kind : facts.configured) {
    if (facts.struck.count(kind) == 0) missing.push_back(absl::StrCat("never struck: ", ToString(kind)));
  }
  const Counts counts = CountAll(*facts.history);
  if (counts.acknowledged() < static_cast<double>(facts.floor_per_s) * facts.seconds) {
    missing.push_back(absl::StrFormat("only %.0f acknowledged operations a second, the floor is %d",
                                      counts.acknowledged() / facts.seconds, facts.floor_per_s));
  }
  if (counts.silence_s > kSilenceMaxS) {
    missing.push_back(absl::StrFormat("nothing was acknowledged for %.1f s", counts.silence_s));
  }
  const std::pair<const char*, int64_t> expected[] = {
      {"acknowledged read", counts.reads_ok},
      {"acknowledged write", counts.writes_ok},
      {"acknowledged batch", counts.batches},
      {"acknowledged deletion", counts.deletions},
      {"write of unknown outcome", counts.writes_unknown},
      {"replay", counts.replays},
      {"refusal of a used request id", counts.misuses_refused},
  };
  for (const auto& [what, count] : expected) {
    if (count == 0) missing.push_back(absl::StrCat("not one ", what));
  }
  return missing;
}

}  // namespace lamppost::chaos
