#include "services/rpc/server/driver.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/error.h"
#include "services/common/logging.h"
#include "services/rpc/core/engine_errors.h"

namespace lamppost::rpc {
namespace {

// The driver's own questions to the store; the engine counts up from 1.
constexpr uint64_t kProbeNumbers = uint64_t{1} << 63;
constexpr uint64_t kPatienceMsMax = 1000;

uint64_t MonotonicMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Times Now() {
  return {MonotonicMs(), static_cast<uint64_t>(std::max<int64_t>(0, absl::ToUnixMillis(absl::Now())))};
}

// Whether their functions run or have run is left open, so no reason may say that nothing has been done.
absl::Status OutcomeUnknown(absl::string_view why) {
  return MakeError(absl::StatusCode::kUnavailable, "STORAGE_FAILED",
                   absl::StrCat("the function may or may not have run: ", why));
}

}  // namespace

Driver::Driver(DriverOptions options, RequestStore* store, std::shared_ptr<const Registry> registry)
    : options_(std::move(options)), store_(store), first_registry_(std::move(registry)) {}

Driver::~Driver() {
  Stop();
}

absl::Status Driver::Start() {
  {
    absl::MutexLock lock(&mutex_);
    ended_ = false;
  }
  const absl::Status started = store_->Start([this](std::vector<StoreAnswer> answers) {
    absl::MutexLock lock(&mutex_);
    if (ended_) return;
    for (StoreAnswer& answer : answers) inputs_.queue.push_back(std::move(answer));
  });
  if (!started.ok()) {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
    return started;
  }
  clock_.emplace(store_->clock_start());
  reserved_ = clock_->limit();
  watch_.emplace(MonotonicMs());
  engine_ = std::make_unique<Engine>(options_.engine, &*clock_, store_->owner(), first_registry_);
  thread_ = std::thread([this] { Run(); });

  const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return clock_runs_ || !failure_.ok(); };
  absl::MutexLock lock(&mutex_);
  const bool in_time =
      mutex_.AwaitWithTimeout(absl::Condition(&ready), absl::Milliseconds(options_.clock_wait_ms));
  return in_time ? failure_ : StoreUnavailable();
}

void Driver::Stop() {
  if (!thread_.joinable()) return;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
  store_->Stop();
}

absl::Status Driver::CheckRoom(uint64_t bytes) const {
  if (stopping_ || !failure_.ok()) return ShuttingDown();
  const bool full =
      queued_calls_ >= options_.queued_calls_max || queued_bytes_ + bytes > options_.queued_bytes_max;
  return full ? Overloaded("too many calls wait for the server") : absl::OkStatus();
}

Driver::Queued Driver::queued() const {
  absl::MutexLock lock(&mutex_);
  return {queued_calls_, queued_bytes_};
}

absl::Status Driver::Call(CallerId caller, CallInput input, const CallTerms& terms,
                          std::shared_ptr<CallWaiter> waiter) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status status = CheckRoom(terms.bytes); !status.ok()) return status;
  ++queued_calls_;
  queued_bytes_ += terms.bytes;
  inputs_.queue.push_back(QueuedCall{caller, std::move(input), terms, std::move(waiter)});
  return absl::OkStatus();
}

void Driver::Leave(CallerId caller) {
  absl::MutexLock lock(&mutex_);
  if (!ended_) inputs_.queue.push_back(Left{caller});
}

void Driver::Look(const RequestId& id, LookFn done) {
  absl::Status refusal;
  {
    absl::MutexLock lock(&mutex_);
    refusal = CheckRoom(0);
    if (refusal.ok()) {
      ++queued_calls_;
      inputs_.queue.push_back(QueuedLook{id, std::move(done)});
      return;
    }
  }
  done(refusal);
}

void Driver::Post(Task task) {
  {
    absl::MutexLock lock(&mutex_);
    if (!ended_) {
      inputs_.queue.push_back(std::move(task));
      return;
    }
  }
  task(nullptr);
}

absl::Status Driver::Ask(Task task) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status status = CheckRoom(0); !status.ok()) return status;
  ++queued_calls_;
  inputs_.queue.push_back(std::move(task));
  return absl::OkStatus();
}

void Driver::SetRegistry(std::shared_ptr<const Registry> registry) {
  Post([registry = std::move(registry)](Engine* engine) {
    if (engine != nullptr) engine->SetRegistry(registry);
  });
}

void Driver::ReserveThen(uint64_t counter, std::function<void(absl::Status)> next) {
  {
    absl::MutexLock lock(&mutex_);
    if (!ended_) {
      inputs_.queue.push_back(
          Reservation{counter, MonotonicMs() + options_.reservation_wait_ms, std::move(next)});
      return;
    }
  }
  next(ShuttingDown());
}

void Driver::Progressed(RunId run, Progress progress) {
  absl::MutexLock lock(&mutex_);
  if (!ended_) inputs_.progress[run] = std::move(progress);
}

void Driver::Finished(RunId run, RunResult result) {
  absl::MutexLock lock(&mutex_);
  if (!ended_) inputs_.queue.push_back(EndedRun{run, std::move(result)});
}

void Driver::Drain(uint64_t run_ms) {
  Post([this, run_ms](Engine* engine) {
    if (engine == nullptr || draining_) return;
    draining_ = true;
    kill_at_ms_ = MonotonicMs() + run_ms;
    engine->Drain();
  });
}

void Driver::Abandon(const absl::Status& why) {
  Post([this, why](Engine* engine) {
    if (engine != nullptr) Fail(why);
  });
}

bool Driver::AwaitIdle(absl::Duration timeout) {
  const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return (idle_ && inputs_.queue.empty()) || ended_ || !failure_.ok();
  };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&idle), timeout);
}

// How long the thread may sleep.
uint64_t Driver::PatienceMs() const {
  if (failed_) return kPatienceMsMax;
  const uint64_t now_ms = MonotonicMs();
  uint64_t next_ms = std::min(engine_->NextTickMs(), watch_->NextMs(now_ms));
  if (kill_at_ms_) next_ms = std::min(next_ms, *kill_at_ms_);
  for (const Reservation& each : reservations_) next_ms = std::min(next_ms, each.give_up_ms);
  // Never 0: a time that has passed is dealt with, whatever the clocks' grain.
  return next_ms <= now_ms ? 1 : std::min(next_ms - now_ms, kPatienceMsMax);
}

Driver::Inputs Driver::NextInputs() {
  const uint64_t patience_ms = PatienceMs();
  const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return !inputs_.queue.empty() || !inputs_.progress.empty() || stopping_;
  };
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&ready), absl::Milliseconds(patience_ms));
  queued_calls_ = 0;
  queued_bytes_ = 0;
  return std::exchange(inputs_, {});
}

void Driver::Run() {
  // The engine wants its first counters from the beginning.
  RunRound({});
  while (true) {
    RunRound(NextInputs());
    absl::MutexLock lock(&mutex_);
    if (stopping_ && inputs_.queue.empty()) break;
  }
  Finish();
}

void Driver::RunRound(Inputs inputs) {
  const Times now = Now();
  if (options_.on_alive) options_.on_alive(store_state_, now.steady_ms);
  if (!failed_) {
    engine_->SetOwner(store_->owner());
    for (auto& [run, progress] : inputs.progress) engine_->Progressed(run, std::move(progress), now);
  }
  for (Input& input : inputs.queue) {
    if (failed_) {
      Refuse(std::move(input));
    } else {
      std::visit([&](auto&& each) { Apply(std::move(each), now); }, std::move(input));
    }
  }
  if (failed_) return;
  if (now.steady_ms >= engine_->NextTickMs()) engine_->Tick(now);
  WatchDrain(now);
  WatchStore(now);
  WatchClock(now);
  Dispatch(engine_->TakeOutput(), now);
  absl::MutexLock lock(&mutex_);
  idle_ = draining_ && engine_->IsIdle() && waiters_.empty() && lookers_.empty();
}

void Driver::Apply(QueuedCall call, const Times& now) {
  if (absl::Now() >= call.terms.deadline) {
    return call.waiter->Done(MakeError(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED",
                                       "the deadline passed before anything was done"));
  }
  waiters_.insert({call.caller, std::move(call.waiter)});
  engine_->Call(call.caller, std::move(call.input), now);
}

void Driver::Apply(QueuedLook look, const Times& now) {
  const CallerId caller = NextCaller();
  lookers_.insert({caller, std::move(look.done)});
  engine_->Look(caller, look.id, now);
}

void Driver::Apply(Left left, const Times& now) {
  const auto it = waiters_.find(left.caller);
  if (it == waiters_.end()) return;
  const std::shared_ptr<CallWaiter> waiter = std::move(it->second);
  waiters_.erase(it);
  engine_->Leave(left.caller, now);
  waiter->Done(absl::CancelledError("the caller has gone"));
}

void Driver::Apply(EndedRun ended, const Times& now) {
  engine_->Finished(ended.run, std::move(ended.result), now);
}

void Driver::Apply(StoreAnswer answer, const Times& now) {
  const bool unavailable = absl::IsUnavailable(answer.status);
  if (!answer.status.ok() && !unavailable && !absl::IsDataLoss(answer.status)) return Fail(answer.status);
  watch_->Answered(answer.number, unavailable ? AnswerKind::kUnavailable : AnswerKind::kGood, now.steady_ms);
  engine_->StoreAnswered(std::move(answer), now);
}

void Driver::Apply(Reservation reservation, const Times&) {
  if (reservations_.size() >= options_.reservations_max)
    return reservation.next(Overloaded("too many calls wait for the server"));
  engine_->Reserve(reservation.counter);
  reservations_.push_back(std::move(reservation));
}

void Driver::Apply(Task task, const Times&) {
  task(engine_.get());
}

// Nothing is handed to the engine any more.
void Driver::Refuse(Input input) {
  if (auto* call = std::get_if<QueuedCall>(&input)) {
    call->waiter->Done(ShuttingDown());
  } else if (auto* look = std::get_if<QueuedLook>(&input)) {
    look->done(ShuttingDown());
  } else if (auto* reservation = std::get_if<Reservation>(&input)) {
    reservation->next(ShuttingDown());
  } else if (auto* task = std::get_if<Task>(&input)) {
    (*task)(nullptr);
  }
}

void Driver::Dispatch(EngineOutput output, const Times& now) {
  if (!output.operations.empty()) Submit(std::move(output.operations), now);
  for (EngineOutput::Start& start : output.starts) {
    const RequestId id = start.request.id;
    start.function->runnable->Start(std::move(start.request), this);
    if (options_.on_run_started) options_.on_run_started(id);
  }
  for (const EngineOutput::Kill& kill : output.kills) kill.function->runnable->Kill(kill.run);
  for (const EngineOutput::News& news : output.news) {
    const auto it = waiters_.find(news.caller);
    if (it != waiters_.end()) it->second->Progressed(news.progress);
  }
  for (const EngineOutput::Reply& reply : output.replies) Reply(reply);
  for (const EngineOutput::LookReply& reply : output.look_replies) {
    const auto it = lookers_.find(reply.caller);
    if (it == lookers_.end()) continue;
    const LookFn done = std::move(it->second);
    lookers_.erase(it);
    done(reply.reply);
  }
}

void Driver::Submit(std::vector<NumberedOperation> operations, const Times& now) {
  watch_->Submitted(operations.size(), now.steady_ms);
  store_->Submit(std::move(operations));
}

void Driver::Reply(const EngineOutput::Reply& reply) {
  const auto it = waiters_.find(reply.caller);
  if (it == waiters_.end()) return;
  const std::shared_ptr<CallWaiter> waiter = std::move(it->second);
  waiters_.erase(it);
  waiter->Done(reply.reply);
}

void Driver::WatchStore(const Times& now) {
  if (watch_->TakeProbe(kProbeNumbers | next_probe_, now.steady_ms)) {
    store_->Submit({{kProbeNumbers | next_probe_, FindOwner{store_->owner()}}});
    ++next_probe_;
  }
  const StoreState state = watch_->StateAt(now.steady_ms);
  if (state == store_state_) return;
  store_state_ = state;
  const bool available = state == StoreState::kAvailable;
  Log(available ? LogLevel::kInfo : LogLevel::kError,
      available ? "the request store answers again" : "the request store cannot be reached");
  if (options_.on_store_state) options_.on_store_state(state);
}

// Those who wait for counters try again whenever some have been reserved.
void Driver::WatchClock(const Times& now) {
  const bool grown = clock_->limit() != reserved_;
  reserved_ = clock_->limit();
  if (grown) {
    absl::MutexLock lock(&mutex_);
    clock_runs_ = true;
  }
  std::vector<Reservation> waiting;
  waiting.swap(reservations_);
  for (Reservation& each : waiting) {
    if (grown && each.counter < reserved_) {
      each.next(absl::OkStatus());
    } else if (now.steady_ms >= each.give_up_ms) {
      each.next(StoreUnavailable());
    } else {
      reservations_.push_back(std::move(each));
    }
  }
}

void Driver::WatchDrain(const Times& now) {
  if (!kill_at_ms_ || now.steady_ms < *kill_at_ms_) return;
  kill_at_ms_.reset();
  if (!engine_->IsIdle()) Log(LogLevel::kWarn, "what still runs is ended");
  engine_->KillAll(now);
}

// Whether the operation took place is not known, so nothing may build on it: everything that waits is told
// so, and the process ends. What is really there is found when it starts again.
void Driver::Fail(const absl::Status& status) {
  failed_ = true;
  Log(LogLevel::kError, "what happens can no longer be recorded; the server stops",
      {{"error", status.ToString()}});
  {
    absl::MutexLock lock(&mutex_);
    failure_ = status;
  }
  TellAll(OutcomeUnknown(status.message()));
  if (options_.on_fatal_error) options_.on_fatal_error(status);
}

void Driver::TellAll(const absl::Status& status) {
  for (const auto& [caller, waiter] : std::exchange(waiters_, {})) waiter->Done(status);
  for (const auto& [caller, done] : std::exchange(lookers_, {})) done(ShuttingDown());
  for (const Reservation& each : std::exchange(reservations_, {})) each.next(ShuttingDown());
}

void Driver::Finish() {
  TellAll(OutcomeUnknown("the server has ended"));
  Inputs late;
  {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
    late = std::exchange(inputs_, {});
  }
  for (Input& input : late.queue) Refuse(std::move(input));
}

}  // namespace lamppost::rpc
