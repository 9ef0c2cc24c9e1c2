// Threads that run built-in functions.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_BUILTIN_POOL_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_BUILTIN_POOL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "services/rpc/core/function.h"

namespace lamppost::rpc {

// What a built-in function knows of its call. Thread-safe.
class CallContext {
 public:
  enum class Waited { kAll, kCancelled };

  CallContext(RunRequest request, RunSink* sink) : request_(std::move(request)), sink_(sink) {}

  const RequestId& request_id() const { return request_.id; }
  const Json& params() const { return request_.params; }
  // True once the run is to end: its time is up, nobody waits for it, or the server ends.
  bool Cancelled() const { return cancelled_.HasBeenNotified(); }
  // Waits so long, or until the run is to end.
  Waited WaitFor(uint64_t ms);
  // From 0 to 1, and words for people; cut to what Progress takes.
  void ReportProgress(double fraction, absl::string_view message = "");

 private:
  friend class BuiltInPool;

  const RunRequest request_;
  RunSink* const sink_;
  absl::Notification cancelled_;
};

// An error status becomes a FunctionError with ErrorReason's reason, or FUNCTION_FAILED without one.
using BuiltInHandler = std::function<absl::StatusOr<Json>(CallContext&)>;

// Thread-safe. No call but Stop waits for a run.
class BuiltInPool {
 public:
  // So many runs at a time; more wait. They are bounded by who starts them (EngineOptions::requests_max).
  explicit BuiltInPool(size_t threads);
  ~BuiltInPool();  // as Stop
  BuiltInPool(const BuiltInPool&) = delete;
  BuiltInPool& operator=(const BuiltInPool&) = delete;

  // As Runnable's.
  void Start(std::shared_ptr<const BuiltInHandler> handler, RunRequest request, RunSink* sink);
  void Kill(RunId run);

  // Cancels all runs and waits for them. What is started later finishes at once, as killed.
  void Stop();

 private:
  struct Run;

  void Work();
  static RunResult RunOne(Run& run);

  absl::Mutex mu_;
  std::deque<std::shared_ptr<Run>> waiting_ ABSL_GUARDED_BY(mu_);
  std::map<RunId, std::shared_ptr<Run>> runs_ ABSL_GUARDED_BY(mu_);  // waiting or running
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;  // touched by the constructor and Stop only
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_BUILTIN_POOL_H_
