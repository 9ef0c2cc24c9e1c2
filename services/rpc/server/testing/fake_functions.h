// For tests: functions that end when the test says so, and how to wait for what they are told.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_TESTING_FAKE_FUNCTIONS_H_
#define LAMPPOST_SERVICES_RPC_SERVER_TESTING_FAKE_FUNCTIONS_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/rpc/core/function.h"
#include "services/rpc/core/registry.h"

namespace lamppost::rpc::testing {

inline constexpr absl::Duration kPatience = absl::Seconds(20);

// Gives its params back at once.
class EchoRunnable : public Runnable {
 public:
  void Start(RunRequest request, RunSink* sink) override {
    sink->Finished(request.run, MakeResult(request.params, request.result_bytes_max));
  }
  void Kill(RunId) override {}
};

// Runs until the test ends them, or they are killed.
class HeldRunnable : public Runnable {
 public:
  struct Run {
    RunRequest request;
    RunSink* sink = nullptr;

    void Progress(double fraction, std::string message) const {
      sink->Progressed(request.run, {fraction, std::move(message)});
    }
    void Finish(const Json& result) const {
      sink->Finished(request.run, MakeResult(result, request.result_bytes_max));
    }
    void FinishWith(FunctionError error) const { sink->Finished(request.run, std::move(error)); }
  };

  void Start(RunRequest request, RunSink* sink) override {
    absl::MutexLock lock(&mutex_);
    ++starts_;
    waiting_.push_back({std::move(request), sink});
    running_.push_back(waiting_.back());
  }
  void Kill(RunId id) override {
    absl::MutexLock lock(&mutex_);
    ++kills_;
    FunctionError error;
    error.reason = kKilled;
    for (const Run& run : running_) {
      if (run.request.run == id) run.FinishWith(error);
    }
  }

  // The next run, in the order of their starts.
  Run Next() {
    const auto any = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !waiting_.empty(); };
    absl::MutexLock lock(&mutex_);
    if (!mutex_.AwaitWithTimeout(absl::Condition(&any), kPatience)) std::abort();
    Run run = std::move(waiting_.front());
    waiting_.pop_front();
    return run;
  }
  int starts() {
    absl::MutexLock lock(&mutex_);
    return starts_;
  }
  int kills() {
    absl::MutexLock lock(&mutex_);
    return kills_;
  }
  bool AwaitKill() {
    const auto killed = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return kills_ > 0; };
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&killed), kPatience);
  }

 private:
  absl::Mutex mutex_;
  std::deque<Run> waiting_ ABSL_GUARDED_BY(mutex_);  // for Next
  std::vector<Run> running_ ABSL_GUARDED_BY(mutex_);
  int starts_ ABSL_GUARDED_BY(mutex_) = 0;
  int kills_ ABSL_GUARDED_BY(mutex_) = 0;
};

// echo; held; again, held but idempotent; killable, held but ended at once when nobody waits.
struct FakeFunctions {
  std::shared_ptr<HeldRunnable> held = std::make_shared<HeldRunnable>();
  std::shared_ptr<Registry> registry = std::make_shared<Registry>();

  FakeFunctions() {
    FunctionSpec spec;
    spec.description = "for tests";
    Add("echo", spec, std::make_shared<EchoRunnable>());
    Add("held", spec, held);
    FunctionSpec again = spec;
    again.repeat = Repeat::kIdempotent;
    Add("again", again, held);
    FunctionSpec killable = spec;
    killable.when_abandoned = WhenAbandoned::kKill;
    killable.abandon_grace_ms = 0;
    Add("killable", killable, held);
    registry->AddProblem({"bad.json", "not JSON"});
  }

  void Add(const std::string& name, FunctionSpec spec, std::shared_ptr<Runnable> runnable) {
    auto function = std::make_shared<Function>();
    function->spec = std::move(spec);
    function->spec.name = name;
    const Json schema = {{"type", "object"}, {"properties", {{"number", {{"type", "number"}}}}}};
    function->params = *ParamsSchema::Compile(schema);
    function->runnable = std::move(runnable);
    if (!registry->Add(function).ok()) std::abort();
  }
};

// Ids of version 4, good for ever; different numbers, different ids.
inline RequestId TestId(uint8_t number) {
  RequestId::Bytes bytes = {};
  bytes[0] = number;
  bytes[6] = 0x40;
  bytes[8] = 0x80;
  return RequestId(bytes);
}

}  // namespace lamppost::rpc::testing

#endif  // LAMPPOST_SERVICES_RPC_SERVER_TESTING_FAKE_FUNCTIONS_H_
