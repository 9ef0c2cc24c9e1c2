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
    life->outbox.push_back(
        [life, start] { start.function->runnable->Start(start.request, &life->sink); });
  }
  for (EngineOutput::Kill& kill : output.kills) {
    life->outbox.push_back([kill] { kill.function->runnable->Kill(kill.run); });
  }
  for (const EngineOutput::Reply& reply : output.replies) {
    if (!ExpectCaller(life, reply.caller)) continue;
    life->outbox.push_back([this, life, reply] { Answer(life, reply); });
  }
  for (const EngineOutput::LookReply& reply : output.look_replies) {
    if (!ExpectCaller(life, reply.caller)) continue;
    life->outbox.push_back([this, life, reply] { Answer(life, reply); });
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
bool Server::ExpectCaller(Life* life, CallerId caller) {
  const auto it = life->callers.find(caller);
  if (it == life->callers.end() || it->second.answered) {
    to_.journal->Violated(CheckId::kReplies, absl::StrCat("S", index_, " answers caller ", caller,
                                                          ", which does not wait"));
    return false;
  }
  it->second.answered = true;
  to_.journal->Expect(CheckId::kReplies, !it->second.left || life->takes <= it->second.left_at_take + 1, "S",
                      index_, " answers caller ", caller, ", which has left");
  return true;
}

// The clock of the reply; nothing if the caller has left, or the clock has no counter left.
std::optional<uint64_t> Server::ClockOfReply(Life* life, const Caller& caller) {
  return caller.left ? std::nullopt : life->clock.Tick();
}

void Server::Answer(Life* life, const EngineOutput::Reply& reply) {
  const Caller caller = std::move(life->callers.extract(reply.caller).mapped());
  const std::optional<uint64_t> clock = ClockOfReply(life, caller);
  if (!clock) return;
  to_.oracle->Replied(facts_, caller.request, reply.reply, *clock);
  Respond(caller.request, *clock, reply.reply.status());
}

void Server::Answer(Life* life, const EngineOutput::LookReply& reply) {
  const Caller caller = std::move(life->callers.extract(reply.caller).mapped());
  const std::optional<uint64_t> clock = ClockOfReply(life, caller);
  if (!clock) return;
  to_.oracle->Told(facts_, caller.request, reply.reply, *clock);
  Respond(caller.request, *clock, reply.reply.status());
}

void Server::Respond(const Request& request, uint64_t clock, const absl::Status& status) {
  to_.journal->Tell("S", index_, " answers attempt ", request.attempt, " at ", clock, ": ",
                    status.ok() ? "an outcome" : ErrorReason(status));
  to_.send({request.client, request.attempt, clock, status});
}

}  // namespace lamppost::rpc::sim
