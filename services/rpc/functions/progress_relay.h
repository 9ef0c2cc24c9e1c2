// A run's progress on its way to the sink: only so often, and the newest always.
//
// Of the host's thread.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRESS_RELAY_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRESS_RELAY_H_

#include <optional>
#include <utility>

#include "services/rpc/core/function.h"
#include "services/rpc/functions/program_host.h"

namespace lamppost::rpc {

class ProgressRelay {
 public:
  static constexpr uint64_t kIntervalMs = 20;

  ProgressRelay(ProgramHost* host, RunId run, RunSink* sink) : host_(host), run_(run), sink_(sink) {}
  ~ProgressRelay() {
    if (timer_) host_->Cancel(*timer_);
  }
  ProgressRelay(const ProgressRelay&) = delete;
  ProgressRelay& operator=(const ProgressRelay&) = delete;

  void Report(Progress progress) {
    newest_ = std::move(progress);
    if (!timer_) Send();
  }
  // What has been held back goes out now. To be called before the run's end is told.
  void Flush() {
    if (newest_) sink_->Progressed(run_, *std::exchange(newest_, std::nullopt));
  }

 private:
  void Send() {
    Flush();
    timer_ = host_->RunAfter(kIntervalMs, [this] {
      timer_.reset();
      if (newest_) Send();
    });
  }

  ProgramHost* const host_;
  const RunId run_;
  RunSink* const sink_;
  std::optional<Progress> newest_;
  std::optional<ProgramHost::TimerId> timer_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRESS_RELAY_H_
