// For tests: a sink that keeps what it hears, and waits for it.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_RUN_COLLECTOR_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_RUN_COLLECTOR_H_

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/rpc/core/function.h"

namespace lamppost::rpc {

// Thread-safe.
class RunCollector final : public RunSink {
 public:
  static constexpr absl::Duration kDeadline = absl::Seconds(60);

  // A run of the function, with an id of its own.
  RunRequest Request(const Function& function, Json params) {
    RunRequest request;
    request.run = ++last_run_;
    RequestId::Bytes bytes = {};
    for (size_t i = 0; i < 8; ++i) bytes[15 - i] = static_cast<uint8_t>(request.run >> 8 * i);
    request.id = RequestId(bytes);
    request.params = std::move(params);
    request.time_limit_ms = function.spec.time_limit_ms;
    request.result_bytes_max = function.spec.result_bytes_max;
    return request;
  }

  RunId Start(const Function& function, Json params) {
    RunRequest request = Request(function, std::move(params));
    const RunId run = request.run;
    function.runnable->Start(std::move(request), this);
    return run;
  }

  RunResult Wait(RunId run) {
    absl::MutexLock lock(&mu_);
    const auto done = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return results_.count(run) > 0; };
    if (!mu_.AwaitWithTimeout(absl::Condition(&done), kDeadline)) {
      ADD_FAILURE() << "run " << run << " does not end";
      return FunctionError();
    }
    return results_[run];
  }

  RunResult Call(const Function& function, Json params) { return Wait(Start(function, std::move(params))); }

  bool HasEnded(RunId run) {
    absl::MutexLock lock(&mu_);
    return results_.count(run) > 0;
  }

  // The first progress of the run.
  Progress WaitForProgress(RunId run) {
    absl::MutexLock lock(&mu_);
    const auto some = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !progress_[run].empty(); };
    if (mu_.AwaitWithTimeout(absl::Condition(&some), kDeadline)) return progress_[run].front();
    ADD_FAILURE() << "run " << run << " tells no progress";
    return Progress();
  }

  std::vector<Progress> ProgressOf(RunId run) {
    absl::MutexLock lock(&mu_);
    return progress_[run];
  }

  void Progressed(RunId run, Progress progress) override {
    absl::MutexLock lock(&mu_);
    EXPECT_EQ(results_.count(run), 0u) << "progress after the end";
    progress_[run].push_back(std::move(progress));
  }

  void Finished(RunId run, RunResult result) override {
    absl::MutexLock lock(&mu_);
    EXPECT_TRUE(results_.emplace(run, std::move(result)).second) << "run " << run << " ended twice";
  }

 private:
  std::atomic<RunId> last_run_{0};
  absl::Mutex mu_;
  std::map<RunId, RunResult> results_ ABSL_GUARDED_BY(mu_);
  std::map<RunId, std::vector<Progress>> progress_ ABSL_GUARDED_BY(mu_);
};

// The result's JSON, or "REASON: message".
inline std::string TextOf(const RunResult& result) {
  if (const auto* text = std::get_if<std::string>(&result)) return *text;
  const auto& error = std::get<FunctionError>(result);
  return error.reason + ": " + error.message;
}

inline std::string ReasonOf(const RunResult& result) {
  const auto* error = std::get_if<FunctionError>(&result);
  return error == nullptr ? "" : error->reason;
}

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_RUN_COLLECTOR_H_
