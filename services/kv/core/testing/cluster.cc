#include "services/kv/core/testing/cluster.h"

#include <algorithm>

#include "services/kv/core/check.h"
#include "services/kv/core/salvage.h"
#include "services/kv/storage/group_commit.h"

namespace lamppost::kv::testing {

std::vector<NodeSpec> FullMesh(const std::vector<std::string>& node_ids) {
  std::vector<NodeSpec> specs;
  for (const std::string& node_id : node_ids) {
    NodeSpec spec;
    spec.address = spec.node_id = node_id;
    for (const std::string& other : node_ids) {
      if (other != node_id) spec.peers.push_back(other);
    }
    specs.push_back(std::move(spec));
  }
  return specs;
}

Cluster::Cluster(std::vector<NodeSpec> specs, const Tuning& tuning, Observer* observer)
    : tuning_(tuning), observer_(observer), random_(tuning.seed) {
  for (NodeSpec& spec : specs) {
    nodes_.push_back({std::move(spec), std::make_unique<MemoryStorage>(), nullptr});
  }
}

NodeIndex Cluster::Find(const std::string& address) const {
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].spec.address == address) return i;
  }
  LAMPPOST_CHECK(false, "no such node");
  return 0;
}

// SplitMix64.
uint64_t Cluster::Random() {
  uint64_t z = (random_ += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

absl::Status Cluster::Start(NodeIndex index) {
  Node& node = nodes_[index];
  LAMPPOST_CHECK(node.replica == nullptr, "a node is started twice");
  ReplicaOptions options;
  options.node_id = node.spec.node_id;
  options.cluster = node.spec.cluster;
  options.peer_addresses = node.spec.peers;
  options.boot_id = Random();
  options.life_seed = Random();
  options.life_wait_ms = tuning_.life_wait_ms;
  options.heartbeat_ms = tuning_.heartbeat_ms;
  options.relay_ms = tuning_.relay_ms;
  options.repair_after_ms = tuning_.repair_after_ms;
  options.window_bytes = tuning_.window_bytes;
  options.chunk_bytes = tuning_.chunk_bytes;
  options.live_gather_ms = tuning_.live_gather_ms;
  options.live_gather_bytes = tuning_.live_gather_bytes;
  options.requests_max = tuning_.requests_max;
  options.ledger.entries_max = tuning_.ledger_entries_max;
  options.stability = tuning_.stability;
  options.held_replies_max = tuning_.held_replies_max;
  auto replica = Replica::Open(std::move(options), node.disk.get());
  if (!replica.ok()) return replica.status();
  node.replica = *std::move(replica);
  Run(index, [](Replica*) {});  // the first group makes counters available
  // What had not been noticed of the process before is noticed now.
  for (NodeIndex other = 0; other < nodes_.size(); ++other) Disconnect(index, other);
  Connect();
  return absl::OkStatus();
}

void Cluster::Crash(NodeIndex index, Notice notice) {
  nodes_[index].replica.reset();
  if (notice == Notice::kLater) return;
  for (NodeIndex other = 0; other < nodes_.size(); ++other) Disconnect(index, other);
}

void Cluster::Stop(NodeIndex index) {
  Node& node = nodes_[index];
  if (node.replica == nullptr) return;
  node.replica->ReleaseClock();
  const Output output = node.replica->TakeOutput();
  LAMPPOST_CHECK(node.disk->Commit(output.batch, Durability::kSync).ok(), "a commit failed");
  observer_->OnCommitted(index, output, CrashPoint::kNone);
  Crash(index, Notice::kAtOnce);
}

std::unique_ptr<MemoryStorage> Cluster::CopyDisk(NodeIndex index) const {
  WriteBatch batch;
  for (const Space space :
       {Space::kMeta, Space::kData, Space::kIndex, Space::kRequests, Space::kTombstones, Space::kExpiries}) {
    const std::unique_ptr<Cursor> cursor = nodes_[index].disk->Scan(space, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      batch.Put(space, std::string(cursor->key()), std::string(cursor->value()));
    }
  }
  auto copy = std::make_unique<MemoryStorage>();
  LAMPPOST_CHECK(copy->Commit(batch, Durability::kSync).ok(), "a copy of a disk cannot be written");
  return copy;
}

void Cluster::ExchangeDisk(NodeIndex index, std::unique_ptr<MemoryStorage> disk) {
  LAMPPOST_CHECK(nodes_[index].replica == nullptr, "the disk of a running node is exchanged");
  nodes_[index].disk = std::move(disk);
}

void Cluster::SalvageDisk(NodeIndex index) {
  Node& node = nodes_[index];
  LAMPPOST_CHECK(node.replica == nullptr, "the disk of a running node is salvaged");
  Salvage salvage(node.disk.get());
  for (;;) {
    WriteBatch batch;
    const absl::StatusOr<bool> more = salvage.Next(&batch);
    LAMPPOST_CHECK(more.ok(), "a disk cannot be salvaged");
    if (!*more) return;
    LAMPPOST_CHECK(node.disk->Commit(batch, Durability::kSync).ok(), "a commit failed");
  }
}

void Cluster::Tamper(NodeIndex index, const WriteBatch& batch) {
  LAMPPOST_CHECK(nodes_[index].disk->Commit(batch, Durability::kSync).ok(), "a commit failed");
}

void Cluster::Run(NodeIndex index, const Inputs& inputs, CrashPoint crash) {
  Node& node = nodes_[index];
  if (node.replica == nullptr) return;
  node.replica->Begin(now_ms_, now_ms_);
  inputs(node.replica.get());
  const Output output = node.replica->TakeOutput();
  if (crash == CrashPoint::kBeforeCommit) return Crash(index, Notice::kLater);
  GroupCommit commit(node.replica.get(), node.disk.get(), Durability::kSync);
  LAMPPOST_CHECK(commit.Commit(output).ok(), "a commit failed");
  observer_->OnCommitted(index, output, crash);
  if (crash == CrashPoint::kBeforeSend) return Crash(index, Notice::kLater);
  SendAll(index, output);
}

void Cluster::RunUntilIdle(NodeIndex index) {
  do {
    Run(index, [](Replica*) {});
  } while (IsUp(index) && replica(index).PatienceMs() == 0);
}

bool Cluster::Observe(NodeIndex index, const Packet& packet) {
  LamportClock* clock = nodes_[index].replica->clock();
  const uint64_t remote = packet.clock().counter;
  LamportClock::Observed observed = clock->Observe(remote);
  if (observed == LamportClock::Observed::kNeedsReservation) {
    Run(index, [&](Replica* replica) { replica->ReserveClock(remote + LamportClock::kBlock); });
    observed = clock->Observe(remote);
    LAMPPOST_CHECK(observed != LamportClock::Observed::kNeedsReservation, "a reservation did not help");
  }
  return observed == LamportClock::Observed::kOk;
}

// An answer comes on a stream that the receiver itself holds, so it does not outlive the link.
bool Cluster::IsOnPresentLink(const Packet& answer) const {
  const auto link = links_.find({answer.to, answer.from});
  return link != links_.end() && link->second == answer.link;
}

void Cluster::Receive(NodeIndex index, const std::vector<Packet>& packets, CrashPoint crash) {
  if (!IsUp(index)) return;
  std::vector<const Packet*> taken;
  for (const Packet& packet : packets) {
    if (packet.IsAnswer() && !IsOnPresentLink(packet)) continue;
    if (!Observe(index, packet)) continue;
    observer_->OnReceived(index, packet);
    taken.push_back(&packet);
  }
  const auto take_in = [&](Replica* replica) {
    for (const Packet* packet : taken) {
      if (!packet->IsAnswer()) {
        replica->Receive(packet->link, std::get<SyncMessage>(packet->body));
      } else if (const auto peer = PeerOf(index, packet->from)) {
        replica->ReceiveAnswer(*peer, std::get<SyncAnswer>(packet->body));
      }
    }
  };
  Run(index, take_in, crash);
}

void Cluster::SendAll(NodeIndex index, const Output& output) {
  for (const OutgoingMessage& outgoing : output.messages) {
    const NodeIndex to = Find(nodes_[index].replica->peers()[outgoing.peer].address);
    const auto link = links_.find({index, to});
    if (link == links_.end() || IsCut(index, to)) continue;
    wire_.push_back({index, to, link->second, outgoing.message});
  }
  for (const OutgoingAnswer& outgoing : output.answers) {
    const NodeIndex to = opener_.at(outgoing.link);
    if (IsCut(index, to)) continue;
    wire_.push_back({index, to, outgoing.link, outgoing.answer});
  }
}

std::optional<PeerIndex> Cluster::PeerOf(NodeIndex node, NodeIndex peer) const {
  if (!IsUp(node)) return std::nullopt;
  const std::vector<Peer>& peers = replica(node).peers();
  std::optional<PeerIndex> found;
  for (PeerIndex i = 0; i < peers.size(); ++i) {
    if (peers[i].address != nodes_[peer].spec.address) continue;
    if (!found || !peers[i].retired) found = i;
  }
  return found;
}

void Cluster::OpenLink(NodeIndex from, NodeIndex to) {
  const std::optional<PeerIndex> peer = PeerOf(from, to);
  if (peer && replica(from).peers()[*peer].retired) return CloseLink(from, to);
  if (!peer || HasLink(from, to) || !IsUp(from) || !IsUp(to)) return;
  if (IsCut(from, to) || IsCut(to, from)) return;
  opener_[next_link_] = from;
  links_[{from, to}] = next_link_++;
  Run(from, [&](Replica* replica) { replica->LinkUp(*peer); });
}

void Cluster::CloseLink(NodeIndex from, NodeIndex to) {
  const auto it = links_.find({from, to});
  if (it == links_.end()) return;
  const LinkId link = it->second;
  links_.erase(it);
  const std::optional<PeerIndex> peer = PeerOf(from, to);
  if (peer) Run(from, [&](Replica* replica) { replica->LinkDown(*peer, "the connection is lost"); });
  Run(to, [&](Replica* replica) { replica->InboundDown(link); });
}

void Cluster::Disconnect(NodeIndex a, NodeIndex b) {
  CloseLink(a, b);
  CloseLink(b, a);
}

void Cluster::Connect() {
  for (NodeIndex from = 0; from < nodes_.size(); ++from) {
    for (NodeIndex to = 0; to < nodes_.size(); ++to) OpenLink(from, to);
  }
}

}  // namespace lamppost::kv::testing
