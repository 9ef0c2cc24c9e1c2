// Questions about ids, and what the sweeper comes across.
#include <utility>

#include "services/rpc/core/engine.h"
#include "services/rpc/core/engine_errors.h"
#include "services/rpc/core/request.h"

namespace lamppost::rpc {
namespace {

CallInfo InfoOf(const Record& record) {
  CallInfo info;
  info.state = record.state == Record::State::kDone ? CallInfo::State::kDone : CallInfo::State::kRunning;
  info.method = record.method;
  if (record.state == Record::State::kDone) info.outcome = record.outcome;
  return info;
}

CallInfo Queued(absl::string_view method) {
  CallInfo info;
  info.method = std::string(method);
  return info;
}

}  // namespace

// The steps of one: the record; if it has no outcome, its owner; if that is gone, "unknown" is recorded.
void Engine::Look(CallerId caller, const RequestId& id, const Times&) {
  const auto it = requests_.find(id);
  const bool runs_here = it != requests_.end() && (it->second->phase == Request::Phase::kRunning ||
                                                   it->second->phase == Request::Phase::kStoring);
  if (runs_here) {
    CallInfo info;
    info.state = CallInfo::State::kRunning;  // until the outcome is durable
    info.method = it->second->input.method;
    info.progress = it->second->progress;
    return ReplyToLook(caller, std::move(info));
  }
  if (store_fails_) return ReplyToLook(caller, StoreUnavailable());
  if (lookers_.size() >= options_.requests_max) {
    return ReplyToLook(caller, Overloaded("the server has as many questions under way as it may"));
  }
  Pending pending;
  pending.purpose = Pending::Purpose::kLook;
  pending.id = id;
  pending.caller = caller;
  SubmitLook(GetRecord{id}, std::move(pending));
}

void Engine::SubmitLook(StoreOperation operation, Pending pending) {
  const CallerId caller = pending.caller;
  lookers_[caller] = Submit(std::move(operation), std::move(pending));
}

void Engine::ReplyToLook(CallerId caller, absl::StatusOr<CallInfo> reply) {
  lookers_.erase(caller);
  output_.look_replies.push_back({caller, std::move(reply)});
}

void Engine::LookAnswered(Pending pending, const StoreAnswer& answer, const Times& now) {
  if (pending.caller == 0) return;
  if (!answer.status.ok()) return ReplyToLook(pending.caller, StoreUnavailable());
  if (pending.revision != 0 && pending.record.state == Record::State::kRunning) {
    return LookAtOwner(std::move(pending), answer);
  }
  if (pending.revision != 0 && answer.verdict == StoreAnswer::Verdict::kDone) {
    return ReplyToLook(pending.caller, InfoOf(pending.record));
  }
  if (answer.record) return LookAtRecord(std::move(pending), *answer.record);
  if (const auto it = requests_.find(pending.id); it != requests_.end()) {
    return ReplyToLook(pending.caller, Queued(it->second->input.method));
  }
  if (sweeper_.IsTooOld(pending.id, now.wall_ms)) {
    return ReplyToLook(pending.caller, Expired("it is older than ids are kept"));
  }
  ReplyToLook(pending.caller, MakeError(absl::StatusCode::kNotFound, "REQUEST_ID_UNKNOWN",
                                        "no call with this request id has come here"));
}

void Engine::LookAtRecord(Pending pending, const StoredRecord& stored) {
  absl::StatusOr<Record> record = DecodeRecord(stored.value);
  if (!record.ok()) return ReplyToLook(pending.caller, record.status());
  if (record->state == Record::State::kForgotten) {
    return ReplyToLook(pending.caller, Expired("it has been forgotten"));
  }
  if (record->state == Record::State::kDone) return ReplyToLook(pending.caller, InfoOf(*record));
  pending.record = *std::move(record);
  pending.revision = stored.revision;
  FindOwner find{pending.record.owner};
  SubmitLook(std::move(find), std::move(pending));
}

void Engine::LookAtOwner(Pending pending, const StoreAnswer& answer) {
  const bool idempotent = pending.record.repeat == Repeat::kIdempotent;
  if (answer.owner_is_alive || idempotent) {
    CallInfo info = InfoOf(pending.record);
    if (!answer.owner_is_alive) info.state = CallInfo::State::kInterrupted;
    return ReplyToLook(pending.caller, std::move(info));
  }
  End(&pending.record, ServerCrashed());
  ReplaceRecord replace{pending.id, pending.revision, Encode(pending.record)};
  SubmitLook(std::move(replace), std::move(pending));
}

void Engine::Sweep(const Times& now) {
  if (store_fails_ || killing_) return;
  Pending pending;
  pending.purpose = Pending::Purpose::kSweep;
  if (const auto scan = sweeper_.NextPage(now.steady_ms)) Submit(*scan, std::move(pending));
}

void Engine::PageAnswered(const StoreAnswer& answer, const Times& now) {
  if (!answer.status.ok()) return sweeper_.PageFailed(now.steady_ms);
  Sweeper::Page page = sweeper_.TakePage(answer.records, now.steady_ms, now.wall_ms);
  // What of this fails comes round again.
  for (StoreOperation& operation : page.operations) Drop(std::move(operation));
  for (const StoredRecord& stored : page.suspects) {
    const absl::StatusOr<Record> record = DecodeRecord(stored.value);
    if (!record.ok() || requests_.count(stored.id) > 0) continue;
    Pending pending;
    pending.purpose = Pending::Purpose::kSuspect;
    pending.id = stored.id;
    pending.record = *record;
    pending.revision = stored.revision;
    Submit(FindOwner{record->owner}, std::move(pending));
  }
}

void Engine::SuspectAnswered(const Pending& pending, const StoreAnswer& answer) {
  if (!answer.status.ok() || answer.owner_is_alive) return;
  Drop(Sweeper::Forget({pending.id, "", pending.revision}, pending.record));
}

}  // namespace lamppost::rpc
