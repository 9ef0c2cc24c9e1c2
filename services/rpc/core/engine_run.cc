// The engine and its runs: from a place to the outcome.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/mutation.h"
#include "services/rpc/core/engine.h"
#include "services/rpc/core/engine_errors.h"
#include "services/rpc/core/request.h"

namespace lamppost::rpc {
namespace {

constexpr char kShutDown[] = "SHUT_DOWN";

FunctionError KilledFor(const std::string& reason, const FunctionSpec& spec, FunctionError error) {
  error.reason = reason;
  error.message = reason == "TIME_LIMIT"
                      ? absl::StrCat("it ran longer than ", spec.time_limit_ms, " ms and was ended")
                      : "nobody waited for it any more, and it was ended";
  return error;
}

}  // namespace

void Engine::AwaitPlace(Request* request, const Times& now) {
  const FunctionSpec& spec = request->function->spec;
  if (places_.Take(request->input.method, spec.concurrency_max)) return BeginRecording(request, now);
  if (!places_.Wait(request->input.method, spec.queue_max, request->id())) {
    return Refuse(request, MakeRetryableError(absl::StatusCode::kResourceExhausted, "FUNCTION_BUSY",
                                              absl::StrCat(spec.name, " runs ", spec.concurrency_max,
                                                           " times and ", spec.queue_max, " calls wait"),
                                              kRefusalRetryDelayMs));
  }
  request->phase = Request::Phase::kWaiting;
}

// Has a place. Creates the record, or takes over the one whose owner is gone.
void Engine::BeginRecording(Request* request, const Times& now) {
  const std::string client_id = request->revision == 0 ? request->input.client_id : request->record.client_id;
  const uint64_t first_seen_ms = request->revision == 0 ? now.wall_ms : request->record.first_seen_ms;
  Record& record = request->record;
  record = Record();
  record.method = request->input.method;
  record.fingerprint = request->fingerprint;
  record.owner = owner_;
  record.run = request->run = next_run_++;
  if (LAMPPOST_MUTATION(kRunNumberReused)) record.run = request->run = 1;
  record.repeat = request->function->spec.repeat;
  record.client_id = client_id;
  record.first_seen_ms = first_seen_ms;
  record.started = Stamp();
  if (LAMPPOST_MUTATION(kRecordAfterRun)) return StartRun(request, 0, now);
  request->phase = Request::Phase::kRecording;
  if (request->revision == 0) {
    SubmitFor(request, CreateRecord{request->id(), Encode(record)});
  } else {
    SubmitFor(request, ReplaceRecord{request->id(), request->revision, Encode(record)});
  }
}

void Engine::StartRun(Request* request, uint64_t revision, const Times& now) {
  const bool created = std::exchange(request->revision, revision) == 0;
  if (killing_) {
    // It has not started and never will. Without the record it can start elsewhere; one that has been taken
    // over stays, since it has started before.
    if (created) Drop(ForgetRecords{0, {{request->id(), revision}}});
    Release(request);
    return Refuse(request, ShuttingDown());
  }
  request->phase = Request::Phase::kRunning;
  request->started_ms = now.steady_ms;
  runs_.insert({request->run, request});
  counts_.Started(request->input.method);
  if (LAMPPOST_MUTATION(kPlaceFreeTooEarly)) Release(request);
  const FunctionSpec& spec = request->function->spec;
  RunRequest run;
  run.run = request->run;
  run.id = request->id();
  run.params = request->input.params;  // kept: another server may take it over, and this one take it back
  if (LAMPPOST_MUTATION(kParamsNotKept)) request->input.params = nullptr;
  run.time_limit_ms = spec.time_limit_ms;
  run.result_bytes_max = std::min(spec.result_bytes_max, options_.result_bytes_max);
  output_.starts.push_back({request->function, std::move(run)});
  if (request->callers.empty() && spec.when_abandoned == WhenAbandoned::kKill) {
    request->abandon_at_ms = now.steady_ms + spec.abandon_grace_ms;
  }
  ArmRun(request);
}

void Engine::Progressed(RunId run, Progress progress, const Times&) {
  const auto it = runs_.find(run);
  if (it == runs_.end()) return;
  Request* const request = it->second;
  for (const CallerId caller : request->callers) output_.news.push_back({caller, progress});
  request->progress = std::move(progress);
}

void Engine::Finished(RunId run, RunResult result, const Times& now) {
  const auto it = runs_.find(run);
  if (it == runs_.end()) return;
  Request* const request = it->second;
  runs_.erase(it);
  if (!LAMPPOST_MUTATION(kPlaceFreeTooEarly)) Release(request);
  const auto* const error = std::get_if<FunctionError>(&result);
  const bool shut_down = error != nullptr && error->reason == kKilled && request->kill_reason == kShutDown;
  if (shut_down && request->record.repeat == Repeat::kIdempotent) {
    // The record is left as it is: a retry, after the next start, takes it over.
    ++counts_.interrupted;
    Refuse(request, Interrupted());
  } else if (shut_down) {
    Outcome outcome = UnknownOutcome(kShutDown, "the server was shut down while the function ran");
    outcome.elapsed_ms = now.steady_ms - request->started_ms;
    Store(request, std::move(outcome));
  } else {
    Store(request, OutcomeOf(request, std::move(result), now));
  }
  AdmitWaiting(now);
}

Outcome Engine::OutcomeOf(Request* request, RunResult result, const Times& now) {
  Outcome outcome;
  outcome.elapsed_ms = now.steady_ms - request->started_ms;
  if (auto* const text = std::get_if<std::string>(&result)) {
    outcome.kind = Outcome::Kind::kResult;
    outcome.result = std::move(*text);
    return outcome;
  }
  outcome.kind = Outcome::Kind::kError;
  outcome.error = std::get<FunctionError>(std::move(result));
  if (outcome.error.reason == kKilled && !request->kill_reason.empty()) {
    outcome.error = KilledFor(request->kill_reason, request->function->spec, std::move(outcome.error));
  }
  return outcome;
}

void Engine::Store(Request* request, Outcome outcome) {
  End(&request->record, std::move(outcome));
  request->phase = Request::Phase::kStoring;
  if (request->wake_ms != 0) timers_.erase({std::exchange(request->wake_ms, 0), request->id()});
  if (LAMPPOST_MUTATION(kRecordAfterRun) && request->revision == 0) {
    return SubmitFor(request, CreateRecord{request->id(), Encode(request->record)});
  }
  SubmitFor(request, ReplaceRecord{request->id(), request->revision, Encode(request->record)});
  if (LAMPPOST_MUTATION(kOutcomeNotDurable)) return Reply(request, Outcome(request->record.outcome));
}

void Engine::End(Record* record, Outcome outcome) {
  outcome.started = record->started;
  outcome.finished = LAMPPOST_MUTATION(kEndNotStamped) ? outcome.started : Stamp();
  record->state = Record::State::kDone;
  counts_.Ended(record->method, outcome);
  record->outcome = std::move(outcome);
}

// Its place is free, and whoever waits longest gets it, once the present input is dealt with.
void Engine::Release(Request* request) {
  places_.GiveBack(request->input.method);
  released_.insert(request->input.method);
}

void Engine::AdmitWaiting(const Times& now) {
  while (!released_.empty()) {
    const std::string function = std::move(released_.extract(released_.begin()).value());
    while (const auto id = places_.First(function)) {
      Request* const request = requests_.at(*id).get();
      if (!places_.TakeFirst(function, request->function->spec.concurrency_max)) break;
      BeginRecording(request, now);
    }
  }
}

void Engine::Kill(Request* request, absl::string_view reason) {
  if (!request->kill_reason.empty() && reason != kShutDown) return;
  request->kill_reason = std::string(reason);
  output_.kills.push_back({request->function, request->run});
}

// Its timer has gone off.
void Engine::Wake(Request* request, const Times& now) {
  if (request->phase != Request::Phase::kRunning) {
    StoreOperation operation = *std::move(request->repeat);
    request->repeat.reset();
    return SubmitFor(request, std::move(operation));
  }
  if (now.steady_ms >= request->started_ms + request->function->spec.time_limit_ms) {
    Kill(request, "TIME_LIMIT");
  } else if (request->abandon_at_ms && now.steady_ms >= *request->abandon_at_ms) {
    Kill(request, "CANCELLED");
  } else {
    ArmRun(request);
  }
}

void Engine::ArmRun(Request* request) {
  const uint64_t limit_ms = request->started_ms + request->function->spec.time_limit_ms;
  Arm(request, std::min(limit_ms, request->abandon_at_ms.value_or(limit_ms)));
}

void Engine::Arm(Request* request, uint64_t steady_ms) {
  if (request->wake_ms != 0) timers_.erase({request->wake_ms, request->id()});
  request->wake_ms = std::max<uint64_t>(steady_ms, 1);
  timers_.insert({request->wake_ms, request->id()});
}

// If the reservation is used up, because the store has not answered for very long, the last counter is
// repeated rather than the call failed.
Timestamp Engine::Stamp() {
  return {clock_->Tick().value_or(clock_->now()), options_.origin};
}

}  // namespace lamppost::rpc
