// Playing a plan, alone or beside many others.
#ifndef LAMPPOST_TESTS_SIM_PLAY_H_
#define LAMPPOST_TESTS_SIM_PLAY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "tests/sim/plan.h"
#include "tests/sim/trace.h"
#include "tests/sim/world.h"

namespace lamppost::sim {

struct Played {
  Result result;
  uint64_t trace_hash = 0;

  // Nothing was violated, and every fault of the plan has struck.
  bool IsGood() const { return result.violations.empty(); }
  bool Violates(const std::string& invariant) const;
  // A line for each thing that is wrong.
  std::string WhatIsWrong() const;
};

// The watchers change nothing. They must outlive the call.
Played Play(const Plan& plan, const std::vector<TimedObserver*>& watchers = {});
// The same, told line by line.
Played Play(const Plan& plan, std::ostream* trace, TraceText::Detail detail);

struct Sweep {
  uint64_t first_seed = 1;
  uint64_t seeds = 1000;
  uint64_t limit_ms = UINT64_MAX;  // no further seed is begun after that
  size_t threads = 1;
  uint64_t events_max = Plan().events_max;  // of a seed
  // Called after each seed, by one thread at a time; false ends the sweep.
  std::function<bool(uint64_t seed, const Played& played)> on_played;
};

struct SweepSummary {
  uint64_t seeds = 0;
  uint64_t events = 0;
  uint64_t bad = 0;
  uint64_t elapsed_ms = 0;
  uint64_t settle_ms_max = 0;
  Tally tally;
};

SweepSummary Run(const Sweep& sweep);
// For people: how much was done, which faults struck how often, which invariants were looked at how often.
std::string ToText(const SweepSummary& summary);

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_PLAY_H_
