#include "services/rpc/core/engine.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "services/common/error.h"
#include "services/common/mutation.h"
#include "services/rpc/core/engine_errors.h"
#include "services/rpc/core/request.h"

namespace lamppost::rpc {
Engine::Engine(EngineOptions options, LamportClock* clock, std::string owner,
               std::shared_ptr<const Registry> registry)
    : options_(std::move(options)),
      clock_(clock),
      owner_(std::move(owner)),
      registry_(std::move(registry)),
      sweeper_(options_.sweeper) {
  ReserveIfLow();
}

Engine::~Engine() = default;

void Engine::Call(CallerId caller, CallInput input, const Times& now) {
  if (absl::Status status = CheckInput(input, now); !status.ok()) return ReplyTo(caller, std::move(status));
  if (LAMPPOST_MUTATION(kAgeBeforeJoin) && !CheckAge(input, now).ok())
    return ReplyTo(caller, CheckAge(input, now));
  const std::string params = CanonicalText(input.params);
  std::string fingerprint = Fingerprint(input.method, params);
  if (const auto it = requests_.find(input.id); it != requests_.end()) {
    Request* const request = it->second.get();
    if (LAMPPOST_MUTATION(kJoinLeftOut) && request->phase == Request::Phase::kRunning)
      StartRun(request, request->revision, now);
    if (request->fingerprint == fingerprint) return Join(request, caller, input);
    return ReplyTo(caller, Reused());
  }
  if (absl::Status status = CheckAge(input, now); !status.ok()) return ReplyTo(caller, std::move(status));
  if (store_fails_) return ReplyTo(caller, StoreUnavailable());
  if (requests_.size() >= options_.requests_max ||
      params_bytes_ + params.size() > options_.params_bytes_max) {
    return ReplyTo(caller, Overloaded("the server has as many calls under way as it may"));
  }
  auto owned = std::make_unique<Request>();
  Request* const request = owned.get();
  request->function = registry_->Find(input.method);
  request->refusal = RefusalIfNew(input, request->function.get());
  request->fingerprint = std::move(fingerprint);
  request->params_bytes = params.size();
  request->input = std::move(input);
  params_bytes_ += params.size();
  requests_.insert({request->id(), std::move(owned)});
  request->callers.push_back(caller);
  request->first_caller = caller;
  callers_.insert({caller, request->id()});
  Admit(request, now);
}

absl::Status Engine::CheckInput(const CallInput& input, const Times& now) {
  if (draining_) return ShuttingDown();
  if (input.watermark) {
    if (input.client_id.empty() || !input.watermark->minted_ms()) {
      return MakeError(absl::StatusCode::kInvalidArgument, "WATERMARK_INVALID",
                       "a watermark is a UUID of version 7 and comes with a client_id");
    }
    // One from the future would shut its client out; it only ever allows to forget, so it may be passed over.
    if (!sweeper_.IsFromTheFuture(*input.watermark, now.wall_ms)) {
      sweeper_.Raise(input.client_id, *input.watermark);
    }
  }
  return absl::OkStatus();
}

// Of what is under way nobody asks how old it is: whoever was refused for that could see it start afterwards.
absl::Status Engine::CheckAge(const CallInput& input, const Times& now) const {
  if (sweeper_.IsTooOld(input.id, now.wall_ms)) return Expired("it is older than ids are kept");
  if (sweeper_.IsBelowWatermark(input.client_id, input.id)) {
    return Expired("it is below its client's watermark");
  }
  if (sweeper_.IsFromTheFuture(input.id, now.wall_ms)) {
    return MakeError(absl::StatusCode::kOutOfRange, "REQUEST_ID_FROM_THE_FUTURE",
                     "the request id was minted by a clock that is far ahead of the server's");
  }
  return absl::OkStatus();
}

// Not decisive: what is recorded under the id is answered whatever has become of its function.
absl::Status Engine::RefusalIfNew(const CallInput& input, const Function* function) const {
  if (function == nullptr) return registry_->UnknownError(input.method);
  if (absl::Status status = function->params->Check(input.params); !status.ok()) return status;
  return sweeper_.CheckRoom(input.id);
}

void Engine::Join(Request* request, CallerId caller, const CallInput& input) {
  if (request->callers.size() >= options_.callers_per_request_max) {
    return ReplyTo(caller, Overloaded("as many wait for this request id as may"));
  }
  ++counts_.joined;
  request->callers.push_back(caller);
  callers_.insert({caller, request->id()});
  if (request->progress) output_.news.push_back({caller, *request->progress});
  if (request->phase != Request::Phase::kRunning || !request->abandon_at_ms) return;
  request->abandon_at_ms.reset();
  ArmRun(request);
}

// The usual way is one operation: if there is a place, the record is created at once, and what is there
// already comes back as a conflict. Otherwise what is there has to be known before anything can be refused.
void Engine::Admit(Request* request, const Times& now) {
  if (request->refusal.ok() && places_.Take(request->input.method, request->function->spec.concurrency_max)) {
    return BeginRecording(request, now);
  }
  request->phase = Request::Phase::kLooking;
  SubmitFor(request, GetRecord{request->id()});
}

void Engine::Leave(CallerId caller, const Times& now) {
  if (LAMPPOST_MUTATION(kLeaveIgnored)) return;
  if (const auto it = lookers_.find(caller); it != lookers_.end()) {
    pending_.at(it->second).caller = 0;
    lookers_.erase(it);
    return;
  }
  const auto it = callers_.find(caller);
  if (it == callers_.end()) return;
  Request* const request = requests_.at(it->second).get();
  callers_.erase(it);
  request->callers.erase(std::find(request->callers.begin(), request->callers.end(), caller));
  if (!request->callers.empty()) return;
  switch (request->phase) {
    case Request::Phase::kLooking:
    case Request::Phase::kElsewhere:
    case Request::Phase::kWaiting:
      return Erase(request);  // nothing has been begun for it here
    case Request::Phase::kRunning:
      if (request->function->spec.when_abandoned != WhenAbandoned::kKill) return;
      request->abandon_at_ms = now.steady_ms + request->function->spec.abandon_grace_ms;
      return ArmRun(request);
    case Request::Phase::kRecording:
    case Request::Phase::kStoring:
      return;
  }
}

void Engine::ReplyTo(CallerId caller, absl::StatusOr<CallReply> reply) {
  callers_.erase(caller);
  output_.replies.push_back({caller, std::move(reply)});
}

void Engine::Reply(Request* request, const Outcome& outcome) {
  for (const CallerId caller : request->callers) {
    const Replay replay = caller == request->first_caller ? Replay::kFirst : Replay::kReplayed;
    if (replay == Replay::kReplayed) ++counts_.replayed;
    ReplyTo(caller, CallReply{outcome, replay});
  }
  Erase(request);
}

void Engine::Refuse(Request* request, const absl::Status& status) {
  for (const CallerId caller : request->callers) ReplyTo(caller, status);
  Erase(request);
}

// Its place, if it has one, must have been given back.
void Engine::Erase(Request* request) {
  if (request->phase == Request::Phase::kWaiting) places_.Withdraw(request->input.method, request->id());
  if (request->operation != 0) pending_.erase(request->operation);
  if (request->wake_ms != 0) timers_.erase({request->wake_ms, request->id()});
  runs_.erase(request->run);
  params_bytes_ -= request->params_bytes;
  requests_.erase(RequestId(request->id()));
}

void Engine::Tick(const Times& now) {
  while (!timers_.empty() && timers_.begin()->first <= now.steady_ms) {
    Request* const request = requests_.at(timers_.begin()->second).get();
    timers_.erase(timers_.begin());
    request->wake_ms = 0;
    Wake(request, now);
  }
  AdmitWaiting(now);
  Sweep(now);
  if (store_fails_ && now.steady_ms >= probe_ms_ && !reserving_ && !killing_) Reserve(0);
}

uint64_t Engine::NextTickMs() const {
  uint64_t next_ms = std::numeric_limits<uint64_t>::max();
  if (!store_fails_ && !killing_) next_ms = sweeper_.NextPageMs();
  if (store_fails_ && !reserving_ && !killing_) next_ms = std::min(next_ms, probe_ms_);
  if (!timers_.empty()) next_ms = std::min(next_ms, timers_.begin()->first);
  return next_ms;
}

void Engine::KillAll(const Times& now) {
  draining_ = true;
  killing_ = true;
  std::vector<RequestId> ids;
  for (const auto& [id, request] : requests_) ids.push_back(id);
  for (const RequestId& id : ids) {
    const auto it = requests_.find(id);
    if (it == requests_.end()) continue;
    Request* const request = it->second.get();
    switch (request->phase) {
      case Request::Phase::kLooking:
      case Request::Phase::kWaiting:
      case Request::Phase::kElsewhere:
        Refuse(request, ShuttingDown());
        break;
      case Request::Phase::kRunning:
        Kill(request, "SHUT_DOWN");
        break;
      case Request::Phase::kRecording:  // see StartRun
      case Request::Phase::kStoring:
        break;
    }
  }
}

bool Engine::IsIdle() const {
  return requests_.empty() && pending_.empty();
}

size_t Engine::Running(absl::string_view function) const {
  return places_.taken(function);
}

size_t Engine::Waiting(absl::string_view function) const {
  return places_.waiting(function);
}

EngineLoad Engine::load() const {
  EngineLoad load;
  load.requests = requests_.size();
  load.requests_max = options_.requests_max;
  load.params_bytes = params_bytes_;
  load.params_bytes_max = options_.params_bytes_max;
  load.records = sweeper_.records();
  load.records_max = options_.sweeper.records_max;
  load.marks = sweeper_.marks();
  load.marks_max = options_.sweeper.marks_max;
  return load;
}

EngineOutput Engine::TakeOutput() {
  ReserveIfLow();
  return std::exchange(output_, {});
}

}  // namespace lamppost::rpc
