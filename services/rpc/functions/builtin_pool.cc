#include "services/rpc/functions/builtin_pool.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/common/error.h"
#include "services/rpc/functions/text_bounds.h"

namespace lamppost::rpc {
namespace {

FunctionError Killed() {
  FunctionError error;
  error.reason = kKilled;
  error.message = "the run was ended";
  return error;
}

FunctionError Failed(std::string reason, absl::string_view message) {
  FunctionError error;
  error.reason = reason.empty() ? "FUNCTION_FAILED" : std::move(reason);
  error.message = Utf8Prefix(message, kErrorOutputBytesMax);
  return error;
}

}  // namespace

CallContext::Waited CallContext::WaitFor(uint64_t ms) {
  constexpr uint64_t kMsMax = uint64_t{365} * 24 * 3600 * 1000;
  const absl::Duration wait = absl::Milliseconds(static_cast<int64_t>(std::min(ms, kMsMax)));
  return cancelled_.WaitForNotificationWithTimeout(wait) ? Waited::kCancelled : Waited::kAll;
}

void CallContext::ReportProgress(double fraction, absl::string_view message) {
  Progress progress;
  if (!std::isnan(fraction)) progress.fraction = std::clamp(fraction, 0.0, 1.0);
  progress.message = Utf8Prefix(message, kProgressMessageBytesMax);
  sink_->Progressed(request_.run, std::move(progress));
}

struct BuiltInPool::Run {
  Run(std::shared_ptr<const BuiltInHandler> handler_in, RunRequest request, RunSink* sink)
      : handler(std::move(handler_in)), context(std::move(request), sink) {}

  const std::shared_ptr<const BuiltInHandler> handler;
  CallContext context;
};

BuiltInPool::BuiltInPool(size_t threads) {
  for (size_t i = 0; i < std::max<size_t>(threads, 1); ++i) threads_.emplace_back([this] { Work(); });
}

BuiltInPool::~BuiltInPool() {
  Stop();
}

void BuiltInPool::Start(std::shared_ptr<const BuiltInHandler> handler, RunRequest request, RunSink* sink) {
  const RunId id = request.run;
  {
    absl::MutexLock lock(&mu_);
    if (!stopped_) {
      auto run = std::make_shared<Run>(std::move(handler), std::move(request), sink);
      runs_.emplace(id, run);
      waiting_.push_back(std::move(run));
      return;
    }
  }
  sink->Finished(id, Killed());
}

void BuiltInPool::Kill(RunId run) {
  absl::MutexLock lock(&mu_);
  const auto found = runs_.find(run);
  if (found == runs_.end()) return;
  CallContext& context = found->second->context;
  if (!context.Cancelled()) context.cancelled_.Notify();
}

void BuiltInPool::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopped_ = true;
    for (const auto& [id, run] : runs_) {
      if (!run->context.Cancelled()) run->context.cancelled_.Notify();
    }
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void BuiltInPool::Work() {
  for (;;) {
    std::shared_ptr<Run> run;
    {
      absl::MutexLock lock(&mu_);
      const auto something = [this]()
                                 ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopped_ || !waiting_.empty(); };
      mu_.Await(absl::Condition(&something));
      if (waiting_.empty()) return;
      run = std::move(waiting_.front());
      waiting_.pop_front();
    }
    RunResult result = RunOne(*run);
    const RunId id = run->context.request_.run;
    {
      absl::MutexLock lock(&mu_);
      runs_.erase(id);
    }
    run->context.sink_->Finished(id, std::move(result));
  }
}

RunResult BuiltInPool::RunOne(Run& run) {
  CallContext& context = run.context;
  if (context.Cancelled()) return Killed();
  // What a handler throws ends here: a library that it uses may.
  try {
    const absl::StatusOr<Json> result = (*run.handler)(context);
    if (result.ok()) return MakeResult(*result, context.request_.result_bytes_max);
    if (context.Cancelled()) return Killed();
    return Failed(ErrorReason(result.status()), result.status().message());
  } catch (const std::exception& error) {
    return Failed("", absl::StrCat("the function threw an exception: ", error.what()));
  } catch (...) {
    return Failed("", "the function threw an exception");
  }
}

}  // namespace lamppost::rpc
