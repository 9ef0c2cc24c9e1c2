// Plays many seeds.
#ifndef LAMPPOST_TESTS_RPC_SIM_SWEEP_H_
#define LAMPPOST_TESTS_RPC_SIM_SWEEP_H_

#include <cstdint>
#include <functional>
#include <string>

#include "tests/rpc_sim/world.h"

namespace lamppost::rpc::sim {

struct Sweep {
  uint64_t first_seed = 1;
  uint64_t seeds = 1000;
  size_t threads = 1;
  // Told of each, in no order, one at a time; false ends the sweep.
  std::function<bool(uint64_t seed, const Played& played)> on_played;
};

struct SweepSummary {
  uint64_t seeds = 0;
  uint64_t bad = 0;
  uint64_t events = 0;
  uint64_t elapsed_ms = 0;
  uint64_t settle_ms_max = 0;
  Tally tally;
};

SweepSummary Run(const Sweep& sweep);
// For people.
std::string ToText(const SweepSummary& summary);

}  // namespace lamppost::rpc::sim

#endif  // LAMPPOST_TESTS_RPC_SIM_SWEEP_H_
