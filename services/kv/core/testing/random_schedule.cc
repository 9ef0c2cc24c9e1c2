#include "services/kv/core/testing/random_schedule.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/kv/core/check.h"
#include "services/kv/core/testing/trace.h"

namespace lamppost::kv::testing {
namespace {

constexpr int kSettleRounds = 120;  // of 250 ms: what is pending must be done within half a minute

template <typename Value, size_t kSize>
Value Pick(const Value (&values)[kSize], uint64_t number) {
  return values[number % kSize];
}

}  // namespace

RandomSchedule::RandomSchedule(uint64_t seed, std::ostream* trace)
    : trace_(trace), random_(seed * 0x2545F4914F6CDD1Du + 1), loses_disks_(seed % 2 == 1) {
  const size_t nodes = Pick({2, 3, 3, 4, 5}, Below(5));
  std::vector<std::string> ids;
  for (size_t i = 0; i < nodes; ++i) ids.push_back(std::string(1, static_cast<char>('A' + i)));
  Tuning tuning;
  tuning.seed = seed;
  tuning.chunk_bytes = Pick({uint64_t{1}, uint64_t{60}, uint64_t{300}, uint64_t{1} << 17}, Below(4));
  tuning.window_bytes = Pick({uint64_t{1}, uint64_t{200}, uint64_t{2000}, uint64_t{1} << 22}, Below(4));
  tuning.live_gather_ms = Pick({uint64_t{0}, uint64_t{5}, uint64_t{100}, uint64_t{1000}}, Below(4));
  cluster_ = std::make_unique<Cluster>(FullMesh(ids), tuning, this);
  oracle_.Watch(cluster_.get());
  const size_t keys = Pick({1, 2, 4, 8, 30}, Below(5));
  for (size_t i = 0; i < keys; ++i) keys_.push_back(absl::StrCat("k", i));
}

void RandomSchedule::Say(const std::string& what) {
  if (trace_ != nullptr) *trace_ << what << "\n";
}

void RandomSchedule::OnCommitted(NodeIndex node, const Output& output, CrashPoint crash) {
  oracle_.OnCommitted(node, output, crash);
  if (trace_ == nullptr) return;
  for (const std::string& line : DescribeGroup(*cluster_, node, output, crash, Detail::kAll)) Say(line);
}

void RandomSchedule::OnReceived(NodeIndex node, const Packet& packet) {
  oracle_.OnReceived(node, packet);
  if (trace_ != nullptr) Say(absl::StrCat("  takes ", Describe(packet, *cluster_)));
}

uint64_t RandomSchedule::Below(uint64_t bound) {
  random_ += 0x9E3779B97F4A7C15u;
  uint64_t z = random_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return (z ^ (z >> 31)) % bound;
}

std::string RandomSchedule::Run() {
  for (NodeIndex node = 0; node < cluster_->size(); ++node) {
    LAMPPOST_CHECK(cluster_->Start(node).ok(), "a node does not start on an empty disk");
  }
  const int epochs = Pick({1, 2, 4}, Below(3));
  for (int epoch = 0; epoch < epochs && oracle_.violation().empty(); ++epoch) {
    Epoch();
    if (oracle_.violation().empty()) Quiet();
  }
  if (oracle_.violation().empty() && !limbo_.empty()) Quiet();
  return oracle_.violation();
}

void RandomSchedule::Epoch() {
  drop_percent_ = Pick({0, 5, 30}, Below(3));
  repeat_percent_ = Pick({0, 10, 40}, Below(3));
  late_percent_ = Pick({0, 5, 30}, Below(3));
  reorders_ = Chance(70);
  for (Packet& packet : limbo_) cluster_->wire().push_back(std::move(packet));
  limbo_.clear();
  const int steps = Pick({30, 100, 300, 900}, Below(4));
  for (int step = 0; step < steps && oracle_.violation().empty(); ++step) Step();
}

void RandomSchedule::Step() {
  const uint64_t draw = Below(1000);
  if (draw < 200) return Write();
  if (draw < 720) return Deliver();
  if (draw < 880) return Pass();
  if (draw < 910) return ToggleCut();
  if (draw < 950) return CrashOrStart();
  if (draw < 960) return cluster_->Connect();
  if (draw < 970) return LeapOrDeliverAll();
  if (!loses_disks_) return;
  if (draw < 985) {
    const NodeIndex node = NodeWithBadDisk();
    Say(absl::StrCat("copy of the disk of ", cluster_->spec(node).address));
    copies_[node] = cluster_->CopyDisk(node);
    return;
  }
  if (draw < 993) LoseDisk();
}

void RandomSchedule::LeapOrDeliverAll() {
  if (Chance(40)) {
    cluster_->Advance(10000);
    return Hit("time leap");
  }
  for (size_t count = cluster_->wire().size(); count > 0; --count) Deliver();
}

// Only a minority of the nodes ever loses its disk.
NodeIndex RandomSchedule::NodeWithBadDisk() {
  return Below(std::max<size_t>(1, (cluster_->size() - 1) / 2));
}

CrashPoint RandomSchedule::DrawCrash() {
  const uint64_t draw = Below(100);
  if (draw >= 3) return CrashPoint::kNone;
  Hit("crash in a group");
  return draw == 0 ? CrashPoint::kBeforeCommit : CrashPoint::kBeforeSend;
}

Proposal RandomSchedule::NewProposal() {
  Proposal proposal;
  if (!named_.empty() && Chance(8)) {
    proposal = named_[Below(named_.size())];
    Hit("request repeated");
  } else {
    std::vector<std::string> keys = keys_;
    const size_t count = std::min<size_t>(keys.size(), Pick({1, 1, 1, 2, 3}, Below(5)));
    for (size_t i = 0; i < count; ++i) {
      const size_t chosen = Below(keys.size());
      Operation operation;
      operation.key = keys[chosen];
      if (!Chance(35)) operation.value = Value{Value::Kind::kText, absl::StrCat("v", next_proposal_)};
      proposal.operations.push_back(std::move(operation));
      keys.erase(keys.begin() + static_cast<std::ptrdiff_t>(chosen));
    }
    if (Chance(15)) proposal.request_id = absl::StrCat("r", next_proposal_);
  }
  proposal.id = next_proposal_++;
  if (!proposal.request_id.empty()) named_.push_back(proposal);
  return proposal;
}

void RandomSchedule::Write() {
  const NodeIndex node = AnyNode();
  if (!cluster_->IsUp(node)) return;
  std::vector<Proposal> proposals;
  for (uint64_t i = 0, count = 1 + Below(3); i < count; ++i) {
    proposals.push_back(NewProposal());
    oracle_.OnProposed(node, proposals.back());
  }
  const auto propose = [&](Replica* replica) {
    for (Proposal& proposal : proposals) replica->Propose(std::move(proposal));
  };
  cluster_->Run(node, propose, DrawCrash());
  Hit("write");
}

// One packet, or all that lie on the wire for its receiver, in one group.
void RandomSchedule::Deliver() {
  std::deque<Packet>& wire = cluster_->wire();
  if (wire.empty()) return;
  const NodeIndex node = wire[reorders_ ? Below(wire.size()) : 0].to;
  const size_t count = Chance(70) ? 1 : 1 + Below(5);
  std::vector<Packet> taken;
  for (size_t tries = 0; tries < 3 * count && taken.size() < count && !wire.empty(); ++tries) {
    const size_t at = reorders_ ? Below(wire.size()) : 0;
    if (wire[at].to != node) continue;
    Packet packet = wire[at];
    if (Chance(repeat_percent_)) {
      Hit("repeated");
    } else {
      wire.erase(wire.begin() + static_cast<std::ptrdiff_t>(at));
    }
    if (Chance(drop_percent_)) {
      Hit("dropped");
    } else if (Chance(late_percent_)) {
      limbo_.push_back(std::move(packet));
      Hit("late");
    } else {
      taken.push_back(std::move(packet));
    }
  }
  if (!cluster_->IsUp(node) || taken.empty()) return;
  cluster_->Receive(node, taken, DrawCrash());
  Hit("delivery");
}

// Time passes, and one node or all of them notice.
void RandomSchedule::Pass() {
  cluster_->Advance(Pick({10, 50, 250, 600}, Below(4)));
  if (Chance(60))
    return cluster_->Run(
        AnyNode(), [](Replica*) {}, DrawCrash());
  for (NodeIndex node = 0; node < cluster_->size(); ++node) cluster_->Run(node, [](Replica*) {});
}

void RandomSchedule::ToggleCut() {
  const NodeIndex from = AnyNode();
  const NodeIndex to = AnyNode();
  if (from == to) return;
  if (cluster_->IsCut(from, to)) return cluster_->Mend(from, to);
  cluster_->Cut(from, to);
  if (Chance(50)) cluster_->Disconnect(from, to);
  Hit("cut");
}

void RandomSchedule::CrashOrStart() {
  const NodeIndex node = AnyNode();
  if (cluster_->IsUp(node) && Chance(25)) {
    Say(absl::StrCat("end of ", cluster_->spec(node).address));
    cluster_->Stop(node);
    return Hit("orderly end");
  }
  if (cluster_->IsUp(node)) {
    Say(absl::StrCat("crash of ", cluster_->spec(node).address));
    cluster_->Crash(node, Chance(50) ? Notice::kAtOnce : Notice::kLater);
    return Hit("crash");
  }
  Say(absl::StrCat("restart of ", cluster_->spec(node).address));
  LAMPPOST_CHECK(cluster_->Start(node).ok(), "a node does not start again");
  Hit("restart");
}

void RandomSchedule::LoseDisk() {
  const NodeIndex node = NodeWithBadDisk();
  const auto copy = copies_.find(node);
  const bool has_copy = copy != copies_.end() && Chance(66);
  if (cluster_->IsUp(node)) cluster_->Crash(node, Chance(50) ? Notice::kAtOnce : Notice::kLater);
  oracle_.OnDiskLost(node);
  Say(absl::StrCat(has_copy ? "old disk for " : "empty disk for ", cluster_->spec(node).address));
  if (has_copy) {
    cluster_->ExchangeDisk(node, std::move(copy->second));
    copies_.erase(copy);
    Hit("old disk");
  } else {
    cluster_->ExchangeDisk(node, std::make_unique<MemoryStorage>());
    Hit("wiped disk");
  }
}

// All heals; then everything must be done in bounded time.
void RandomSchedule::Quiet() {
  Say("all heals");
  cluster_->MendAll();
  for (NodeIndex node = 0; node < cluster_->size(); ++node) {
    if (!cluster_->IsUp(node)) LAMPPOST_CHECK(cluster_->Start(node).ok(), "a node does not start again");
  }
  cluster_->Connect();
  if (!Settle()) return;
  oracle_.CheckEnd();
}

bool RandomSchedule::Settle() {
  std::deque<Packet>& wire = cluster_->wire();
  for (int round = 0; round < kSettleRounds; ++round) {
    for (int deliveries = 0; deliveries < 4000 && !wire.empty(); ++deliveries) {
      const Packet packet = std::move(wire.front());
      wire.pop_front();
      cluster_->Receive(packet.to, {packet});
      if (!oracle_.violation().empty()) return false;
    }
    if (IsSettled()) {
      tally_["rounds to settle"] += static_cast<uint64_t>(round);
      return true;
    }
    cluster_->Advance(250);
    for (NodeIndex node = 0; node < cluster_->size(); ++node) cluster_->RunUntilIdle(node);
  }
  oracle_.OnNotSettled();
  return false;
}

bool RandomSchedule::IsSettled() const {
  for (NodeIndex node = 0; node < cluster_->size(); ++node) {
    if (!cluster_->replica(node).Converged()) return false;
  }
  return true;
}

}  // namespace lamppost::kv::testing
