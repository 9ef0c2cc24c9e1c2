// One worker: a program that answers calls, one at a time.
//
// Of the host's thread.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_WORKER_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_WORKER_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "services/rpc/core/function.h"
#include "services/rpc/functions/program_host.h"
#include "services/rpc/functions/program_words.h"
#include "services/rpc/functions/progress_relay.h"

namespace lamppost::rpc {

struct WorkerCall {
  RunRequest request;
  RunSink* sink = nullptr;
};

class Worker final : public ProgramListener {
 public:
  // What its pool wants to know. Called once the call, if any, has been answered.
  struct Hooks {
    std::function<void(Worker*)> idle;   // it has answered
    std::function<void(Worker*)> ended;  // it is gone
  };

  Worker(ProgramHost* host, Hooks hooks) : host_(host), hooks_(std::move(hooks)) {}

  static void Launch(const std::shared_ptr<Worker>& worker, const ProgramSpec& program);

  // Gives it a call; only if it is idle.
  void Take(WorkerCall call);
  // The run it works on.
  std::optional<RunId> run() const;
  // Ends its call, and itself with it.
  void Kill();
  // Lets it end by itself; after the grace it is killed.
  void End(uint64_t grace_ms);

  bool ending() const { return ending_; }
  // It has been of use.
  bool has_answered() const { return has_answered_; }
  bool was_killed() const { return killed_; }

  void TakeOutput(absl::string_view bytes) override;
  void TakeErrorOutput(absl::string_view bytes) override { error_output_.Add(bytes); }
  void TakeProgress(absl::string_view bytes) override {}
  void OutputClosed() override;
  void Ending() override { ending_ = true; }
  void Ended(const ProgramEnd& end) override;
  void Lost() override;

  // Its pool's, while it is idle.
  std::optional<ProgramHost::TimerId> idle_timer;

 private:
  void TakeLine(absl::string_view line);
  void TakeProgressOf(const Json& progress);
  void Answer(RunResult result);
  void Finish(RunResult result);
  void Spoil(FunctionError error);
  RunResult Judge(const ProgramEnd& end) const;

  ProgramHost* const host_;
  const Hooks hooks_;
  ProgramId program_ = 0;
  std::optional<WorkerCall> call_;
  std::optional<ProgressRelay> progress_;
  std::optional<FunctionError> spoiled_;  // what it did wrong; nothing it says counts any more
  bool output_closed_ = false;
  bool killed_ = false;
  bool ending_ = false;
  bool has_answered_ = false;
  bool answered_now_ = false;            // in what is being read
  LineSplitter lines_{size_t{4} << 20};  // above the bound of every function
  TextTail error_output_;                // since its call began
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_WORKER_H_
