// Carries a schedule of strikes out, and undoes each when its time is over.
//
// Not thread-safe; for the thread that starts processes.
#ifndef LAMPPOST_TESTS_INTEGRATION_CHAOS_NEMESIS_H_
#define LAMPPOST_TESTS_INTEGRATION_CHAOS_NEMESIS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/history/history.h"
#include "tests/integration/chaos/arena.h"
#include "tests/integration/chaos/schedule.h"

namespace lamppost::chaos {

class Nemesis {
 public:
  // log is told what happens, a line each.
  Nemesis(Arena* arena, std::vector<Strike> schedule, RunClock clock,
          std::function<void(const std::string&)> log);

  // Strikes from now on for that long, then heals all: every node runs and no fault is left.
  void Run(int64_t length_ms);

  // How often each kind really struck.
  const std::map<StrikeKind, int>& struck() const { return struck_; }
  const std::vector<history::DiskLoss>& disk_losses() const { return disk_losses_; }
  // What went wrong that should not: a node that ended by itself, an orderly end that was none.
  const std::vector<std::string>& failures() const { return failures_; }

 private:
  enum class State { kWaiting, kActive, kOver };
  struct Planned {
    Strike strike;
    State state = State::kWaiting;
  };
  struct NodeState {
    bool should_run = true;
    bool is_paused = false;
    bool is_early = false;         // it was told to end before it took signals
    int64_t full_until_ms = 0;     // its disk has no room
    int64_t may_end_until_ms = 0;  // a commit that failed ends the process
  };

  int64_t NowMs() const;
  void Begin(Planned* planned);
  void End(Planned* planned);
  absl::Status BeginOnProcess(const Strike& strike);
  void EndOnProcess(const Strike& strike);
  void Wipe(int node);
  void ApplyFaults();
  bool IsDue(const Planned& planned) const;
  void EndOrderly(int node);
  void StartAgain(int node);
  // Nodes that ended by themselves.
  void LookForDeaths();
  // What nodes have, so that it is known when one cannot be asked any more.
  void LookAtHeads();
  void Heal();
  void Fail(const std::string& what);

  Arena* const arena_;
  const RunClock clock_;
  const std::function<void(const std::string&)> log_;
  uint64_t begin_us_ = 0;
  std::vector<Planned> schedule_;
  std::vector<NodeState> nodes_;
  int64_t next_look_ms_ = 0;  // at the nodes' heads
  std::map<StrikeKind, int> struck_;
  std::vector<history::DiskLoss> disk_losses_;
  std::vector<std::string> failures_;
};

}  // namespace lamppost::chaos

#endif  // LAMPPOST_TESTS_INTEGRATION_CHAOS_NEMESIS_H_
