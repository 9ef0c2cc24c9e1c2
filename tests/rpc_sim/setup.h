// What differs from one run to the next: how many servers on which store, which functions, how often what
// goes wrong. Everything is drawn from the seed.
#ifndef LAMPPOST_TESTS_RPC_SIM_SETUP_H_
#define LAMPPOST_TESTS_RPC_SIM_SETUP_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "services/rpc/core/engine.h"
#include "services/rpc/core/function.h"
#include "services/rpc/core/registry.h"
#include "tests/sim/random.h"
#include "tests/sim/scheduler.h"

namespace lamppost::rpc::sim {

using ::lamppost::sim::Random;
using ::lamppost::sim::Scheduler;

// Unix time at which a run begins.
inline constexpr uint64_t kEpochMs = 1'700'000'000'000;

// Of any function in any registry.
inline constexpr size_t kConcurrencyMax = 3;

enum class StoreKind {
  kLocal,   // each server has its own, on its disk; a request id goes to one server
  kShared,  // one for all, behind a network
};

// Chances in a thousand, while there are faults.
struct Rates {
  uint64_t request_lost = 0;
  uint64_t reply_lost = 0;
  uint64_t repeated = 0;
  uint64_t repeated_late = 0;
  uint64_t slow = 0;
  uint64_t crash = 0;  // of every step of a server
  uint64_t store_lost = 0;
  uint64_t store_answer_lost = 0;
  uint64_t store_slow = 0;
  uint64_t store_fails = 0;  // of every group that a local store commits
};

struct Setup {
  uint64_t seed = 0;
  StoreKind store = StoreKind::kLocal;
  size_t servers = 1;
  size_t clients = 3;
  size_t jobs = 40;           // of all clients together
  uint64_t active_ms = 5000;  // so long there are faults, and new jobs
  uint64_t lease_ms = 500;    // of an owner in a shared store
  EngineOptions engine;       // but for the origin
  Rates rates;
  // How often each of these happens in a run.
  size_t pauses = 0;
  size_t kills = 0;  // of a server at any time, besides Rates::crash
  size_t stops = 0;  // orderly
  size_t wall_jumps = 0;
  size_t cuts = 0;     // between a server and the shared store
  size_t outages = 0;  // of the shared store
  size_t client_crashes = 0;
  size_t bursts = 0;
  size_t swaps = 0;  // of a server's functions

  // How many runs there may be at a time. Those of several registries count together, each with its own
  // limit.
  size_t ConcurrencyMax(const FunctionSpec& spec) const {
    return swaps > 0 ? kConcurrencyMax : spec.concurrency_max;
  }
};

Setup DrawSetup(uint64_t seed);

// What the simulated functions are like, besides what the engine is told.
struct SimFunction {
  FunctionSpec spec;
  enum class End { kResult, kFails } end = End::kResult;
  uint64_t run_ms_max = 100;
};

// Small limits, so that they are reached.
const std::vector<SimFunction>& SimFunctions();

}  // namespace lamppost::rpc::sim

#endif  // LAMPPOST_TESTS_RPC_SIM_SETUP_H_
