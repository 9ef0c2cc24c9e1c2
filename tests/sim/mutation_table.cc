#include "tests/sim/mutation_table.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "services/common/mutation.h"
#include "tests/sim/plan_text.h"
#include "tests/sim/play.h"

namespace lamppost::sim {
namespace {

// Of a run with a bug: some make nodes send each other the same for ever.
constexpr uint64_t kEventsMax = 2'000'000;

// Those that the store has the feature for today.
const std::vector<std::string>& Invariants() {
  static const auto* const kAll = new std::vector<std::string>{
      "I1",  "I2",  "I3",  "I4",  "I5",  "I6",  "I7",     "I8",       "I9",    "I10",    "I11",
      "I12", "I13", "I14", "I15", "I16", "I17", "fences", "replicas", "watch", "expiry", "members"};
  return *kAll;
}

struct Caught {
  std::map<std::string, std::string> red;  // invariant: what first broke it, a seed or a plan
  uint64_t seeds = 0;

  bool Has(const std::vector<std::string>& invariants) const {
    return std::all_of(invariants.begin(), invariants.end(),
                       [&](const std::string& invariant) { return red.count(invariant) > 0; });
  }
  void Add(const Played& played, const std::string& what) {
    for (const history::Violation& violation : played.result.violations) {
      red.insert({violation.invariant, what});
    }
  }
};

// Until all that is wanted is red; if nothing is wanted, to the end.
Caught PlayUnder(Mutation mutation, const Expectation& expectation, const std::string& plans,
                 uint64_t seeds_max, size_t threads) {
  mutation::SetActive(mutation);
  Caught caught;
  if (expectation.plan != nullptr) {
    const absl::StatusOr<Plan> plan = ReadPlan(absl::StrCat(plans, "/", expectation.plan));
    if (plan.ok()) caught.Add(Play(*plan), expectation.plan);
  }
  const std::vector<std::string>& wanted = expectation.invariants;
  if (wanted.empty() || !caught.Has(wanted)) {
    Sweep sweep;
    sweep.seeds = seeds_max;
    sweep.threads = threads;
    if (mutation != Mutation::kNone) sweep.events_max = kEventsMax;
    sweep.on_played = [&](uint64_t seed, const Played& played) {
      caught.Add(played, absl::StrCat("seed ", seed));
      return wanted.empty() || !caught.Has(wanted);
    };
    caught.seeds = Run(sweep).seeds;
  }
  mutation::SetActive(Mutation::kNone);
  return caught;
}

std::string Describe(const Caught& caught) {
  return absl::StrJoin(caught.red, ", ", [](std::string* out, const auto& entry) {
    absl::StrAppend(out, entry.first, " (", entry.second, ")");
  });
}

}  // namespace

const std::vector<Expectation>& Expectations() {
  static const auto* const kAll = new std::vector<Expectation>{
      {"no-tie-break", {"I3", "I4"}},
      {"merge-on-equal", {"I3"}},
      {"ack-before-fsync", {"I5"}},
      {"ignore-failed-commit", {"I13"}},
      {"seen-before-durable", {"I5"}},
      {"tombstone-by-age", {"I7", "I9"}},
      {"clock-not-reserved", {"I1", "I2"}},
      {"observe-without-raise", {"I1"}},
      {"no-jump-limit", {"I15"}},
      {"heads-by-chunk", {"I5"}},
      {"no-relay", {"I14"}},
      {"no-fence", {"fences"}},
      {"former-life", {"fences"}},
      {"no-life-check", {"I5"}},
      {"covered-merged", {"I17", "I7"}},
      {"seen-too-little", {"I17"}},
      {"seen-too-much", {"I17"}},
      {"request-not-recorded", {"I10"}},
      {"fingerprint-ignored", {"I11"}},
      {"value-cut", {"I6", "I12"}},
      {"damage-taken-for-absence", {"I7"}},
      {"wire-unchecked", {"I12"}},
      {"gap-ignored", {"I14"}},
      {"clock-follows-time", {"I16"}},
      {"stable-from-heads", {"I7"}},
      {"batch-torn", {"I5"}},
      {"catch-up-within-to", {"I5"}},
      {"stale-snapshot", {"I5"}},
      {"live-gap", {"I5"}},
      {"urgency-ignored", {"I1"}},
      {"seen-by-heads-alone", {"I17"}},
      {"part-missing", {"I5"}, "part_missing.plan"},
      {"forgot-by-age", {"I7"}},
      {"no-full", {"I7"}},
      {"no-replace", {"I7"}},
      {"forgotten-not-taken", {"I5"}},
      {"stable-without-absent", {"I7"}},
      {"no-repair", {"I14"}},
      {"loose-kept", {"I5"}, "loose_deletion.plan"},
      {"own-replaced", {"I5"}, "filling_speaks_of_replaced.plan"},
      {"course-kept", {"I5"}, "course_kept.plan"},
      {"full-halfway", {"I5"}, "full_sync_halfway.plan"},
      {"loser-forgotten", {"I17"}},
      {"late-loser-forgotten", {"I17"}},
      {"resolution-lost", {"I17"}},
      {"ledger-unbounded", {"I17"}},
      {"watch-uncovered", {"watch"}},
      {"watch-ahead", {"watch"}},
      {"session-not-awaited", {"I8", "I9"}},
      {"session-unseen", {"I17"}},
      {"replicas-not-durable", {"replicas"}},
      {"replicas-ignored", {"replicas"}},
      {"expired-read", {"expiry"}},
      {"expiry-decides", {"I7"}},
      {"removed-not-refused", {"members"}},
      {"member-ignored", {"I14"}},
  };
  return *kAll;
}

bool CatchMutations(const std::vector<std::string>& names, const std::string& plans, uint64_t seeds_max,
                    size_t threads, std::ostream* out) {
  bool good = true;
  uint64_t slowest = 0;
  std::set<std::string> without(Invariants().begin(), Invariants().end());
  std::set<std::string> unexpected;
  for (const mutation::Description& each : mutation::All()) {
    if (each.part == mutation::Part::kStore) unexpected.insert(each.name);
  }
  for (const Expectation& expectation : Expectations()) {
    unexpected.erase(expectation.mutation);
    if (!names.empty() && std::find(names.begin(), names.end(), expectation.mutation) == names.end())
      continue;
    const std::optional<Mutation> mutation = mutation::Find(expectation.mutation);
    if (!mutation) {
      *out << "this build has no mutation " << expectation.mutation << "\n";
      return false;
    }
    const Caught caught = PlayUnder(*mutation, expectation, plans, seeds_max, threads);
    const bool all = caught.Has(expectation.invariants);
    for (const std::string& invariant : expectation.invariants) {
      if (caught.red.count(invariant) > 0) without.erase(invariant);
    }
    good &= all;
    if (all) slowest = std::max(slowest, caught.seeds);
    *out << absl::StrFormat("%-8s %-25s expected %-8s after %4d seeds: %s\n", all ? "red" : "NOT RED",
                            expectation.mutation, absl::StrJoin(expectation.invariants, "+"), caught.seeds,
                            Describe(caught))
         << std::flush;
  }
  for (const std::string& name : unexpected) *out << "nothing is expected of mutation " << name << "\n";
  if (!names.empty()) return good;
  for (const std::string& invariant : without) *out << "no mutation breaks " << invariant << "\n";
  const Caught none = PlayUnder(Mutation::kNone, Expectation(), plans, slowest, threads);
  *out << absl::StrFormat("%-8s %-25s after %4d seeds: %s\n", none.red.empty() ? "green" : "NOT GREEN",
                          "(no mutation)", none.seeds, Describe(none));
  return good && unexpected.empty() && without.empty() && none.red.empty();
}

}  // namespace lamppost::sim
