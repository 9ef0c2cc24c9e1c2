#include "tests/sim/network.h"

#include <algorithm>
#include <string>

#include "lamppost/kv/v1/replication_service.pb.h"
#include "services/kv/server/sync_codec.h"

namespace lamppost::sim {
namespace {

constexpr size_t kLateMax = 2000;
constexpr uint64_t kFirstHit = 15;  // by this candidate at the latest

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

Network::Network(const Plan& plan, Random random, Scheduler* scheduler, Tally* tally)
    : plan_(plan), random_(random), scheduler_(scheduler), tally_(tally) {}

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

uint64_t Network::LatencyUs(const Packet& packet) {
  uint64_t latency_us = random_.Between(plan_.latency_min_us, plan_.latency_max_us);
  const auto slow = slow_.find({packet.from, packet.to});
  if (slow != slow_.end()) latency_us += slow->second / 2 + random_.Below(slow->second);
  return latency_us;
}

void Network::Send(Packet packet) {
  const auto it = links_.find(packet.link);
  if (it == links_.end()) return;
  if (packet.IsAnswer()) packet.to = it->second.from;
  if (Strikes(Rate::kDrop)) {
    // A stream does not lose a message; it breaks.
    if (plan_.carriage == Carriage::kStream) Break(packet.link);
    return;
  }
  if (Strikes(Rate::kRecode) && !Recode(&packet, Rate::kRecode)) return Break(packet.link);
  if (Strikes(Rate::kFlip) && !Recode(&packet, Rate::kFlip)) return Break(packet.link);
  if (plan_.carriage == Carriage::kDatagram) {
    if (Strikes(Rate::kDuplicate)) Transmit(packet, &it->second);
    if (!packet.IsAnswer() && late_.size() < kLateMax && Strikes(Rate::kLate)) late_.push_back(packet);
  }
  Transmit(std::move(packet), &it->second);
}

void Network::Transmit(Packet packet, Link* link) {
  uint64_t arrival_us = scheduler_->now_us() + LatencyUs(packet);
  if (plan_.carriage == Carriage::kStream || healed_) {
    uint64_t& latest_us = link->arrived_us[packet.IsAnswer() ? 1 : 0];
    arrival_us = latest_us = std::max(arrival_us, latest_us);
  } else if (Strikes(Rate::kReorder)) {
    arrival_us += random_.Below(30 * plan_.latency_max_us);
  }
  scheduler_->At(arrival_us, [this, packet = std::move(packet)]() mutable { Arrive(std::move(packet)); });
}

void Network::Arrive(Packet packet) {
  const auto it = links_.find(packet.link);
  const bool is_stream = plan_.carriage == Carriage::kStream;
  // An answer comes on a stream that its reader holds, so it does not outlive the link. A message may lie in
  // a queue of the receiver's while the link goes down.
  if (it == links_.end() && (is_stream || packet.IsAnswer())) return;
  if (IsCut(packet.from, packet.to)) {
    if (is_stream) it->second.waiting.push_back(std::move(packet));
    return;
  }
  if (!nodes_[packet.to]->Listens()) return;
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
  links_.erase(it);
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

void Network::Cut(NodeIndex from, NodeIndex to) {
  cut_.insert({from, to});
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
  if (cut_.erase({from, to}) == 0) return;
  for (auto& [id, link] : links_) {
    std::vector<Packet> still_waiting;
    for (Packet& packet : link.waiting) {
      if (packet.from == from && packet.to == to) {
        Transmit(std::move(packet), &link);
      } else {
        still_waiting.push_back(std::move(packet));
      }
    }
    link.waiting = std::move(still_waiting);
  }
}

void Network::Slow(NodeIndex from, NodeIndex to, uint64_t extra_us) {
  if (extra_us == 0) {
    slow_.erase({from, to});
  } else {
    slow_[{from, to}] = extra_us;
  }
}

void Network::Heal() {
  healed_ = true;
  slow_.clear();
  while (!cut_.empty()) Mend(cut_.begin()->first, cut_.begin()->second);
}

void Network::ReleaseLate() {
  for (Packet& packet : late_) {
    scheduler_->After(random_.Below(1000000),
                      [this, packet = std::move(packet)]() mutable { Arrive(std::move(packet)); });
  }
  late_.clear();
}

}  // namespace lamppost::sim
