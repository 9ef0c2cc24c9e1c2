// The engine and its store: what an answer means for the request that it is for.
#include <algorithm>
#include <utility>

#include "services/common/mutation.h"
#include "services/rpc/core/engine.h"
#include "services/rpc/core/engine_errors.h"
#include "services/rpc/core/request.h"

namespace lamppost::rpc {

uint64_t Engine::Submit(StoreOperation operation, Pending pending) {
  const uint64_t number = next_operation_++;
  pending_.insert({number, std::move(pending)});
  output_.operations.push_back({number, std::move(operation)});
  return number;
}

// Nobody waits for the answer.
void Engine::Drop(StoreOperation operation) {
  Pending pending;
  pending.purpose = Pending::Purpose::kDropped;
  Submit(std::move(operation), std::move(pending));
}

void Engine::SubmitFor(Request* request, StoreOperation operation) {
  Pending pending;
  pending.purpose = Pending::Purpose::kRequest;
  pending.id = request->id();
  pending.operation = operation;
  request->operation = Submit(std::move(operation), std::move(pending));
}

// Whether the operation has taken place is not known; so it is repeated until it is, however long that takes.
void Engine::RetryLater(Request* request, StoreOperation operation, const Times& now) {
  if (LAMPPOST_MUTATION(kStoreErrorIsFinal)) {
    if (request->phase == Request::Phase::kRecording) Release(request);
    return Refuse(request, StoreUnavailable());
  }
  request->backoff_ms =
      std::clamp(request->backoff_ms * 2, options_.store_retry_ms, options_.store_retry_max_ms);
  request->repeat = std::move(operation);
  Arm(request, now.steady_ms + request->backoff_ms);
}

void Engine::StoreAnswered(StoreAnswer answer, const Times& now) {
  const auto it = pending_.find(answer.number);
  NoteStoreHealth(answer.status, now);
  if (it == pending_.end()) return;  // nobody waits for it any more
  Pending pending = std::move(it->second);
  pending_.erase(it);
  switch (pending.purpose) {
    case Pending::Purpose::kRequest: {
      Request* const request = requests_.at(pending.id).get();
      request->operation = 0;
      if (absl::IsDataLoss(answer.status)) return Damaged(request, answer.status, now);
      if (!answer.status.ok()) return RetryLater(request, std::move(pending.operation), now);
      if (!Observe(answer)) return SubmitFor(request, std::move(pending.operation));
      RequestAnswered(request, answer, now);
      return AdmitWaiting(now);
    }
    case Pending::Purpose::kLook:
      if (pending.caller != 0 && !Observe(answer)) {
        pending.revision = 0;
        GetRecord again{pending.id};
        return SubmitLook(std::move(again), std::move(pending));
      }
      return LookAnswered(std::move(pending), answer, now);
    case Pending::Purpose::kSweep:
      return PageAnswered(answer, now);
    case Pending::Purpose::kSuspect:
      return SuspectAnswered(pending, answer);
    case Pending::Purpose::kReserve:
      reserving_ = false;
      if (answer.status.ok()) clock_->Reserve(pending.clock_limit);
      return;
    case Pending::Purpose::kDropped:
      return;
  }
}

// What is recorded under the id cannot be read, so nothing may be run for it.
void Engine::Damaged(Request* request, const absl::Status& status, const Times& now) {
  if (request->phase == Request::Phase::kRecording) Release(request);
  Refuse(request, status);
  AdmitWaiting(now);
}

// A record is a message from the server that wrote it, and whoever is told of it is told by a greater
// counter. False if that must be reserved first: it has been asked for, and the operation, which has changed
// nothing, is to be repeated behind it.
bool Engine::Observe(const StoreAnswer& answer) {
  if (!answer.record || LAMPPOST_MUTATION(kRecordNotObserved)) return true;
  const absl::StatusOr<Record> record = DecodeRecord(answer.record->value);
  if (!record.ok()) return true;
  const uint64_t counter = std::max(record->started.counter, record->outcome.finished.counter);
  if (clock_->Observe(counter) != LamportClock::Observed::kNeedsReservation) return true;
  Reserve(counter);
  return false;
}

void Engine::NoteStoreHealth(const absl::Status& status, const Times& now) {
  store_fails_ = !status.ok() && !absl::IsDataLoss(status);
  if (store_fails_) probe_ms_ = now.steady_ms + options_.store_retry_ms;
}

void Engine::Reserve(uint64_t counter) {
  const uint64_t limit = std::max(clock_->now(), counter) + LamportClock::kBlock;
  if (reserving_) {
    reserve_wanted_ = std::max(reserve_wanted_, limit);
    return;
  }
  reserving_ = true;
  Pending pending;
  pending.purpose = Pending::Purpose::kReserve;
  pending.clock_limit = std::max({limit, clock_->limit(), std::exchange(reserve_wanted_, 0)});
  ReserveClock operation{pending.clock_limit};
  Submit(std::move(operation), std::move(pending));
}

void Engine::ReserveIfLow() {
  if (reserving_ || store_fails_ || killing_) return;
  if (clock_->RunsLow() || reserve_wanted_ > clock_->limit()) Reserve(0);
}

void Engine::RequestAnswered(Request* request, const StoreAnswer& answer, const Times& now) {
  request->backoff_ms = 0;
  switch (request->phase) {
    case Request::Phase::kRecording:
      return Recorded(request, answer, now);
    case Request::Phase::kStoring:
      return Stored(request, answer, now);
    case Request::Phase::kElsewhere:
    case Request::Phase::kLooking:
      break;
    case Request::Phase::kWaiting:
    case Request::Phase::kRunning:
      return;  // has nothing under way
  }
  if (request->phase == Request::Phase::kElsewhere && request->asking_owner) {
    request->asking_owner = false;
    return TakeOwner(request, answer.owner_is_alive, now);
  }
  if (answer.record) return TakeRecord(request, *answer.record, now);
  AdmitNew(request, now);
}

// There is no record, and with the answer nothing is left open: it may be refused, or run, or wait for that.
void Engine::AdmitNew(Request* request, const Times& now) {
  request->revision = 0;
  if (!request->refusal.ok()) return Refuse(request, absl::Status(request->refusal));
  AwaitPlace(request, now);
}

void Engine::TakeRecord(Request* request, const StoredRecord& stored, const Times& now) {
  absl::StatusOr<Record> record = DecodeRecord(stored.value);
  if (!record.ok()) return Refuse(request, record.status());
  if (record->state == Record::State::kForgotten) return Refuse(request, Expired("it has been forgotten"));
  if (record->fingerprint != request->fingerprint) return Refuse(request, Reused());
  // One that is waited for is found again and again; one that ran here was none before.
  const bool is_new =
      request->phase == Request::Phase::kLooking || request->phase == Request::Phase::kRecording;
  if (is_new) ++counts_.found;
  request->first_caller = 0;
  request->record = *std::move(record);
  request->revision = stored.revision;
  if (request->record.state == Record::State::kDone) return Reply(request, Outcome(request->record.outcome));
  request->phase = Request::Phase::kElsewhere;
  if (request->callers.empty()) return Erase(request);
  if (LAMPPOST_MUTATION(kTakeoverOfTheLiving)) return TakeOwner(request, false, now);
  request->asking_owner = true;
  SubmitFor(request, FindOwner{request->record.owner});
}

void Engine::TakeOwner(Request* request, bool is_alive, const Times& now) {
  if (is_alive) {
    request->poll_ms = std::clamp(request->poll_ms * 2, options_.owner_poll_ms, options_.owner_poll_max_ms);
    request->repeat = GetRecord{request->id()};
    return Arm(request, now.steady_ms + request->poll_ms);
  }
  const bool may_repeat = request->record.repeat == Repeat::kIdempotent && request->function != nullptr &&
                          request->function->spec.repeat == Repeat::kIdempotent;
  if (!may_repeat && !LAMPPOST_MUTATION(kUnknownIsRerun)) return Store(request, ServerCrashed());
  if (!request->refusal.ok()) return Refuse(request, absl::Status(request->refusal));
  AwaitPlace(request, now);
}

// The record that the run stands on is there, or something else is.
void Engine::Recorded(Request* request, const StoreAnswer& answer, const Times& now) {
  if (answer.verdict == StoreAnswer::Verdict::kDone) {
    if (request->revision == 0) sweeper_.CountCreated();
    return StartRun(request, answer.revision, now);
  }
  if (answer.verdict == StoreAnswer::Verdict::kConflict && answer.record) {
    const absl::StatusOr<Record> found = DecodeRecord(answer.record->value);
    // An earlier attempt to create it, whose answer was lost.
    if (found.ok() && found->state == Record::State::kRunning && found->owner == request->record.owner &&
        found->run == request->record.run) {
      return StartRun(request, answer.record->revision, now);
    }
  }
  Release(request);
  if (answer.record) {
    TakeRecord(request, *answer.record, now);
  } else if (answer.verdict == StoreAnswer::Verdict::kExpired) {
    Refuse(request, Expired("ids of its time have been forgotten"));
  } else {
    AdmitNew(request, now);  // what was to be taken over is gone
  }
}

// The outcome is durable, or another server has decided otherwise meanwhile.
void Engine::Stored(Request* request, const StoreAnswer& answer, const Times& now) {
  if (answer.verdict == StoreAnswer::Verdict::kDone) return Reply(request, Outcome(request->record.outcome));
  const Outcome& outcome = request->record.outcome;
  const bool ran_here = outcome.kind != Outcome::Kind::kUnknown || outcome.error.reason != kServerCrashed;
  if (!answer.record && ran_here) return Refuse(request, Expired("its record was removed while it ran"));
  if (!answer.record) {
    // Whoever recorded it has taken it back before its start.
    return request->callers.empty() ? Erase(request) : AdmitNew(request, now);
  }
  const absl::StatusOr<Record> found = DecodeRecord(answer.record->value);
  if (found.ok() && found->state == Record::State::kDone && found->owner == request->record.owner &&
      found->run == request->record.run && found->outcome == request->record.outcome) {
    return Reply(request, Outcome(request->record.outcome));
  }
  if (LAMPPOST_MUTATION(kOutcomeOverwrites)) {
    return SubmitFor(request, ReplaceRecord{request->id(), answer.record->revision, Encode(request->record)});
  }
  TakeRecord(request, StoredRecord(*answer.record), now);
}

}  // namespace lamppost::rpc
