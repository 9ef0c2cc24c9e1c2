// How a simulated server carries out what its engine puts out.
#include <utility>

#include "services/common/error.h"
#include "tests/rpc_sim/server.h"
#include "tests/rpc_sim/server_life.h"

namespace lamppost::rpc::sim {

// One output at a time; what comes in meanwhile is in the next.
void Server::PlanTake() {
  if (life_->take_planned || !life_->outbox.empty()) return;
  life_->take_planned = true;
  const uint64_t delay_us = random_.Percent(50) ? 0 : random_.Below(1500);
  to_.scheduler->After(delay_us, [this, life = life_->number] {
    if (life_ == nullptr || life_->number != life) return;
    life_->take_planned = false;
    if (!IsPaused()) Take();
  });
}

void Server::Take() {
  Life* const life = life_.get();
  EngineOutput output = life->engine.TakeOutput();
  ++life->takes;
  for (NumberedOperation& operation : output.operations) {
    life->outbox.push_back([this, operation] { to_.store->Submit(index_, operation); });
  }
  for (EngineOutput::Start& start : output.starts) {
    life->outbox.push_back([life, start] { start.function->runnable->Start(start.request, &life->sink); });
  }
  for (EngineOutput::Kill& kill : output.kills) {
    life->outbox.push_back([kill] { kill.function->runnable->Kill(kill.run); });
  }
  for (const EngineOutput::Reply& reply : output.replies) {
    if (ExpectCaller(reply.caller)) life->outbox.push_back([this, reply] { Answer(reply); });
  }
  for (const EngineOutput::LookReply& reply : output.look_replies) {
    if (ExpectCaller(reply.caller)) life->outbox.push_back([this, reply] { Answer(reply); });
  }
  PlanCarryOut();
}

void Server::PlanCarryOut() {
  if (life_->outbox.empty()) return;
  const uint64_t delay_us = random_.Percent(70) ? 0 : random_.Below(300);
  to_.scheduler->After(delay_us, [this, life = life_->number] {
    if (life_ != nullptr && life_->number == life && !IsPaused()) CarryOut();
  });
}

void Server::CarryOut() {
  if (life_->outbox.empty() || CrashesNow(Fault::kCrashBeforeOutput)) return;
  const auto piece = std::move(life_->outbox.front());
  life_->outbox.pop_front();
  piece();
  if (CrashesNow(Fault::kCrashAfterOutput)) return;
  if (life_->outbox.empty()) return PlanTake();
  PlanCarryOut();
}

// Each caller that waits gets one reply, and none after it has left.
bool Server::ExpectCaller(CallerId number) {
  const auto it = life_->callers.find(number);
  if (it == life_->callers.end() || it->second.answered) {
    to_.journal->Violated(CheckId::kReplies,
                          absl::StrCat("S", index_, " answers caller ", number, ", which does not wait"));
    return false;
  }
  Caller& caller = it->second;
  caller.answered = true;
  to_.journal->Expect(CheckId::kReplies, !caller.left || life_->takes <= caller.left_at_take + 1, "S", index_,
                      " answers caller ", number, ", which has left");
  return true;
}

void Server::Answer(const EngineOutput::Reply& reply) {
  const Caller caller = std::move(life_->callers.extract(reply.caller).mapped());
  const std::optional<uint64_t> clock = life_->clock.Tick();
  if (caller.left || !clock) return;
  to_.oracle->Replied(facts_, caller.request, reply.reply, *clock);
  Respond(caller.request, *clock, reply.reply.status(), Final::kYes);
}

void Server::Answer(const EngineOutput::LookReply& reply) {
  const Caller caller = std::move(life_->callers.extract(reply.caller).mapped());
  const std::optional<uint64_t> clock = life_->clock.Tick();
  if (caller.left || !clock) return;
  to_.oracle->Told(facts_, caller.request, reply.reply, *clock);
  const bool done = !reply.reply.ok() || reply.reply->state == CallInfo::State::kDone;
  Respond(caller.request, *clock, reply.reply.status(), done ? Final::kYes : Final::kNotYet);
}

void Server::Respond(const Request& request, uint64_t clock, const absl::Status& status, Final final) {
  to_.journal->Tell("S", index_, " answers attempt ", request.attempt, " at ", clock, ": ",
                    !status.ok()           ? ErrorReason(status)
                    : final == Final::kYes ? "an outcome"
                                           : "not done yet");
  to_.send({request.client, request.attempt, clock, status, final});
}

}  // namespace lamppost::rpc::sim
