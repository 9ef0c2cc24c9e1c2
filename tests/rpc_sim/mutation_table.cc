#include "tests/rpc_sim/mutation_table.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "services/common/mutation.h"
#include "tests/rpc_sim/sweep.h"

namespace lamppost::rpc::sim {
namespace {

constexpr uint64_t kSeedsMax = 2000;

struct Expectation {
  const char* mutation;
  std::vector<std::string> checks;  // each of them must turn red
};

const std::vector<Expectation>& Expectations() {
  static const auto* const kAll = new std::vector<Expectation>{
      {"record-after-run", {"I10a", "recorded"}},
      {"params-not-fingerprinted", {"I11"}},
      {"expiry-reruns", {"I10a", "expired"}},
      {"join-left-out", {"I10a"}},
      {"outcome-not-durable", {"durable"}},
      {"takeover-of-the-living", {"I10d", "I10e"}},
      {"unknown-is-rerun", {"I10a", "I10e"}},
      {"store-error-is-final", {"I14"}},
      {"outcome-overwrites", {"I10c"}},
      {"run-number-reused", {"I10b"}},
      {"place-free-too-early", {"bounds"}},
      {"end-not-stamped", {"I1", "I2"}},
      {"leave-ignored", {"replies"}},
      {"params-not-kept", {"I11"}},
      {"queue-unbounded", {"bounds"}},
      {"age-before-join", {"expired"}},
      {"record-not-observed", {"I1"}},
  };
  return *kAll;
}

struct Caught {
  std::map<std::string, uint64_t> red;  // check: the seed that broke it
  uint64_t seeds = 0;

  bool Has(const std::vector<std::string>& checks) const {
    return std::all_of(checks.begin(), checks.end(),
                       [&](const std::string& check) { return red.count(check) > 0; });
  }
  std::string ToText() const {
    return absl::StrJoin(red, ", ", [](std::string* out, const auto& entry) {
      absl::StrAppend(out, entry.first, " (seed ", entry.second, ")");
    });
  }
};

// Until all that is wanted is red; if nothing is wanted, to the end.
Caught PlayUnder(Mutation mutation, const std::vector<std::string>& wanted, uint64_t seeds_max,
                 size_t threads) {
  mutation::SetActive(mutation);
  Caught caught;
  Sweep sweep;
  sweep.seeds = seeds_max;
  sweep.threads = threads;
  sweep.on_played = [&](uint64_t seed, const Played& played) {
    for (const Violation& violation : played.violations) caught.red.insert({violation.check, seed});
    return wanted.empty() || !caught.Has(wanted);
  };
  caught.seeds = Run(sweep).seeds;
  mutation::SetActive(Mutation::kNone);
  return caught;
}

}  // namespace

bool CatchMutations(const std::string& name, size_t threads, std::ostream* out) {
  bool good = true;
  uint64_t slowest = 0;
  std::set<std::string> unbroken(CheckNames().begin(), CheckNames().end());
  std::set<std::string> unexpected;
  for (const mutation::Description& each : mutation::All()) {
    if (each.part == mutation::Part::kFunctions) unexpected.insert(each.name);
  }
  for (const Expectation& expectation : Expectations()) {
    unexpected.erase(expectation.mutation);
    if (!name.empty() && name != expectation.mutation) continue;
    const std::optional<Mutation> mutation = mutation::Find(expectation.mutation);
    if (!mutation) {
      *out << "this build has no mutation " << expectation.mutation << "\n";
      return false;
    }
    const Caught caught = PlayUnder(*mutation, expectation.checks, kSeedsMax, threads);
    const bool all = caught.Has(expectation.checks);
    if (all) {
      for (const std::string& check : expectation.checks) unbroken.erase(check);
      slowest = std::max(slowest, caught.seeds);
    }
    good &= all;
    *out << absl::StrFormat("%-8s %-25s expected %-14s after %4d seeds: %s\n", all ? "red" : "NOT RED",
                            expectation.mutation, absl::StrJoin(expectation.checks, "+"), caught.seeds,
                            caught.ToText())
         << std::flush;
  }
  for (const std::string& each : unexpected) *out << "nothing is expected of mutation " << each << "\n";
  if (!name.empty()) return good;
  for (const std::string& check : unbroken) *out << "no mutation breaks " << check << "\n";
  const Caught none = PlayUnder(Mutation::kNone, {}, slowest, threads);
  *out << absl::StrFormat("%-8s %-25s after %4d seeds: %s\n", none.red.empty() ? "green" : "NOT GREEN",
                          "(no mutation)", none.seeds, none.ToText());
  return good && unexpected.empty() && unbroken.empty() && none.red.empty();
}

}  // namespace lamppost::rpc::sim
