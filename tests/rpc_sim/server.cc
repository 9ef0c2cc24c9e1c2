#include "tests/rpc_sim/server.h"

#include <algorithm>
#include <utility>

#include "services/common/error.h"
#include "tests/rpc_sim/runs.h"
#include "tests/rpc_sim/server_life.h"

namespace lamppost::rpc::sim {
namespace {

constexpr uint64_t kStopMs = 2000;  // then an orderly stop becomes a crash
constexpr uint64_t kBusyTicksMax = 50;

}  // namespace

void Server::Sink::Progressed(RunId run, Progress progress) {
  server_.GiveLater(server_.random_.Below(500), [this, run, progress](Life* life) {
    life->engine.Progressed(run, progress, server_.Now());
  });
}

void Server::Sink::Finished(RunId run, RunResult result) {
  server_.GiveLater(server_.random_.Below(500),
                    [this, run, result](Life* life) { life->engine.Finished(run, result, server_.Now()); });
}

Server::Server(size_t index, Surroundings surroundings, Random random)
    : index_(index), to_(std::move(surroundings)), random_(random) {
  facts_.server = index_;
}

Server::~Server() {
  if (life_ != nullptr) *life_->alive = false;
}

Times Server::Now() {
  Times now;
  now.steady_ms = to_.scheduler->now_ms() + 1000 * index_ + 7;
  now.wall_ms =
      static_cast<uint64_t>(static_cast<int64_t>(kEpochMs + to_.scheduler->now_ms()) + wall_offset_ms_);
  facts_.wall_ms = std::max(facts_.wall_ms, now.wall_ms);
  return now;
}

std::shared_ptr<const Registry> Server::MakeRegistry(std::shared_ptr<const bool> alive, Functions functions) {
  static const auto* const kAnyParams =
      new std::shared_ptr<const ParamsSchema>(ParamsSchema::Compile(Json{{"type", "object"}}).value());
  auto registry = std::make_shared<Registry>();
  for (SimFunction function : SimFunctions()) {
    if (functions == Functions::kOthers) {
      if (random_.Percent(20)) continue;
      if (random_.Percent(30))
        function.spec.repeat = random_.Percent(50) ? Repeat::kOnce : Repeat::kIdempotent;
      function.spec.concurrency_max = random_.Between(1, kConcurrencyMax);
    }
    const Runs::Surroundings surroundings{to_.scheduler, to_.journal, to_.oracle, &facts_, alive};
    auto made = std::make_shared<Function>();
    made->spec = function.spec;
    made->params = *kAnyParams;
    made->runnable = std::make_shared<Runs>(function, surroundings, random_.Fork(lives_));
    const absl::Status status = registry->Add(std::move(made));
    if (!status.ok()) to_.journal->Violated(CheckId::kBounds, status.ToString());
  }
  return registry;
}

void Server::Boot() {
  if (life_ != nullptr) return;
  const uint64_t number = lives_ + 1;
  const std::optional<Store::Opened> opened = to_.store->Open(index_, [this, number](StoreAnswer answer) {
    Give(number,
         [this, answer = std::move(answer)](Life* life) { life->engine.StoreAnswered(answer, Now()); });
  });
  if (!opened) return to_.scheduler->AfterMs(20, [this] { Boot(); });
  lives_ = number;
  held_.clear();
  EngineOptions options = to_.setup->engine;
  options.origin = {absl::StrCat("S", index_), number << 32 | (random_.Next() & 0xFFFFFFFFu)};
  auto alive = std::make_shared<bool>(true);
  facts_.owners = {opened->owner};
  life_ = std::make_unique<Life>(this, number, options, *opened, MakeRegistry(alive, Functions::kAsEver));
  life_->alive = std::move(alive);
  life_->registries.push_back(life_->engine.registry());
  to_.journal->Tell("S", index_, " starts as ", opened->owner);
  PlanTake();
  PlanTick();
  to_.scheduler->AfterMs(to_.setup->lease_ms / 3, [this, number] { Renew(number); });
}

void Server::Crash(Fault how) {
  if (life_ == nullptr) return;
  to_.journal->Strike(how);
  to_.journal->Tell("S", index_, ": ", FaultNames()[static_cast<size_t>(how)]);
  if (how != Fault::kStopped) {
    to_.store->Crash(index_);
  } else {
    to_.store->Close(index_);
  }
  *life_->alive = false;
  to_.oracle->LifeEnded(facts_);
  ended_ = std::move(life_);  // it may be what calls
  held_.clear();
  paused_until_ms_ = 0;
  to_.scheduler->AfterMs(random_.Between(1, 400), [this] { Boot(); });
}

void Server::Stop() {
  if (life_ == nullptr) return;
  life_->engine.Drain();
  to_.journal->Tell("S", index_, " drains");
  GiveLater(random_.Below(200'000), [this](Life* life) {
    to_.oracle->KillsAll(facts_);
    life->engine.KillAll(Now());
    to_.journal->Tell("S", index_, " kills all");
    Finish(life->number, to_.scheduler->now_ms() + kStopMs);
  });
}

void Server::Finish(uint64_t life, uint64_t until_ms) {
  if (life_ == nullptr || life_->number != life) return;
  if (life_->engine.IsIdle() && life_->outbox.empty() && !life_->take_planned) return Crash(Fault::kStopped);
  if (to_.scheduler->now_ms() > until_ms) return Crash(Fault::kKilled);
  to_.scheduler->AfterMs(5, [this, life, until_ms] { Finish(life, until_ms); });
}

void Server::Pause(uint64_t for_ms) {
  if (life_ == nullptr || IsPaused()) return;
  to_.journal->Strike(Fault::kPause);
  to_.journal->Tell("S", index_, " is paused for ", for_ms, " ms");
  paused_until_ms_ = to_.scheduler->now_ms() + for_ms;
  to_.scheduler->AfterMs(for_ms, [this, life = life_->number] {
    if (life_ != nullptr && life_->number == life) Resume();
  });
}

void Server::SwapFunctions() {
  if (life_ == nullptr) return;
  to_.journal->Strike(Fault::kSwap);
  to_.journal->Tell("S", index_, " gets other functions");
  Give(life_->number, [this](Life* life) {
    const Functions functions = healed_ || random_.Percent(30) ? Functions::kAsEver : Functions::kOthers;
    life->registries.push_back(MakeRegistry(life->alive, functions));
    life->engine.SetRegistry(life->registries.back());
  });
}

void Server::Resume() {
  to_.journal->Tell("S", index_, " goes on");
  const uint64_t life = life_->number;
  for (Input& input : std::exchange(held_, {})) Give(life, std::move(input));
  if (life_ == nullptr) return;
  PlanTake();
  PlanCarryOut();
  PlanTick();
}

void Server::Renew(uint64_t life) {
  if (life_ == nullptr || life_->number != life) return;
  to_.scheduler->AfterMs(std::max<uint64_t>(1, to_.setup->lease_ms / 3), [this, life] { Renew(life); });
  if (IsPaused()) return;
  const std::string owner = to_.store->Renew(index_);
  if (owner == facts_.owners.back()) return;
  to_.journal->Tell("S", index_, " has lost its lease, and is now ", owner);
  facts_.owners.push_back(owner);
  // Whoever drives the engine hears of it a little later.
  GiveLater(random_.Below(20'000), [owner](Life* now) { now->engine.SetOwner(owner); });
}

void Server::GiveLater(uint64_t delay_us, Input input) {
  if (life_ == nullptr) return;
  to_.scheduler->After(delay_us, [this, life = life_->number, input = std::move(input)]() mutable {
    Give(life, std::move(input));
  });
}

void Server::Give(uint64_t life, Input input) {
  if (life_ == nullptr || life_->number != life) return;
  if (IsPaused()) return held_.push_back(std::move(input));
  if (CrashesNow(Fault::kCrashBeforeInput)) return;
  input(life_.get());
  if (life_ == nullptr || CrashesNow(Fault::kCrashAfterInput)) return;
  CheckBounds();
  PlanTake();
  PlanTick();
}

bool Server::CrashesNow(Fault where) {
  if (healed_ || !random_.PerMille(to_.setup->rates.crash)) return false;
  Crash(where);
  return true;
}

void Server::CheckBounds() {
  for (const auto& [name, function] : life_->engine.registry()->functions()) {
    const size_t running = life_->engine.Running(name);
    const size_t waiting = life_->engine.Waiting(name);
    to_.journal->Expect(
        CheckId::kBounds,
        running <= to_.setup->ConcurrencyMax(function->spec) && waiting <= function->spec.queue_max, name,
        " at S", index_, ": ", running, " run, ", waiting, " wait");
    if (waiting > 0) to_.journal->Count("calls seen waiting for a place");
  }
}

void Server::PlanTick() {
  const uint64_t next_ms = life_->engine.NextTickMs();
  if (next_ms == UINT64_MAX) return;
  if (life_->tick_at_ms && *life_->tick_at_ms <= next_ms) return;
  life_->tick_at_ms = next_ms;
  const uint64_t now_ms = Now().steady_ms;
  const uint64_t delay_ms = next_ms > now_ms ? next_ms - now_ms : 0;
  GiveLater(delay_ms * 1000 + random_.Below(2000), [this, next_ms](Life* life) {
    if (life->tick_at_ms != next_ms) return;
    life->tick_at_ms.reset();
    life->engine.Tick(Now());
    life->busy_ticks = life->engine.NextTickMs() <= Now().steady_ms ? life->busy_ticks + 1 : 0;
    to_.journal->Expect(CheckId::kLiveness, life->busy_ticks < kBusyTicksMax, "S", index_,
                        " asks for a tick again and again");
  });
}

void Server::Receive(const Request& request) {
  if (life_ == nullptr) return;  // a connection that is refused: the client's attempt times out
  Give(life_->number, [this, request](Life* life) {
    to_.journal->Tell("S", index_, request.kind == Request::Kind::kCall ? " is called: " : " is asked: ",
                      ToString(request.id), " ", request.What(), " by attempt ", request.attempt);
    to_.oracle->Asked(request);
    switch (life->clock.Observe(request.clock)) {
      case LamportClock::Observed::kOk:
        break;
      case LamportClock::Observed::kTooFarAhead:
      case LamportClock::Observed::kNeedsReservation:
        to_.journal->Strike(Fault::kClockJump);
        life->engine.Reserve(request.clock);
        return Respond(request, life->clock.now(),
                       MakeError(absl::StatusCode::kUnavailable, "CLOCK", "not reserved yet"), Final::kYes);
    }
    const CallerId caller = life->next_caller++;
    life->callers[caller].request = request;
    if (request.kind == Request::Kind::kLook) {
      life->engine.Look(caller, request.id, Now());
    } else {
      life->engine.Call(
          caller, {request.id, request.method, request.params, request.client_id, request.watermark}, Now());
    }
    GiveLater(request.timeout_ms * 1000, [this, caller](Life* now) { Leave(now, caller); });
  });
}

void Server::Cancel(uint64_t attempt) {
  if (life_ == nullptr) return;
  Give(life_->number, [this, attempt](Life* life) {
    std::vector<CallerId> gone;
    for (const auto& [number, caller] : life->callers) {
      if (caller.request.attempt == attempt) gone.push_back(number);
    }
    for (const CallerId caller : gone) Leave(life, caller);
  });
}

void Server::Leave(Life* life, CallerId caller) {
  const auto it = life->callers.find(caller);
  if (it == life->callers.end() || it->second.left) return;
  to_.journal->Strike(Fault::kLeft);
  it->second.left = true;
  it->second.left_at_take = life->takes;
  life->engine.Leave(caller, Now());
}

bool Server::IsPaused() const {
  return to_.scheduler->now_ms() < paused_until_ms_;
}

bool Server::IsIdle() const {
  return life_ != nullptr && !IsPaused() && life_->engine.IsIdle() && life_->outbox.empty() &&
         !life_->take_planned;
}

}  // namespace lamppost::rpc::sim
