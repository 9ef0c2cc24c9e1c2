#include "tests/rpc_sim/world.h"

#include <algorithm>
#include <utility>

namespace lamppost::rpc::sim {

bool Played::Violates(const std::string& check) const {
  return std::any_of(violations.begin(), violations.end(),
                     [&](const Violation& violation) { return violation.check == check; });
}

std::string Played::WhatIsWrong() const {
  std::string text;
  for (const Violation& violation : violations) {
    absl::StrAppend(&text, "  ", violation.check, ": ", violation.what, "\n");
  }
  return text;
}

World::World(const Setup& setup, std::ostream* trace)
    : setup_(setup),
      random_(setup.seed ^ 0x5EED),
      network_random_(setup.seed ^ 0x1E77E5),
      journal_(&scheduler_, trace),
      oracle_(setup_, &journal_) {
  MakeServers();
  MakeClients();
  oracle_.SetIsAlive([this](const std::string& owner) {
    return std::any_of(stores_.begin(), stores_.end(),
                       [&](const std::unique_ptr<Store>& store) { return store->IsAlive(owner); });
  });
}

void World::MakeServers() {
  const Store::Surroundings around_store{&setup_, &scheduler_, &journal_, &oracle_};
  if (setup_.store == StoreKind::kShared) {
    auto store = std::make_unique<SharedStore>(around_store, random_.Fork(100));
    shared_store_ = store.get();
    stores_.push_back(std::move(store));
  }
  for (size_t i = 0; i < setup_.servers; ++i) {
    if (shared_store_ == nullptr) {
      stores_.push_back(std::make_unique<LocalStore>(around_store, random_.Fork(100 + i)));
    }
    const Server::Surroundings surroundings{
        &setup_,  &scheduler_,          &journal_,
        &oracle_, stores_.back().get(), [this](const Response& response) {
                                              Respond(response); }};
    servers_.push_back(std::make_unique<Server>(i, surroundings, random_.Fork(200 + i)));
    servers_.back()->Boot();
  }
}

void World::MakeClients() {
  for (size_t i = 0; i < setup_.clients; ++i) {
    Client::Surroundings surroundings{&setup_, &scheduler_, &journal_, &calls_, {}, {}};
    surroundings.send = [this](size_t server, const Request& request) { Send(server, request); };
    surroundings.cancel = [this](size_t server, uint64_t attempt) {
      scheduler_.After(network_random_.Between(100, 5000),
                       [this, server, attempt] { servers_[server]->Cancel(attempt); });
    };
    clients_.push_back(std::make_unique<Client>(i, surroundings, random_.Fork(300 + i)));
  }
}

void World::PlanJobs() {
  const auto begin = [this] { clients_[random_.Below(clients_.size())]->Begin(); };
  size_t left = setup_.jobs;
  for (size_t i = 0; i < setup_.bursts && left > 10; ++i, left -= 10) {
    const uint64_t at_ms = random_.Below(setup_.active_ms);
    for (size_t j = 0; j < 10; ++j) scheduler_.AfterMs(at_ms + random_.Below(20), begin);
  }
  for (; left > 0; --left) scheduler_.AfterMs(random_.Below(setup_.active_ms), begin);
}

void World::Often(size_t times, std::function<void()> strike) {
  for (size_t i = 0; i < times; ++i) scheduler_.AfterMs(random_.Below(setup_.active_ms), strike);
}

void World::PlanFaults() {
  const auto any = [this]() -> Server& { return *servers_[random_.Below(servers_.size())]; };
  Often(setup_.pauses, [this, any] { any().Pause(random_.Between(1, 3 * setup_.lease_ms)); });
  Often(setup_.kills, [any] { any().Crash(Fault::kKilled); });
  Often(setup_.stops, [any] { any().Stop(); });
  Often(setup_.wall_jumps, [this, any] {
    journal_.Strike(Fault::kWallJump);
    any().MoveWall(static_cast<int64_t>(random_.Below(8000)) - 4000);
  });
  Often(setup_.swaps, [any] { any().SwapFunctions(); });
  Often(setup_.client_crashes,
        [this] { clients_[random_.Below(clients_.size())]->Crash(random_.Between(1, 600)); });
  if (shared_store_ == nullptr) return;
  Often(setup_.cuts, [this] {
    journal_.Strike(Fault::kCut);
    shared_store_->Cut(random_.Below(setup_.servers), random_.Between(50, 3 * setup_.lease_ms));
  });
  Often(setup_.outages, [this] {
    journal_.Strike(Fault::kOutage);
    shared_store_->GoDown(random_.Between(50, 1500));
  });
}

void World::Send(size_t server, const Request& request) {
  const auto chance = [this](uint64_t per_mille) { return !healed_ && network_random_.PerMille(per_mille); };
  const auto arrive_after = [&](uint64_t delay_us) {
    const uint64_t at_us = scheduler_.now_us() + delay_us;
    if (at_us < last_arrival_us_) journal_.Strike(Fault::kOvertaken);
    last_arrival_us_ = at_us;
    scheduler_.At(at_us, [this, server, request] { servers_[server]->Receive(request); });
  };
  if (chance(setup_.rates.repeated)) {
    journal_.Strike(Fault::kRepeated);
    arrive_after(network_random_.Below(300'000));
  }
  if (chance(setup_.rates.repeated_late)) {
    journal_.Strike(Fault::kRepeatedLate);
    arrive_after((setup_.engine.sweeper.retention_ms + network_random_.Below(2000)) * 1000);
  }
  if (chance(setup_.rates.request_lost)) return journal_.Strike(Fault::kRequestLost);
  const bool slow = chance(setup_.rates.slow);
  if (slow) journal_.Strike(Fault::kSlow);
  arrive_after(slow ? network_random_.Below(1'000'000) : network_random_.Between(100, 5000));
}

void World::Respond(const Response& response) {
  if (!healed_ && network_random_.PerMille(setup_.rates.reply_lost))
    return journal_.Strike(Fault::kReplyLost);
  scheduler_.After(network_random_.Between(100, 5000),
                   [this, response] { clients_[response.client]->Receive(response); });
}

bool World::RunUntil(uint64_t time_ms) {
  while (scheduler_.now_ms() < time_ms && scheduler_.events() < kEventsMax) {
    scheduler_.RunUntil(scheduler_.now_us() + 10'000);
  }
  if (scheduler_.events() < kEventsMax) return true;
  journal_.Violated(CheckId::kLiveness,
                    absl::StrCat("more than ", kEventsMax, " events by ", scheduler_.now_ms(), " ms"));
  return false;
}

bool World::IsIdle() const {
  return std::all_of(servers_.begin(), servers_.end(), [](const auto& server) { return server->IsIdle(); }) &&
         std::all_of(clients_.begin(), clients_.end(), [](const auto& client) { return client->IsIdle(); });
}

void World::Settle() {
  healed_ = true;
  for (const auto& server : servers_) server->Heal();
  for (const auto& store : stores_) store->Heal();
  for (const auto& client : clients_) client->Heal();
  journal_.Tell("all faults have ended");
  // Until the last late question has been asked, and the last late repetition has come.
  const uint64_t quiet_ms = scheduler_.now_ms() + setup_.engine.sweeper.retention_ms + 3500;
  if (!RunUntil(quiet_ms)) return;
  const uint64_t limit_ms = quiet_ms + kSettleMs;
  while (!IsIdle() && scheduler_.now_ms() < limit_ms) {
    if (!RunUntil(scheduler_.now_ms() + 20)) return;
  }
  settle_ms_ = scheduler_.now_ms() - quiet_ms;
  for (const auto& client : clients_) {
    journal_.Expect(CheckId::kLiveness, client->IsIdle(), client->Describe());
  }
  for (size_t i = 0; i < servers_.size(); ++i) {
    journal_.Expect(CheckId::kLiveness, servers_[i]->IsIdle(), "S", i, " is not idle");
  }
  if (!IsIdle()) return;
  for (const auto& store : stores_) oracle_.AtRest(store->table().records());
}

Played World::Run() {
  journal_.Tell(setup_.servers, " servers, ",
                setup_.store == StoreKind::kShared ? "one store" : "each a store", ", ids kept for ",
                setup_.engine.sweeper.retention_ms, " ms");
  PlanJobs();
  PlanFaults();
  if (RunUntil(setup_.active_ms)) Settle();
  Played played;
  played.violations = journal_.violations();
  played.tally = journal_.tally();
  played.events = scheduler_.events();
  played.settle_ms = settle_ms_;
  played.hash = journal_.hash();
  return played;
}

Played Play(uint64_t seed, std::ostream* trace) {
  return World(DrawSetup(seed), trace).Run();
}

}  // namespace lamppost::rpc::sim
