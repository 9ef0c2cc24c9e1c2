#include "tests/sim/network.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "lamppost/kv/v1/replication_service.pb.h"
#include "services/kv/server/sync_codec.h"

namespace lamppost::sim {
namespace {

constexpr size_t kLateMax = 2000;
constexpr uint64_t kFirstHit = 15;  // by this candidate at the latest
constexpr uint64_t kFaultsSalt = 'f';

// To bytes and back, as between two processes. With `flip`, one of the bits is turned over.
template <typename Proto, typename Body>
bool ThroughBytes(Body* body, Rate how, Random* random) {
  Proto message;
  kv::ToProto(*body, &message);
  std::string bytes = message.SerializeAsString();
  if (how == Rate::kFlip && !bytes.empty()) {
    const uint64_t bit = random->Below(bytes.size() * 8);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
  Proto received;
  if (!received.ParseFromString(bytes)) return false;
  absl::StatusOr<Body> decoded = kv::FromProto(received);
  if (!decoded.ok()) return false;
  *body = *std::move(decoded);
  return true;
}

}  // namespace

Network::Network(const Plan& plan, Random random, Scheduler* scheduler, Tally* tally, Observer* observer)
    : plan_(plan), random_(random), scheduler_(scheduler), tally_(tally), observer_(observer) {
  // From a source of their own, so that a fault on one link does not shift what befalls others.
  Random seeds(plan.seed ^ kFaultsSalt);
  for (NodeIndex node = 0; node < plan.machines(); ++node) faults_.emplace_back(seeds.Next());
}

bool Network::Strikes(Rate rate) {
  if (healed_ || plan_.RateOf(rate) == 0) return false;
  const bool is_due = tally_->HitsOf(rate) == 0 && ++candidates_[static_cast<size_t>(rate)] >= kFirstHit;
  if (!random_.PerMille(plan_.RateOf(rate)) && !is_due) return false;
  tally_->Hit(rate);
  return true;
}

void Network::Connect(NodeIndex from, NodeIndex to) {
  const uint64_t round_trip_us = 2 * plan_.latency_min_us + random_.Below(2 * plan_.latency_max_us);
  scheduler_->After(round_trip_us, [this, from, to] {
    if (!nodes_[from]->Listens()) return;
    if (!nodes_[to]->Accepts() || IsCut(from, to) || IsCut(to, from)) return nodes_[from]->OnNotConnected(to);
    const kv::LinkId link = next_link_++;
    links_[link] = Link{from, to, {0, 0}, {}};
    nodes_[from]->OnConnected(to, link);
  });
}

void Network::Tell(const Packet& packet, Mishap::Kind kind, Mishap::Cause cause, uint64_t delay_us) {
  observer_->OnMishap(packet, {kind, cause, (delay_us + 999) / 1000});
}

// A stream does not lose a message; it breaks.
void Network::Drop(const Packet& packet, Mishap::Cause cause) {
  Lose(packet, cause);
  if (plan_.carriage == Carriage::kStream) Break(packet.link);
}

void Network::Send(Packet packet) {
  const auto it = links_.find(packet.link);
  if (it == links_.end()) return Lose(packet, Mishap::Cause::kLinkGone);
  if (packet.IsAnswer()) packet.to = it->second.from;
  if (Strikes(Rate::kDrop)) return Drop(packet, Mishap::Cause::kChance);
  for (const Rate how : {Rate::kRecode, Rate::kFlip}) {
    if (!Strikes(how) || Recode(&packet, how)) continue;
    Lose(packet, Mishap::Cause::kGarbled);
    return Break(packet.link);
  }
  if (plan_.carriage == Carriage::kDatagram) {
    if (Strikes(Rate::kDuplicate)) {
      Tell(packet, Mishap::Kind::kDoubled, Mishap::Cause::kChance);
      Carry(packet);
    }
    if (!packet.IsAnswer() && late_.size() < kLateMax && Strikes(Rate::kLate)) {
      Tell(packet, Mishap::Kind::kDoubled, Mishap::Cause::kChance);
      late_.push_back(packet);
    }
  }
  Carry(std::move(packet));
}

void Network::Carry(Packet packet) {
  // Whether a cut stops a message is found where it arrives: it may have been on its way when the cut came.
  if (IsCut(packet.from, packet.to)) return Transmit(std::move(packet), 0);
  const kv::Fate fate = faults_[packet.from].Draw(NodeId(packet.to), scheduler_->now_ms());
  if (fate.IsLost()) return Drop(packet, Mishap::Cause::kLinkFault);
  if (fate.delays_ms.size() > 1) Tell(packet, Mishap::Kind::kDoubled, Mishap::Cause::kLinkFault);
  for (const uint64_t delay_ms : fate.delays_ms) {
    if (delay_ms > 0) Tell(packet, Mishap::Kind::kDelayed, Mishap::Cause::kLinkFault, delay_ms * 1000);
    Transmit(packet, delay_ms * 1000);
  }
}

void Network::Transmit(Packet packet, uint64_t extra_us) {
  const uint64_t latency_us = random_.Between(plan_.latency_min_us, plan_.latency_max_us);
  uint64_t arrival_us = scheduler_->now_us() + latency_us + extra_us;
  if (plan_.carriage == Carriage::kStream || healed_) {
    uint64_t& latest_us = links_.at(packet.link).arrived_us[packet.IsAnswer() ? 1 : 0];
    arrival_us = latest_us = std::max(arrival_us, latest_us);
  } else if (Strikes(Rate::kReorder)) {
    const uint64_t held_us = random_.Below(30 * plan_.latency_max_us);
    Tell(packet, Mishap::Kind::kDelayed, Mishap::Cause::kChance, held_us);
    arrival_us += held_us;
  }
  scheduler_->At(arrival_us, [this, packet = std::move(packet)]() mutable { Arrive(std::move(packet)); });
}

void Network::Arrive(Packet packet) {
  const auto it = links_.find(packet.link);
  const bool is_stream = plan_.carriage == Carriage::kStream;
  // An answer comes on a stream that its reader holds, so it does not outlive the link. A message may lie in
  // a queue of the receiver's while the link goes down.
  if (it == links_.end() && (is_stream || packet.IsAnswer())) return Lose(packet, Mishap::Cause::kLinkGone);
  if (IsCut(packet.from, packet.to)) {
    if (!is_stream) return Lose(packet, Mishap::Cause::kCut);
    it->second.waiting.push_back({std::move(packet), scheduler_->now_us()});
    return;
  }
  if (!nodes_[packet.to]->Listens()) return Lose(packet, Mishap::Cause::kNobodyThere);
  nodes_[packet.to]->OnPacket(std::move(packet));
}

bool Network::Recode(Packet* packet, Rate how) {
  if (packet->IsAnswer()) {
    return ThroughBytes<kv::v1::SyncResponse>(&std::get<kv::SyncAnswer>(packet->body), how, &random_);
  }
  return ThroughBytes<kv::v1::SyncRequest>(&std::get<kv::SyncMessage>(packet->body), how, &random_);
}

void Network::Break(kv::LinkId link) {
  const auto it = links_.find(link);
  if (it == links_.end()) return;
  const NodeIndex from = it->second.from;
  const NodeIndex to = it->second.to;
  const std::vector<Waiting> waiting = std::move(it->second.waiting);
  links_.erase(it);
  for (const Waiting& one : waiting) Lose(one.packet, Mishap::Cause::kLinkGone);
  if (nodes_[from]->Listens()) nodes_[from]->OnLinkDown(to, link);
  if (nodes_[to]->Listens()) nodes_[to]->OnInboundDown(link);
}

void Network::Gone(NodeIndex node, Notice notice) {
  std::vector<kv::LinkId> its;
  for (const auto& [id, link] : links_) {
    if (link.from == node || link.to == node) its.push_back(id);
  }
  const uint64_t delay_us = notice == Notice::kSoon ? plan_.latency_max_us : kKeepaliveMs * 1000;
  for (const kv::LinkId link : its) {
    if (notice == Notice::kNow) {
      Break(link);
    } else {
      scheduler_->After(delay_us, [this, link] { Break(link); });
    }
  }
}

kv::LinkFault Network::FaultOf(NodeIndex from, NodeIndex to) {
  const std::map<std::string, kv::LinkFault>& faults = faults_[from].At(scheduler_->now_ms());
  const auto it = faults.find(NodeId(to));
  return it == faults.end() ? kv::LinkFault() : it->second;
}

void Network::SetFault(NodeIndex from, NodeIndex to, const kv::LinkFault& fault) {
  if (fault.IsNone()) {
    faults_[from].Clear(NodeId(to));
  } else {
    faults_[from].Set(NodeId(to), fault);
  }
}

void Network::Cut(NodeIndex from, NodeIndex to) {
  kv::LinkFault fault = FaultOf(from, to);
  fault.cut = true;
  SetFault(from, to, fault);
  for (const auto& [id, link] : links_) {
    if ((link.from == from && link.to == to) || (link.from == to && link.to == from)) WatchCut(id);
  }
}

// A link one of whose directions is cut is given up by keepalive.
void Network::WatchCut(kv::LinkId link) {
  scheduler_->AfterMs(kKeepaliveMs, [this, link] {
    const auto it = links_.find(link);
    if (it == links_.end()) return;
    if (IsCut(it->second.from, it->second.to) || IsCut(it->second.to, it->second.from)) Break(link);
  });
}

void Network::Mend(NodeIndex from, NodeIndex to) {
  kv::LinkFault fault = FaultOf(from, to);
  if (!std::exchange(fault.cut, false)) return;
  SetFault(from, to, fault);
  std::vector<Waiting> released;  // apart, for a link may break over the first of them
  for (auto& [id, link] : links_) {
    const auto first = std::stable_partition(
        link.waiting.begin(), link.waiting.end(),
        [&](const Waiting& one) { return one.packet.from != from || one.packet.to != to; });
    std::move(first, link.waiting.end(), std::back_inserter(released));
    link.waiting.erase(first, link.waiting.end());
  }
  for (Waiting& one : released) Resend(std::move(one));
}

void Network::Resend(Waiting waiting) {
  if (links_.count(waiting.packet.link) == 0) return Lose(waiting.packet, Mishap::Cause::kLinkGone);
  Tell(waiting.packet, Mishap::Kind::kDelayed, Mishap::Cause::kCut, scheduler_->now_us() - waiting.since_us);
  Carry(std::move(waiting.packet));
}

void Network::Slow(NodeIndex from, NodeIndex to, uint64_t extra_ms) {
  kv::LinkFault fault = FaultOf(from, to);
  fault.delay_ms = extra_ms / 2;
  fault.jitter_ms = extra_ms;
  SetFault(from, to, fault);
}

void Network::Spoil(NodeIndex from, NodeIndex to, const kv::LinkFault& chances) {
  const bool keeps_order = plan_.carriage == Carriage::kStream;
  kv::LinkFault fault = FaultOf(from, to);
  fault.drop = chances.drop;
  fault.duplicate = keeps_order ? 0 : chances.duplicate;
  fault.reorder = keeps_order ? 0 : chances.reorder;
  SetFault(from, to, fault);
}

void Network::Heal() {
  healed_ = true;
  for (NodeIndex from = 0; from < faults_.size(); ++from) {
    for (NodeIndex to = 0; to < faults_.size(); ++to) {
      Slow(from, to, 0);
      Spoil(from, to, {});
      Mend(from, to);
    }
  }
}

void Network::ReleaseLate() {
  for (Packet& packet : late_) {
    scheduler_->After(random_.Below(1000000),
                      [this, packet = std::move(packet)]() mutable { Arrive(std::move(packet)); });
  }
  late_.clear();
}

}  // namespace lamppost::sim
