// Runs calls in long-lived programs, workers: one call at a time each, as lines of JSON.
//
//   in   {"params": {…}, "request_id": "…"}
//   out  {"request_id": "…", "progress": {"fraction": 0.5, "message": "…"}}     any number of them
//        {"request_id": "…", "result": …}  or
//        {"request_id": "…", "error": {"reason": "…", "message": "…"}}
//
// Every line names the request_id of its call, so that what comes late is never taken for the answer to
// another one.
//
// Workers are started when there are calls for them, kept for the next ones, and ended (end of input, later
// SIGKILL) when they have been idle for long.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_WORKER_RUNNABLE_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_WORKER_RUNNABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "services/rpc/core/function.h"
#include "services/rpc/functions/program_host.h"

namespace lamppost::rpc {

class WorkerPool;

struct WorkerOptions {
  size_t workers_max = 16;
  uint64_t idle_ms = 60'000;      // then it is ended
  uint64_t end_grace_ms = 2'000;  // from the end of its input to SIGKILL
  uint64_t back_off_ms =
      100;  // before another is started when one has ended without answering a call; doubled
  uint64_t back_off_max_ms = 5'000;  // each time, up to this
};

// A call fails with WORKER_FAILED if its worker ends or writes what it should not, with NOT_EXECUTABLE if no
// worker can be started. To end a run its worker is killed.
class WorkerRunnable final : public Runnable {
 public:
  WorkerRunnable(std::shared_ptr<ProgramHost> host, ProgramSpec program, WorkerOptions options);
  ~WorkerRunnable() override;  // workers end once they have answered

  void Start(RunRequest request, RunSink* sink) override;
  void Kill(RunId run) override;

 private:
  const std::shared_ptr<ProgramHost> host_;
  std::shared_ptr<WorkerPool> pool_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_WORKER_RUNNABLE_H_
