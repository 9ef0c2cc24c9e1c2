#include "tests/sim/node.h"

#include <algorithm>
#include <utility>

#include "services/common/error.h"
#include "services/kv/core/check.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/membership.h"
#include "services/kv/core/record.h"
#include "services/kv/core/session.h"

namespace lamppost::sim {
namespace {

constexpr uint64_t kBackoffMinMs = 100;
constexpr uint64_t kBackoffMaxMs = 2000;
constexpr uint64_t kTimeBaseMs = 1000;
// So long a write waits for other members; shorter than its client does.
constexpr uint64_t kReplicasWaitMs = 600;
constexpr uint64_t kWallBaseMs = uint64_t{1} << 40;  // so that it can jump back by years

}  // namespace

Node::Node(NodeIndex index, const Plan& plan, Random random, Surroundings surroundings)
    : index_(index),
      plan_(plan),
      random_(random),
      to_(std::move(surroundings)),
      disk_(std::make_unique<Disk>()) {}

uint64_t Node::NodeMs() const {
  const uint64_t since_us = to_.scheduler->now_us() - time_changed_us_;
  return kTimeBaseMs + (leapt_us_ + since_us * time_percent_ / 100) / 1000;
}

uint64_t Node::WallMs() const {
  return static_cast<uint64_t>(static_cast<int64_t>(kWallBaseMs + to_.scheduler->now_ms()) + wall_offset_ms_);
}

std::optional<kv::PeerIndex> Node::PeerOf(NodeIndex node) const {
  const std::vector<kv::Peer>& peers = replica_->peers();
  for (kv::PeerIndex peer = 0; peer < peers.size(); ++peer) {
    if (!peers[peer].retired && NodeOf(peer) == node) return peer;
  }
  return std::nullopt;
}

NodeIndex Node::NodeOf(kv::PeerIndex peer) const {
  return NodeOfId(replica_->peers()[peer].address);
}

bool RecordsMember(const Disk& disk, NodeIndex member) {
  const auto bytes = disk.Get(kv::Space::kData, kv::MemberKey(NodeId(member)));
  if (!bytes.ok() || !*bytes) return false;
  const auto version = kv::DecodeVersion(**bytes);
  if (!version.ok() || !version->value) return false;
  const auto record = kv::DecodeMemberRecord(version->value->bytes);
  return record.ok() && record->state == kv::MemberState::kMember;
}

bool Node::HasMember(NodeIndex other) const {
  return IsUp() && (other == index_ || PeerOf(other).has_value());
}

void Node::RunTimeAt(uint64_t percent) {
  const uint64_t now_us = to_.scheduler->now_us();
  leapt_us_ += (now_us - time_changed_us_) * time_percent_ / 100;
  time_changed_us_ = now_us;
  time_percent_ = percent;
}

absl::Status Node::Start() {
  LAMPPOST_CHECK(!IsUp(), "a node is started twice");
  to_.network->Gone(index_, Notice::kNow);  // what had not been noticed of the process before is noticed now
  disk_->Restarted();
  kv::ReplicaOptions options;
  options.node_id = NodeId(index_);
  options.cluster = "sim";
  for (NodeIndex peer = 0; peer < plan_.nodes; ++peer) {
    if (peer != index_) options.peer_addresses.push_back(NodeId(peer));
  }
  options.boot_id = random_.Next();
  options.life_seed = random_.Next();
  options.chunk_bytes = plan_.chunk_bytes;
  // Not so many chunks on their way that one which is lost makes thousands come again.
  options.window_bytes = std::min(plan_.window_bytes, 500 * plan_.chunk_bytes);
  options.live_gather_ms = plan_.live_gather_ms;
  options.ledger.entries_max = plan_.ledger_entries_max;
  options.stability =
      plan_.durability == kv::Durability::kSync ? kv::Stability::kAtEachCommit : kv::Stability::kAtFlushes;
  auto replica = kv::Replica::Open(std::move(options), disk_.get());
  if (!replica.ok()) return replica.status();
  ++process_;
  replica_ = *std::move(replica);
  commit_ = std::make_unique<kv::GroupCommit>(replica_.get(), disk_.get(), plan_.durability);
  links_.clear();
  wake_us_ = UINT64_MAX;
  if (disk_full_) replica_->RefuseWrites(disk_full_);
  to_.observer->OnStarted(index_);
  RunGroup();
  if (plan_.durability == kv::Durability::kInterval && IsUp()) Flush();
  return absl::OkStatus();
}

void Node::Crash(Loss loss, Notice notice) {
  if (!IsUp()) return;
  in_flight_.reset();
  commit_.reset();
  replica_.reset();
  ++process_;
  serving_ = paused_ = stopping_ = ending_ = false;
  trap_.reset();
  held_.clear();
  inputs_.clear();
  after_commit_.clear();
  waiting_.clear();
  waiting_reads_.clear();
  size_t lost = 0;
  if (loss == Loss::kPower) {
    lost = random_.Below(disk_->unflushed() + 1);
    disk_->LosePower(lost);
  }
  to_.observer->OnStopped(index_, loss, lost);
  to_.network->Gone(index_, notice);
}

void Node::Stop() {
  if (!IsUp() || stopping_) return;
  stopping_ = true;  // from now on it takes in nothing
  to_.network->Gone(index_, Notice::kSoon);
  WhenRunning([this] { Wake(0); });
}

void Node::EndByItself(Loss loss) {
  Crash(loss, Notice::kSoon);
  to_.on_self_stop(index_, loss);
}

void Node::Pause() {
  paused_ = true;
  to_.scheduler->AfterMs(Network::kKeepaliveMs, [this, process = process_] {
    if (process == process_ && paused_) to_.network->Gone(index_, Notice::kNow);
  });
}

void Node::Resume() {
  if (!IsUp() || !paused_) return;
  paused_ = false;
  std::vector<std::function<void()>> held;
  held.swap(held_);
  for (std::function<void()>& action : held) {
    if (IsUp()) action();
  }
}

void Node::WhenRunning(std::function<void()> action) {
  if (!IsUp()) return;
  if (paused_) {
    held_.push_back(std::move(action));
  } else {
    action();
  }
}

bool Node::IsSettled() const {
  return IsUp() && !paused_ && waiting_.empty() && waiting_reads_.empty() && replica_->Converged();
}

void Node::ExchangeDisk(std::unique_ptr<Disk> disk) {
  LAMPPOST_CHECK(!IsUp(), "the disk of a running node is exchanged");
  disk_ = std::move(disk);
  ++disk_exchanges_;
  to_.observer->OnDiskExchanged(index_);
}

void Node::SetDiskFull(std::optional<absl::Status> why) {
  disk_full_ = std::move(why);
  WhenRunning([this] { Enqueue([this](kv::Replica* replica) { replica->RefuseWrites(disk_full_); }); });
}

// ---- What comes in

void Node::Admit(uint64_t counter, std::function<void()> on_admitted, std::function<void()> on_refused) {
  switch (replica_->clock()->Observe(counter)) {
    case LamportClock::Observed::kOk:
      return on_admitted();
    case LamportClock::Observed::kTooFarAhead:
      return on_refused();
    case LamportClock::Observed::kNeedsReservation:
      Enqueue([this, counter, on_admitted, on_refused](kv::Replica* replica) {
        replica->ReserveClock(counter + LamportClock::kBlock);
        after_commit_.push_back([=] { Admit(counter, on_admitted, on_refused); });
      });
  }
}

void Node::OnPacket(Packet packet) {
  if (stopping_) return;
  WhenRunning([this, packet = std::move(packet)] {
    const uint64_t counter = packet.clock().counter;
    Admit(
        counter, [this, packet] { Take(packet); },
        [this, counter, link = packet.link] {
          to_.observer->OnRefused(index_, counter, replica_->clock()->now());
          to_.network->Break(link);
        });
  });
}

void Node::Take(const Packet& packet) {
  to_.observer->OnReceived(index_, packet, replica_->clock()->now());
  if (!packet.IsAnswer()) {
    Enqueue([packet](kv::Replica* replica) {
      replica->Receive(packet.link, std::get<kv::SyncMessage>(packet.body));
    });
    return;
  }
  Enqueue([this, packet](kv::Replica* replica) {
    const std::optional<kv::PeerIndex> peer = PeerOf(packet.from);
    if (!peer || *peer >= links_.size()) return;
    if (links_[*peer].state != PeerLink::State::kUp || links_[*peer].link != packet.link) return;
    replica->ReceiveAnswer(*peer, std::get<kv::SyncAnswer>(packet.body));
  });
}

void Node::OnRequest(Request request) {
  if (stopping_) return;
  WhenRunning([this, request = std::move(request)] {
    Admit(
        std::max({request.clock, request.session.Max(), request.proposal.session.Max()}),
        [this, request] {
          to_.observer->OnRequest(index_, request, replica_->clock()->now());
          if (request.IsWrite()) {
            Propose(request);
          } else {
            ReadOnceThere(request);
          }
        },
        [this, request] {
          to_.observer->OnRefused(index_, request.clock, replica_->clock()->now());
          Reply reply;
          reply.status = MakeError(absl::StatusCode::kOutOfRange, "CLOCK_TOO_FAR_AHEAD", "too far ahead");
          Answer(request, std::move(reply));
        });
  });
}

void Node::Propose(Request request) {
  Reply refusal;
  refusal.status = kv::CheckProposal(request.proposal, kv::Limits());
  if (refusal.status.ok() && waiting_.size() >= plan_.queued_writes_max) {
    refusal.status = MakeRetryableError(absl::StatusCode::kResourceExhausted, "OVERLOADED", "too many", 100);
  }
  if (!refusal.status.ok()) return Answer(request, std::move(refusal));
  const kv::ProposalId id = next_proposal_++;
  request.proposal.id = id;
  request.proposal.replicas_until_ms = NodeMs() + kReplicasWaitMs;
  waiting_[id] = request;
  Enqueue([this, proposal = std::move(request.proposal)](kv::Replica* replica) {
    to_.observer->OnProposed(index_, proposal, replica->heads());
    replica->Propose(proposal);
  });
}

// As AdminService does it: what the replica agrees to is a write like any other, of a client that nobody
// knows.
void Node::ChangeMembers(NodeIndex other, Change change) {
  if (!serving_ || stopping_) return;
  WhenRunning([this, other, change] {
    Enqueue([this, other, change](kv::Replica* replica) {
      const std::string id = NodeId(other);
      absl::StatusOr<kv::Proposal> proposal = change == Change::kAdd
                                                  ? kv::ProposeMember(*replica, id, id)
                                                  : kv::ProposeRemoval(*replica, id, kv::Removal::kForced);
      if (!proposal.ok() || proposal->operations.empty()) return;
      proposal->id = next_proposal_++;
      Request request;
      request.client = UINT64_MAX;
      request.proposal = *proposal;
      waiting_[proposal->id] = request;
      to_.observer->OnProposed(index_, *proposal, replica->heads());
      replica->Propose(*std::move(proposal));
    });
  });
}

// The store shows what is committed and nothing else.
void Node::Read(const Request& request) {
  Reply reply;
  reply.session = committed_heads();
  const auto add = [&](std::string key, absl::string_view bytes) {
    absl::StatusOr<kv::Version> version = kv::DecodeVersion(bytes);
    if (!version.ok()) {
      reply.status = version.status();
    } else if (version->IsVisible(WallMs())) {
      history::Item item;
      item.key = std::move(key);
      item.value = version->value->bytes;
      item.version = version->timestamp;
      reply.items.push_back(std::move(item));
      kv::RaiseByRead(version->timestamp, committed_heads(), &reply.session);
    }
  };
  for (const std::string& key : request.keys) {
    const auto bytes = disk_->Get(kv::Space::kData, key);
    if (!bytes.ok()) {
      reply.status = bytes.status();
    } else if (*bytes) {
      add(key, **bytes);
    } else {
      continue;
    }
  }
  if (request.keys.empty()) {
    const auto cursor = disk_->Scan(kv::Space::kData, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      if (!kv::IsSystemKey(cursor->key())) add(std::string(cursor->key()), cursor->value());
    }
    if (!cursor->status().ok()) reply.status = cursor->status();
  }
  Answer(request, std::move(reply));
}

uint64_t Node::Stamp() {
  return replica_->clock()->Tick().value_or(replica_->clock()->now());
}

void Node::Answer(const Request& request, Reply reply) {
  reply.client = request.client;
  reply.attempt = request.attempt;
  reply.clock = Stamp();
  to_.observer->OnReply(index_, request, reply);
  to_.reply(std::move(reply));
}

// ---- Links

void Node::PollLinks() {
  const uint64_t now_ms = to_.scheduler->now_ms();
  if (now_ms < next_poll_ms_ || !serving_ || stopping_) return;
  next_poll_ms_ = now_ms + kTickMs;
  links_.resize(replica_->peers().size());
  for (kv::PeerIndex peer = 0; peer < links_.size(); ++peer) PollLink(peer, now_ms);
}

// As the server's PeerLinks.
void Node::PollLink(kv::PeerIndex peer, uint64_t now_ms) {
  PeerLink& link = links_[peer];
  const kv::Peer& of = replica_->peers()[peer];
  if (std::exchange(link.retirements, of.retirements) != of.retirements) {
    const bool was_up = std::exchange(link.state, PeerLink::State::kNone) == PeerLink::State::kUp;
    if (was_up) to_.network->Break(link.link);
  }
  if (of.retired) return;
  if (link.state != PeerLink::State::kNone || now_ms < link.next_attempt_ms) return;
  link.state = PeerLink::State::kConnecting;
  to_.network->Connect(index_, NodeOf(peer));
}

void Node::OnConnected(NodeIndex to, kv::LinkId id) {
  const std::optional<kv::PeerIndex> found = PeerOf(to);
  if (!found || *found >= links_.size()) return to_.network->Break(id);  // it is no member any more
  const kv::PeerIndex peer = *found;
  PeerLink& link = links_[peer];
  if (link.state != PeerLink::State::kConnecting) return to_.network->Break(id);  // an earlier process's wish
  link.state = PeerLink::State::kUp;
  link.link = id;
  link.backoff_ms = 0;
  WhenRunning([this, peer, id] {
    Enqueue([this, peer, id](kv::Replica* replica) {
      links_[peer].told = id;
      replica->LinkUp(peer);
    });
  });
}

void Node::OnNotConnected(NodeIndex to) {
  const std::optional<kv::PeerIndex> peer = PeerOf(to);
  if (!peer || *peer >= links_.size()) return;
  PeerLink& link = links_[*peer];
  link.state = PeerLink::State::kNone;
  link.backoff_ms = std::min(std::max(link.backoff_ms * 2, kBackoffMinMs), kBackoffMaxMs);
  link.next_attempt_ms =
      to_.scheduler->now_ms() + link.backoff_ms / 2 + random_.Below(link.backoff_ms / 2 + 1);
}

void Node::OnLinkDown(NodeIndex to, kv::LinkId id) {
  if (!IsUp()) return;
  const std::optional<kv::PeerIndex> found = PeerOf(to);
  if (!found || *found >= links_.size() || links_[*found].link != id) return;
  const kv::PeerIndex peer = *found;
  WhenRunning([this, peer, id] {
    PeerLink& link = links_[peer];
    if (link.link != id || link.state != PeerLink::State::kUp) return;
    link.state = PeerLink::State::kNone;
    link.next_attempt_ms = to_.scheduler->now_ms() + kBackoffMinMs / 2;
    Enqueue([peer](kv::Replica* replica) { replica->LinkDown(peer, "the connection is lost"); });
  });
}

void Node::OnInboundDown(kv::LinkId link) {
  WhenRunning([this, link] { Enqueue([link](kv::Replica* replica) { replica->InboundDown(link); }); });
}

}  // namespace lamppost::sim
