// At most once: the decisions about calls, as a state machine.
//
// Inputs: a call, a caller that has gone, an answer of the store, news of a run, the time. Outputs:
// operations for the store, runs to start and to kill, replies. Its driver (services/rpc/server/driver)
// carries them out; the same object runs in a simulator (tests/rpc_sim). Pure: no thread, clock, file or
// randomness here.
//
// The order of a call, which everything else hangs on:
//
//   a place among those that may run  →  CreateRecord, durable  →  the run  →  ReplaceRecord with the
//   outcome, durable  →  the reply
//
// A second call of the same id joins the first, here; at another server it finds the record, and waits for
// its owner while that is alive. A record whose owner is gone becomes "unknown", or, if the function is
// idempotent, is taken over by compare-and-swap and run again. Nothing else ever starts a run, so one that is
// not idempotent starts at most once. After RIFL (C. Lee et al., "Implementing Linearizability at Large Scale
// and Low Latency", SOSP 2015) for what is kept and when it may be forgotten.
//
// Not thread-safe. Every input may add to the output; take it after each, or after several.
#ifndef LAMPPOST_SERVICES_RPC_CORE_ENGINE_H_
#define LAMPPOST_SERVICES_RPC_CORE_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/clock/lamport_clock.h"
#include "services/clock/timestamp.h"
#include "services/rpc/core/engine_counts.h"
#include "services/rpc/core/function.h"
#include "services/rpc/core/places.h"
#include "services/rpc/core/record.h"
#include "services/rpc/core/registry.h"
#include "services/rpc/core/request_id.h"
#include "services/rpc/core/request_store.h"
#include "services/rpc/core/sweeper.h"

namespace lamppost::rpc {

// Now, by two clocks: one that never goes back, for waiting; and Unix time, for the age of ids.
struct Times {
  uint64_t steady_ms = 0;
  uint64_t wall_ms = 0;
};

struct EngineOptions {
  Origin origin;                                   // who stamps starts and ends
  size_t requests_max = 10'000;                    // ids under way at a time
  size_t callers_per_request_max = 64;             // of one id
  uint64_t params_bytes_max = uint64_t{64} << 20;  // of all that is under way
  size_t result_bytes_max = size_t{4} << 20;       // of whatever function; what the store takes
  uint64_t owner_poll_ms = 50;       // how often a run at another server is looked after, at first
  uint64_t owner_poll_max_ms = 500;  // and later
  uint64_t store_retry_ms = 100;     // after an error of the store
  uint64_t store_retry_max_ms = 2000;
  SweeperOptions sweeper;
};

// Chosen by the driver, one for each call that waits; never used twice.
using CallerId = uint64_t;

struct CallInput {
  RequestId id;
  std::string method;
  Json params;  // normalised
  std::string client_id;
  std::optional<RequestId> watermark;  // of version 7
};

enum class Replay { kFirst, kReplayed };

struct CallReply {
  Outcome outcome;
  Replay replay = Replay::kFirst;
};

// What is known of an id.
struct CallInfo {
  enum class State { kQueued, kRunning, kDone, kInterrupted };

  State state = State::kQueued;
  std::string method;
  std::optional<Outcome> outcome;
  std::optional<Progress> progress;
};

struct EngineOutput {
  struct Start {
    Registry::FunctionPtr function;
    RunRequest request;
  };
  struct Kill {
    Registry::FunctionPtr function;
    RunId run = 0;
  };
  struct Reply {
    CallerId caller = 0;
    absl::StatusOr<CallReply> reply;
  };
  struct LookReply {
    CallerId caller = 0;
    absl::StatusOr<CallInfo> reply;
  };
  struct News {
    CallerId caller = 0;
    Progress progress;
  };

  std::vector<NumberedOperation> operations;
  std::vector<Start> starts;
  std::vector<Kill> kills;
  std::vector<Reply> replies;
  std::vector<LookReply> look_replies;
  std::vector<News> news;
};

class Engine {
 public:
  // The clock must outlive the engine; it reserves counters itself, through the store. `owner` is
  // RequestStore::owner(). Every registry, this and later ones, holds valid functions.
  Engine(EngineOptions options, LamportClock* clock, std::string owner,
         std::shared_ptr<const Registry> registry);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // A call; one Reply comes for the caller, unless it leaves before. Errors:
  //   INVALID_ARGUMENT     REQUEST_ID_REUSED, PARAMS_INVALID, WATERMARK_INVALID
  //   NOT_FOUND            FUNCTION_UNKNOWN
  //   OUT_OF_RANGE         REQUEST_ID_FROM_THE_FUTURE: minted too far ahead of this clock
  //   FAILED_PRECONDITION  REQUEST_ID_EXPIRED: too old, forgotten, or below its client's watermark
  //   RESOURCE_EXHAUSTED   FUNCTION_BUSY, OVERLOADED, REQUEST_STORE_FULL: nothing has been done
  //   UNAVAILABLE          SHUTTING_DOWN, REQUEST_STORE_UNAVAILABLE: nothing has been done;
  //                        RUN_INTERRUPTED: by KillAll; the function is idempotent, and a retry runs it again
  //   DATA_LOSS            DATA_CORRUPT: its record cannot be read
  void Call(CallerId caller, CallInput input, const Times& now);
  // A question about an id; one LookReply comes. NOT_FOUND (REQUEST_ID_UNKNOWN), and as above
  // REQUEST_ID_EXPIRED, REQUEST_STORE_UNAVAILABLE, DATA_CORRUPT.
  void Look(CallerId caller, const RequestId& id, const Times& now);
  // The caller does not wait any more; no reply will come.
  void Leave(CallerId caller, const Times& now);

  void StoreAnswered(StoreAnswer answer, const Times& now);
  void Progressed(RunId run, Progress progress, const Times& now);
  void Finished(RunId run, RunResult result, const Times& now);
  // Time has passed. To be called at NextTickMs, or a little later.
  void Tick(const Times& now);
  // By Times::steady_ms.
  uint64_t NextTickMs() const;

  // Functions that run go on as they were.
  void SetRegistry(std::shared_ptr<const Registry> registry) { registry_ = std::move(registry); }
  const std::shared_ptr<const Registry>& registry() const { return registry_; }
  // For the records that are created from here on.
  void SetOwner(std::string owner) { owner_ = std::move(owner); }
  // The clock will be able to observe this counter (LamportClock::Observe) before long.
  void Reserve(uint64_t counter);

  // From here on new calls are refused; runs go on.
  void Drain() { draining_ = true; }
  // Kills what runs: idempotent runs are left for a retry after the next start, the outcome of others becomes
  // unknown (SHUT_DOWN). Call Drain first. The engine is idle once all that has been carried out.
  void KillAll(const Times& now);
  // Nobody waits, nothing runs, and the store has answered everything.
  bool IsIdle() const;

  // How many runs of the function there are now, and how many calls wait to become one.
  size_t Running(absl::string_view function) const;
  size_t Waiting(absl::string_view function) const;

  const EngineCounts& counts() const { return counts_; }
  EngineLoad load() const;

  EngineOutput TakeOutput();

 private:
  struct Request;
  // What an operation under way is for.
  struct Pending {
    enum class Purpose { kRequest, kLook, kSweep, kSuspect, kReserve, kDropped };

    Purpose purpose = Purpose::kRequest;
    RequestId id;              // kRequest, kLook, kSuspect
    CallerId caller = 0;       // kLook; 0 once it has left
    Record record;             // kLook, kSuspect: what has been found
    uint64_t revision = 0;     // and its revision
    uint64_t clock_limit = 0;  // kReserve
    StoreOperation operation;  // kRequest: to be repeated if the store fails
  };

  // engine.cc: callers.
  absl::Status CheckInput(const CallInput& input, const Times& now);
  absl::Status CheckAge(const CallInput& input, const Times& now) const;
  absl::Status RefusalIfNew(const CallInput& input, const Function* function) const;
  void Join(Request* request, CallerId caller, const CallInput& input);
  void Admit(Request* request, const Times& now);
  void Reply(Request* request, const Outcome& outcome);
  void Refuse(Request* request, const absl::Status& status);
  void Erase(Request* request);
  void ReplyTo(CallerId caller, absl::StatusOr<CallReply> reply);

  // engine_store.cc: records.
  uint64_t Submit(StoreOperation operation, Pending pending);
  void Drop(StoreOperation operation);
  void SubmitFor(Request* request, StoreOperation operation);
  void AdmitNew(Request* request, const Times& now);
  void RetryLater(Request* request, StoreOperation operation, const Times& now);
  void RequestAnswered(Request* request, const StoreAnswer& answer, const Times& now);
  void TakeRecord(Request* request, const StoredRecord& stored, const Times& now);
  void TakeOwner(Request* request, bool is_alive, const Times& now);
  void Recorded(Request* request, const StoreAnswer& answer, const Times& now);
  void Stored(Request* request, const StoreAnswer& answer, const Times& now);
  void Damaged(Request* request, const absl::Status& status, const Times& now);
  bool Observe(const StoreAnswer& answer);
  void NoteStoreHealth(const absl::Status& status, const Times& now);
  void ReserveIfLow();

  // engine_look.cc: questions, and what the sweeper finds.
  void SubmitLook(StoreOperation operation, Pending pending);
  void LookAnswered(Pending pending, const StoreAnswer& answer, const Times& now);
  void LookAtRecord(Pending pending, const StoredRecord& stored);
  void LookAtOwner(Pending pending, const StoreAnswer& answer);
  void ReplyToLook(CallerId caller, absl::StatusOr<CallInfo> reply);
  void Sweep(const Times& now);
  void PageAnswered(const StoreAnswer& answer, const Times& now);
  void SuspectAnswered(const Pending& pending, const StoreAnswer& answer);

  // engine_run.cc: runs.
  void AwaitPlace(Request* request, const Times& now);
  void BeginRecording(Request* request, const Times& now);
  void StartRun(Request* request, uint64_t revision, const Times& now);
  void Release(Request* request);
  void AdmitWaiting(const Times& now);
  Outcome OutcomeOf(Request* request, RunResult result, const Times& now);
  void Store(Request* request, Outcome outcome);
  void End(Record* record, Outcome outcome);
  void Kill(Request* request, absl::string_view reason);
  void Wake(Request* request, const Times& now);
  void Arm(Request* request, uint64_t steady_ms);
  void ArmRun(Request* request);
  Timestamp Stamp();

  const EngineOptions options_;
  LamportClock* const clock_;
  std::string owner_;
  std::shared_ptr<const Registry> registry_;
  Places places_;
  Sweeper sweeper_;

  std::map<RequestId, std::unique_ptr<Request>> requests_;
  std::map<CallerId, RequestId> callers_;  // who waits for what
  std::map<CallerId, uint64_t> lookers_;   // and for which operation
  std::map<RunId, Request*> runs_;
  std::map<uint64_t, Pending> pending_;  // operations under way, by number
  std::set<std::pair<uint64_t, RequestId>> timers_;
  std::set<std::string> released_;  // functions of which a place has become free
  EngineCounts counts_;
  uint64_t params_bytes_ = 0;
  uint64_t next_operation_ = 1;
  RunId next_run_ = 1;
  uint64_t reserve_wanted_ = 0;  // a limit; 0: none beyond the usual
  bool reserving_ = false;
  bool store_fails_ = false;  // by its latest answer
  uint64_t probe_ms_ = 0;     // while it fails: when to try again
  bool draining_ = false;
  bool killing_ = false;
  EngineOutput output_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_CORE_ENGINE_H_
