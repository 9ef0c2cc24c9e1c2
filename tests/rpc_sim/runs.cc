#include "tests/rpc_sim/runs.h"

#include <utility>

namespace lamppost::rpc::sim {

void Runs::After(uint64_t delay_us, Scheduler::Action action) {
  to_.scheduler->After(delay_us, [alive = to_.alive, action = std::move(action)] {
    if (*alive) action();
  });
}

void Runs::Start(RunRequest request, RunSink* sink) {
  const uint64_t start = to_.oracle->Started(*to_.life, function_.spec, request);
  const RunId run = request.run;
  to_.journal->Tell("S", to_.life->server, " runs ", function_.spec.name, " for ", ToString(request.id),
                    ": run ", start, " (", run, " here)");
  runs_[run] = {start, sink};
  if (random_.Percent(10)) {  // ends at once
    to_.oracle->TookEffect(start);
    return End(run, false);
  }
  const uint64_t length_us = random_.Between(100, function_.run_ms_max * 1000);
  After(random_.Below(length_us), [this, run, start] {
    if (runs_.count(run) > 0) to_.oracle->TookEffect(start);
  });
  After(random_.Below(length_us), [this, run] {
    const auto it = runs_.find(run);
    if (it != runs_.end()) it->second.sink->Progressed(run, {0.5, "half"});
  });
  After(length_us, [this, run] { End(run, false); });
}

void Runs::Kill(RunId run) {
  if (runs_.count(run) == 0) return;
  if (random_.Percent(30)) return to_.journal->Strike(Fault::kKillTooLate);
  After(random_.Below(30'000), [this, run] { End(run, true); });
}

void Runs::End(RunId run, bool killed) {
  const auto it = runs_.find(run);
  if (it == runs_.end()) return;
  const Run ended = it->second;
  runs_.erase(it);
  to_.oracle->RunEnded(ended.start);
  to_.journal->Tell("run ", ended.start, killed ? " is killed" : " ends");
  if (killed) {
    FunctionError error;
    error.reason = kKilled;
    return ended.sink->Finished(run, error);
  }
  if (function_.end == SimFunction::End::kFails) {
    FunctionError error;
    error.reason = "FAILED";
    error.exit_code = static_cast<int>(ended.start);
    return ended.sink->Finished(run, error);
  }
  ended.sink->Finished(run, MakeResult(Json{{"start", ended.start}}, function_.spec.result_bytes_max));
}

}  // namespace lamppost::rpc::sim
