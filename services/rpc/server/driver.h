// The thread that owns the engine: it hands the engine what comes in, and carries out what the engine wants
// done. Operations go to the request store, runs to their functions, replies and news to the calls that wait.
//
// All public members are thread-safe but for Start, which comes first, and Stop. None of them blocks but
// Start, AwaitIdle and Stop.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_DRIVER_H_
#define LAMPPOST_SERVICES_RPC_SERVER_DRIVER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/clock/lamport_clock.h"
#include "services/rpc/core/engine.h"
#include "services/rpc/core/request_store.h"
#include "services/rpc/server/codec.h"
#include "services/rpc/server/store_watch.h"

namespace lamppost::rpc {

// Waits for a call. Called on the driver's thread; must not block.
class CallWaiter {
 public:
  virtual ~CallWaiter() = default;
  virtual void Progressed(const Progress& progress) = 0;
  // Once; nothing follows.
  virtual void Done(const absl::StatusOr<CallReply>& reply) = 0;
};

struct DriverOptions {
  EngineOptions engine;
  size_t queued_calls_max = 10'000;  // calls and questions that the engine has not seen yet
  uint64_t queued_bytes_max = uint64_t{64} << 20;
  size_t reservations_max = 1000;       // calls that wait for counters; beyond: OVERLOADED
  uint64_t clock_wait_ms = 5000;        // at the start, for the first reservation of the clock
  uint64_t reservation_wait_ms = 2000;  // for a later one
  std::function<void(const RequestId&)> on_run_started;       // may be empty; on the driver's thread
  std::function<void(StoreState)> on_store_state;             // the same; when it changes
  std::function<void(StoreState, uint64_t now_ms)> on_alive;  // the same; at least once in a second
  std::function<void(const absl::Status&)> on_fatal_error;    // no more can be recorded: end the process
};

// What a call comes with besides what it asks for.
struct CallTerms {
  uint64_t bytes = 0;                            // how large the request is
  absl::Time deadline = absl::InfiniteFuture();  // nobody waits any longer
};

class Driver : public RunSink {
 public:
  // The engine, or null once the driver has stopped or the store has failed.
  using Task = std::function<void(Engine*)>;
  using LookFn = std::function<void(const absl::StatusOr<CallInfo>&)>;

  // The store must outlive the driver, and must not have been started.
  Driver(DriverOptions options, RequestStore* store, std::shared_ptr<const Registry> registry);
  ~Driver() override;
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // Starts the store and the thread, and returns once the clock runs. Errors: the store's; UNAVAILABLE
  // (REQUEST_STORE_UNAVAILABLE) if it does not answer in time.
  absl::Status Start();
  // Ends the thread and the store. Calls that still wait are told that their outcome is not known. Later ones
  // are refused.
  void Stop();

  const DriverOptions& options() const { return options_; }
  // Calls and questions that the engine has not seen yet.
  struct Queued {
    size_t calls = 0;
    uint64_t bytes = 0;
  };
  Queued queued() const ABSL_LOCKS_EXCLUDED(mutex_);

  // From Start on.
  LamportClock* clock() { return &*clock_; }

  CallerId NextCaller() { return next_caller_.fetch_add(1, std::memory_order_relaxed); }
  // Queues a call. An error refuses it, and the waiter will not be called: RESOURCE_EXHAUSTED (OVERLOADED),
  // UNAVAILABLE (SHUTTING_DOWN). If its deadline passes while it is queued, it is done with DEADLINE_EXCEEDED
  // (DEADLINE_PASSED) and nothing has been recorded.
  absl::Status Call(CallerId caller, CallInput input, const CallTerms& terms,
                    std::shared_ptr<CallWaiter> waiter);
  // The caller waits no more: it is done with CANCELLED, if it is not done already.
  void Leave(CallerId caller);
  // Asks about an id; `done` is called once, on the driver's thread or at once.
  void Look(const RequestId& id, LookFn done);
  // Runs the task on the driver's thread, or at once if that has ended. For the server's own; not bounded.
  void Post(Task task);
  // The same for calls, bounded as they are. An error refuses it, and the task will not run.
  absl::Status Ask(Task task);
  void SetRegistry(std::shared_ptr<const Registry> registry);
  // Calls `next` once counters up to `counter` and many more can be issued, or with an error; on the driver's
  // thread or at once.
  void ReserveThen(uint64_t counter, std::function<void(absl::Status)> next);

  // RunSink.
  void Progressed(RunId run, Progress progress) override;
  void Finished(RunId run, RunResult result) override;

  // New calls are refused from here on; what still runs in run_ms is killed.
  void Drain(uint64_t run_ms);
  // As when the store has failed: nothing is recorded any more, whoever waits is told that the outcome is
  // unknown, and on_fatal_error is called. What runs is left alone. At most the first failure counts.
  void Abandon(const absl::Status& why);
  // After Drain: true once nothing runs and nobody waits.
  bool AwaitIdle(absl::Duration timeout);

 private:
  struct QueuedCall {
    CallerId caller;
    CallInput input;
    CallTerms terms;
    std::shared_ptr<CallWaiter> waiter;
  };
  struct QueuedLook {
    RequestId id;
    LookFn done;
  };
  struct Left {
    CallerId caller;
  };
  struct EndedRun {
    RunId run;
    RunResult result;
  };
  struct Reservation {
    uint64_t counter;
    uint64_t give_up_ms;
    std::function<void(absl::Status)> next;
  };
  using Input = std::variant<QueuedCall, QueuedLook, Left, EndedRun, StoreAnswer, Reservation, Task>;
  struct Inputs {
    std::vector<Input> queue;
    absl::flat_hash_map<RunId, Progress> progress;  // the latest of each run
  };

  void Run();
  Inputs NextInputs() ABSL_LOCKS_EXCLUDED(mutex_);
  uint64_t PatienceMs() const;
  void RunRound(Inputs inputs);
  void Apply(QueuedCall call, const Times& now);
  void Apply(QueuedLook look, const Times& now);
  void Apply(Left left, const Times& now);
  void Apply(EndedRun ended, const Times& now);
  void Apply(StoreAnswer answer, const Times& now);
  void Apply(Reservation reservation, const Times& now);
  void Apply(Task task, const Times& now);
  void Refuse(Input input);
  void Dispatch(EngineOutput output, const Times& now);
  void Submit(std::vector<NumberedOperation> operations, const Times& now);
  void Reply(const EngineOutput::Reply& reply);
  void WatchStore(const Times& now);
  void WatchClock(const Times& now);
  void WatchDrain(const Times& now);
  void Fail(const absl::Status& status);
  void TellAll(const absl::Status& status);
  void Finish();

  const DriverOptions options_;
  RequestStore* const store_;
  const std::shared_ptr<const Registry> first_registry_;
  std::optional<LamportClock> clock_;
  std::atomic<CallerId> next_caller_{1};

  absl::Status CheckRoom(uint64_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  Inputs inputs_ ABSL_GUARDED_BY(mutex_);
  size_t queued_calls_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool clock_runs_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = true;  // or not begun
  bool idle_ ABSL_GUARDED_BY(mutex_) = false;  // and draining
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);

  // Of the driver's thread.
  std::unique_ptr<Engine> engine_;
  std::optional<StoreWatch> watch_;
  StoreState store_state_ = StoreState::kAvailable;
  absl::flat_hash_map<CallerId, std::shared_ptr<CallWaiter>> waiters_;
  absl::flat_hash_map<CallerId, LookFn> lookers_;
  std::vector<Reservation> reservations_;
  uint64_t reserved_ = 0;  // the clock's limit when the reservations were last looked at
  uint64_t next_probe_ = 0;
  std::optional<uint64_t> kill_at_ms_;
  bool draining_ = false;
  bool failed_ = false;

  std::thread thread_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_SERVER_DRIVER_H_
