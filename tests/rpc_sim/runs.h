// The functions of a simulated server: each run takes its time, takes effect at some moment in it, and tells
// how far it is. A crash of the server cuts it off, before or after its effect.
//
// Not thread-safe.
#ifndef LAMPPOST_TESTS_RPC_SIM_RUNS_H_
#define LAMPPOST_TESTS_RPC_SIM_RUNS_H_

#include <cstdint>
#include <map>
#include <memory>

#include "services/rpc/core/function.h"
#include "services/rpc/core/registry.h"
#include "tests/rpc_sim/journal.h"
#include "tests/rpc_sim/oracle.h"
#include "tests/rpc_sim/setup.h"

namespace lamppost::rpc::sim {

// Of one function in one life of a server.
class Runs : public Runnable {
 public:
  struct Surroundings {
    Scheduler* scheduler;
    Journal* journal;
    Oracle* oracle;
    const LifeFacts* life;
    std::shared_ptr<const bool> alive;  // false once the life has ended
  };

  Runs(SimFunction function, Surroundings surroundings, Random random)
      : function_(std::move(function)), to_(std::move(surroundings)), random_(random) {}

  void Start(RunRequest request, RunSink* sink) override;
  void Kill(RunId run) override;

 private:
  struct Run {
    uint64_t start = 0;  // its number at the oracle
    RunSink* sink = nullptr;
  };
  void After(uint64_t delay_us, Scheduler::Action action);
  void End(RunId run, bool killed);

  const SimFunction function_;
  const Surroundings to_;
  Random random_;
  std::map<RunId, Run> runs_;
};

}  // namespace lamppost::rpc::sim

#endif  // LAMPPOST_TESTS_RPC_SIM_RUNS_H_
