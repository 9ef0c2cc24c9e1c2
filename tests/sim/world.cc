#include "tests/sim/world.h"
#include "services/kv/core/limits.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/kv/core/check.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/salvage.h"
#include "services/kv/core/testing/store_audit.h"
#include "tests/history/checks.h"
#include "tests/sim/faults.h"

namespace lamppost::sim {
namespace {

constexpr uint64_t kStrikeAgainMs = 20;
constexpr uint64_t kComesToNothingMs = 2500;
// How much longer than planned the faults may last until each has struck.
constexpr uint64_t kOvertimeMs = 60000;
constexpr uint64_t kRoundMs = 250;

}  // namespace

// Keeps what the world itself has to know.
class World::Bookkeeper : public Observer {
 public:
  explicit Bookkeeper(World* world) : world_(world) {}

  void OnRefused(NodeIndex, uint64_t, uint64_t) override { world_->Struck("forge"); }
  void OnMishap(const Packet&, const Mishap& mishap) override {
    const bool is_certain = mishap.kind != Mishap::Kind::kDelayed;  // a slow link delays messages, too
    if (mishap.cause == Mishap::Cause::kLinkFault && is_certain) world_->Struck("lossy-link");
  }
  void OnCommitFailed(NodeIndex, const kv::Output&) override { ++world_->tally_.other["failed commits"]; }
  void OnStopped(NodeIndex, Loss, size_t lost) override {
    if (lost > 0) world_->tally_.other["batches lost with the power"] += lost;
  }
  void OnCommitted(NodeIndex, const kv::Output& output) override {
    if (!output.batch.empty()) ++world_->tally_.other["commits"];
    for (const Facts::Removed& removed : world_->facts_.removed()) {
      ++world_->tally_.other[removed.is_tombstone ? "tombstones dropped" : "values dropped by a full Sync"];
    }
    for (const kv::OutgoingMessage& outgoing : output.messages) {
      if (outgoing.message.full && outgoing.message.last) ++world_->tally_.other["full Syncs"];
      if (outgoing.message.repair_buckets != 0 && outgoing.message.last) ++world_->tally_.other["repairs"];
    }
    world_->tally_.other["messages"] += output.messages.size() + output.answers.size();
  }
  void OnOperation(const history::Operation& operation) override {
    if (operation.outcome == history::Outcome::kOk && operation.kind == history::Kind::kWrite) {
      for (const history::Item& item : operation.items) world_->acknowledged_deletes_ += item.value ? 0 : 1;
    }
    if (operation.client >= world_->plan_.clients && operation.error == "OVERLOADED") world_->Struck("flood");
    world_->history_.operations.push_back(operation);
  }

 private:
  World* const world_;
};

World::World(const Plan& plan, const std::vector<Observer*>& observers)
    : plan_(plan),
      random_(plan.seed),
      scheduler_(plan.events_max),
      findings_(&tally_, &observers_),
      facts_(plan),
      checks_(AllChecks(&facts_, &findings_)),
      bookkeeper_(std::make_unique<Bookkeeper>(this)) {
  observers_.Add(&facts_);
  for (const std::unique_ptr<Check>& check : checks_) observers_.Add(check.get());
  observers_.Add(bookkeeper_.get());
  for (Observer* observer : observers) observers_.Add(observer);

  network_ = std::make_unique<Network>(plan_, random_.Fork('n'), &scheduler_, &tally_, &observers_);
  std::vector<Endpoint*> endpoints;
  for (NodeIndex i = 0; i < plan_.machines(); ++i) {
    Node::Surroundings surroundings;
    surroundings.scheduler = &scheduler_;
    surroundings.network = network_.get();
    surroundings.observer = &observers_;
    surroundings.reply = [this](sim::Reply reply) { Reply(std::move(reply)); };
    surroundings.on_self_stop = [this](NodeIndex node, Loss) { OnSelfStop(node); };
    nodes_.push_back(std::make_unique<Node>(i, plan_, random_.Fork(i), std::move(surroundings)));
    endpoints.push_back(nodes_.back().get());
  }
  network_->Attach(std::move(endpoints));
  facts_.Watch(&nodes_);
  facts_.Watch(&scheduler_);
  for (ClientIndex i = 0; i < plan_.clients + kFlooders; ++i) {
    const auto send = [this](NodeIndex node, Request request) { Deliver(node, std::move(request)); };
    clients_.push_back(std::make_unique<Client>(i, plan_, random_.Fork(1000 + i),
                                                Client::Surroundings{&scheduler_, &observers_, send}));
  }
}

World::~World() = default;

void World::Tell(const std::string& what) {
  observers_.OnTold(what);
}

void World::Struck(const std::string& fault) {
  if (!healed_) ++tally_.strikes[fault];
}

// ---- Processes

void World::StartNode(NodeIndex index) {
  Node* node = nodes_[index].get();
  if (node->IsUp()) return;
  absl::Status status = node->Start();
  if (status.code() == absl::StatusCode::kDataLoss) {
    SalvageDisk(index);
    status = node->Start();
  }
  if (!status.ok())
    findings_.Violated("I14", absl::StrCat("node ", NodeId(index), " does not start: ", status.message()));
}

void World::ReplaceDisk(NodeIndex index) {
  Tell(absl::StrCat("the damaged disk of ", NodeId(index), " is replaced"));
  nodes_[index]->ExchangeDisk(std::make_unique<Disk>());
}

// What an operator does about a damaged disk: an empty one, or what is left of it.
void World::SalvageDisk(NodeIndex node) {
  if (random_.Percent(50)) return ReplaceDisk(node);
  std::unique_ptr<Disk> rest = nodes_[node]->disk()->WithoutDamage();
  kv::Salvage salvage(rest.get());
  while (true) {
    kv::WriteBatch batch;
    const absl::StatusOr<bool> more = salvage.Next(&batch);
    if (!more.ok()) return ReplaceDisk(node);
    if (!*more) break;
    LAMPPOST_CHECK(rest->Commit(batch, kv::Durability::kSync).ok(), "a salvage cannot be written");
  }
  ++tally_.other["disks salvaged"];
  Tell(absl::StrCat("what is left of the disk of ", NodeId(node), " is salvaged"));
  nodes_[node]->ExchangeDisk(std::move(rest));
}

void World::StartAfter(NodeIndex node, uint64_t down_ms) {
  scheduler_.AfterMs(down_ms, [this, node] { StartNode(node); });
}

void World::ExchangeDisk(NodeIndex node, std::unique_ptr<Disk> disk, uint64_t down_ms) {
  stops_.erase(node);
  nodes_[node]->Crash(Loss::kProcess, Notice::kSoon);
  nodes_[node]->ExchangeDisk(std::move(disk));
  StartAfter(node, down_ms);
}

void World::Kill(NodeIndex node, Loss loss, uint64_t down_ms) {
  stops_.erase(node);  // what was to end it has been overtaken
  nodes_[node]->Crash(loss, random_.Percent(50) ? Notice::kSoon : Notice::kByKeepalive);
  StartAfter(node, down_ms);
}

void World::WillStop(NodeIndex node, const std::string& fault, uint64_t down_ms) {
  stops_[node] = {fault, down_ms};
}

void World::OnSelfStop(NodeIndex node) {
  Stop stop;
  const auto it = stops_.find(node);
  if (it != stops_.end()) {
    stop = it->second;
    stops_.erase(it);
    Struck(stop.fault);
  }
  Tell(absl::StrCat("the process of ", NodeId(node), " ends (", stop.fault, ")"));
  StartAfter(node, healed_ ? 1 : stop.down_ms);
}

// ---- Clients

void World::Deliver(NodeIndex node, Request request) {
  const uint64_t latency_us = random_.Between(plan_.latency_min_us, plan_.latency_max_us);
  scheduler_.After(latency_us, [this, node, request = std::move(request)]() mutable {
    if (nodes_[node]->IsServing()) return nodes_[node]->OnRequest(std::move(request));
    sim::Reply refused;
    refused.client = request.client;
    refused.attempt = request.attempt;
    refused.clock = request.clock;
    refused.status = MakeError(absl::StatusCode::kUnavailable, "CONNECTION_REFUSED", "nobody is there");
    Reply(std::move(refused));
  });
}

void World::Reply(sim::Reply reply) {
  if (reply.client >= clients_.size()) return;
  if (reply.status.ok() && reply.written.version.counter > 0 && network_->Strikes(Rate::kLoseReply)) return;
  const uint64_t latency_us = random_.Between(plan_.latency_min_us, plan_.latency_max_us);
  scheduler_.After(latency_us, [this, reply = std::move(reply)] { clients_[reply.client]->OnReply(reply); });
}

// ---- The run

void World::Strike(const sim::Strike& strike) {
  const Fault* fault = FindFault(strike.fault);
  if (!healed_ && !fault->strike(this, strike)) {
    scheduler_.AfterMs(kStrikeAgainMs, [this, strike] { Strike(strike); });
    return;
  }
  // It may come to nothing, and is then done again.
  scheduler_.AfterMs(strike.for_ms + kComesToNothingMs, [this, strike] {
    if (!healed_ && tally_.strikes.count(strike.fault) == 0) Strike(strike);
  });
}

void World::LiveThroughFaults() {
  for (const Errand& errand : plan_.errands) {
    scheduler_.At(errand.at_ms * 1000, [this, &errand] { clients_[errand.client]->Take(errand); });
  }
  for (const sim::Strike& strike : plan_.strikes) {
    scheduler_.At(strike.at_ms * 1000, [this, &strike] { Strike(strike); });
  }
  scheduler_.RunUntil(plan_.faults_end_ms * 1000);
  const uint64_t overtime_end_us = (plan_.faults_end_ms + kOvertimeMs) * 1000;
  while (!IdleFaults().empty() && scheduler_.now_us() < overtime_end_us) {
    Busy(random_.Below(plan_.nodes));
    scheduler_.RunUntil(scheduler_.now_us() + kRoundMs * 1000);
  }
}

void World::Busy(NodeIndex node) {
  Errand errand;
  errand.client = plan_.clients + random_.Below(kFlooders);
  errand.node = node;
  errand.keys = {random_.Below(5)};
  clients_[errand.client]->Take(errand);
}

void World::Heal() {
  healed_ = true;
  for (const std::unique_ptr<Client>& client : clients_) client->Retire();
  Tell("all heals");
  observers_.OnHealed();
  network_->Heal();
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    Node* node = nodes_[i].get();
    node->Resume();
    node->SlowDisk(0);
    node->RunTimeAt(100);
    node->SetWallRight();
    node->SetDiskFull(std::nullopt);
    node->disk()->FailNext(Disk::Failure::kNone);
    node->Disarm();
    if (node->disk()->IsDamaged()) {
      node->Crash(Loss::kProcess, Notice::kSoon);
      SalvageDisk(i);
    }
    StartNode(i);
  }
}

// What an operator does who wants all nodes to be members: he empties the disks of those that were removed,
// and adds whoever is none.
void World::TendMembers() {
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i]->IsUp() && nodes_[i]->replica().state().removed) {
      Tell(absl::StrCat("the disk of ", NodeId(i), ", which was removed, is emptied"));
      ExchangeDisk(i, std::make_unique<Disk>(), 1);
      continue;
    }
    const NodeIndex at = MemberBeside(i);
    if (nodes_[at]->HasMember(i)) continue;
    EmptyIfItHoldsData(i);
    nodes_[at]->ChangeMembers(i, Node::Change::kAdd);
  }
}

// AddMember refuses a node that holds data: nobody waited for it before deletions were forgotten.
void World::EmptyIfItHoldsData(NodeIndex node) {
  if (!nodes_[node]->IsUp() || nodes_[node]->replica().state().max_write == 0) return;
  Tell(absl::StrCat("the disk of ", NodeId(node), ", which is no member, is emptied"));
  ExchangeDisk(node, std::make_unique<Disk>(), 1);
}

// One that nobody refuses, if there is one: others may have been removed themselves, and have an empty disk
// now.
NodeIndex World::MemberBeside(NodeIndex node) const {
  NodeIndex best = node;
  size_t least_refusals = SIZE_MAX;
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    if (i == node || !nodes_[i]->IsServing() || nodes_[i]->replica().state().removed) continue;
    const std::vector<kv::Peer>& peers = nodes_[i]->replica().peers();
    const auto refusals =
        static_cast<size_t>(std::count_if(peers.begin(), peers.end(), [](const kv::Peer& peer) {
          return !peer.retired && peer.state == kv::LinkState::kRefused;
        }));
    if (refusals >= least_refusals) continue;
    best = i;
    least_refusals = refusals;
  }
  return best;
}

void World::ChangeMembers(NodeIndex at, NodeIndex other, Node::Change change, const std::string& fault) {
  Tell(absl::StrCat(NodeId(at), " is to ", change == Node::Change::kAdd ? "add " : "remove ", NodeId(other)));
  if (change == Node::Change::kAdd && !nodes_[at]->HasMember(other)) EmptyIfItHoldsData(other);
  nodes_[at]->ChangeMembers(other, change);
  AwaitChange(at, other, change, fault);
}

void World::AwaitChange(NodeIndex at, NodeIndex other, Node::Change change, const std::string& fault) {
  scheduler_.AfterMs(kRoundMs, [this, at, other, change, fault] {
    if (healed_ || !nodes_[at]->IsUp()) return;
    const bool done = nodes_[at]->HasMember(other) == (change == Node::Change::kAdd);
    if (done) return Struck(fault);
    AwaitChange(at, other, change, fault);
  });
}

bool World::IsSettled() const {
  for (const std::unique_ptr<Node>& node : nodes_) {
    if (!node->IsSettled()) return false;
  }
  for (const std::unique_ptr<Client>& client : clients_) {
    if (!client->IsIdle()) return false;
  }
  return true;
}

std::string World::WhatIsNotSettled() const {
  std::string what = "not at rest:";
  for (ClientIndex i = 0; i < clients_.size(); ++i) {
    if (!clients_[i]->IsIdle()) absl::StrAppend(&what, " client ", i, " waits;");
  }
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i]->IsUp()) {
      absl::StrAppend(&what, "\n  ", NodeId(i), " is down");
      continue;
    }
    const kv::Replica& replica = nodes_[i]->replica();
    absl::StrAppend(&what, "\n  ", ToString(replica.me()), " heads {", ToString(replica.heads()), "} hash ",
                    kv::ToHex(replica.state().hash.Total()).substr(24), ", ", nodes_[i]->waiting_writes(),
                    " writes wait");
    for (const kv::Peer& peer : replica.peers()) {
      absl::StrAppend(&what, "\n    ", peer.address, " state ", static_cast<int>(peer.state), " ",
                      peer.detail, " heads {", ToString(peer.heads), "}");
    }
  }
  return what;
}

// A node that has lost its disk may be given one version in each round trip, the entries of the ledger
// included. Each errand may turn out to have met another one only now.
uint64_t World::SettleUs() const {
  size_t entries = plan_.errands.size();
  for (const auto& node : nodes_) {
    if (node->IsUp()) entries = std::max(entries, node->replica().ledger().size());
  }
  return kSettleMs * 1000 + 2 * entries * (2 * plan_.latency_max_us + 2 * plan_.commit_max_us);
}

bool World::Settle() {
  const uint64_t end_us = scheduler_.now_us() + SettleUs();
  while (scheduler_.now_us() < end_us) {
    scheduler_.RunUntil(scheduler_.now_us() + kRoundMs * 1000);
    if (IsSettled()) return true;
    TendMembers();
  }
  observers_.OnNotSettled(WhatIsNotSettled());
  return false;
}

std::vector<std::string> World::IdleFaults() const {
  std::set<std::string> idle;
  for (const sim::Strike& strike : plan_.strikes) {
    if (tally_.strikes.count(strike.fault) == 0) idle.insert(strike.fault);
  }
  for (size_t i = 0; i < kRates; ++i) {
    const Rate rate = static_cast<Rate>(i);
    if (rate != Rate::kRecode && plan_.rates[i] > 0 && tally_.rates[i] == 0) idle.insert(NameOf(rate));
  }
  return {idle.begin(), idle.end()};
}

history::History World::TakeHistory() {
  history_.disk_losses = facts_.losses();
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    history::Contents& contents = history_.final_contents[NodeId(i)];
    for (auto& [key, version] : kv::testing::Dump(*nodes_[i]->disk(), kv::testing::Tombstones::kLeftOut)) {
      if (kv::IsSystemKey(key) || facts_.IsRotten(key)) continue;
      history::Item& item = contents[key];
      item.key = key;
      item.value = version.value->bytes;
      item.version = version.timestamp;
    }
  }
  // Of what a disk has lost without a sign nothing can be asked.
  const auto is_rotten = [this](const history::Item& item) { return facts_.IsRotten(item.key); };
  for (history::Operation& operation : history_.operations) {
    std::vector<history::Item>& items = operation.items;
    items.erase(std::remove_if(items.begin(), items.end(), is_rotten), items.end());
  }
  return std::move(history_);
}

Result World::Run() {
  Result result;
  for (NodeIndex i = 0; i < plan_.nodes; ++i) StartNode(i);
  LiveThroughFaults();
  result.idle_faults = IdleFaults();
  tally_.other["faults that never struck"] += result.idle_faults.size();
  const uint64_t healed_ms = scheduler_.now_ms();
  Heal();
  bool settled = Settle();
  result.settle_ms = scheduler_.now_ms() - healed_ms;
  if (settled) {
    network_->ReleaseLate();
    scheduler_.RunUntil(scheduler_.now_us() + 1500000);
    settled = Settle();
  }
  if (settled) {
    observers_.OnEnd();
    result.history = TakeHistory();
    for (const history::Violation& violation : history::Check(result.history)) {
      findings_.Violated(violation.invariant, absl::StrCat("as clients see it: ", violation.what));
    }
  }
  if (scheduler_.IsExhausted()) {
    findings_.Violated("I14", absl::StrCat("is not at rest after ", scheduler_.events(), " events"));
  }
  checks_.clear();  // they say how much they have looked at
  result.violations = findings_.violations();
  result.tally = tally_;
  result.events = scheduler_.events();
  return result;
}

}  // namespace lamppost::sim
