// What a replica sends to its peers: live writes, heartbeats, what they missed, and what they make of it.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/mutation.h"
#include "services/kv/core/replica.h"

namespace lamppost::kv {
namespace {

// Of own writes in one message; what is more goes out in chunks.
constexpr uint64_t kPushBytesMax = uint64_t{8} << 20;

}  // namespace

void Replica::LinkUp(PeerIndex index) {
  if (peers_[index].retired) return;
  peers_[index].ResetLink(LinkState::kProbing, "");
  peers_[index].linked_ms = now_ms_;
  Greet(index);
}

void Replica::LinkDown(PeerIndex index, std::string why) {
  if (peers_[index].retired) return;
  peers_[index].ResetLink(LinkState::kDown, std::move(why));
}

void Replica::Send(PeerIndex index, SyncMessage message, uint64_t bytes) {
  Peer& peer = peers_[index];
  message.clock = {Tick(), me()};
  message.cluster = options_.cluster;
  message.boot_id = options_.boot_id;
  message.birth = state_.birth;
  message.sequence = ++peer.last_sequence;
  peer.Sent(bytes, now_ms_);
  if (tracer_.IsOn()) TraceSend(peer.node_id, &message);
  output_.messages.push_back({index, std::move(message)});
}

void Replica::Greet(PeerIndex index) {
  Send(index, SyncMessage(), 0);
}

// Keeps an idle peer informed of this node's head, and makes it answer.
void Replica::Heartbeat(PeerIndex index) {
  Peer& peer = peers_[index];
  if (!peer.IsLinked()) return;
  const uint64_t pause_ms =
      peer.state == LinkState::kRefused ? options_.refused_retry_ms : options_.heartbeat_ms;
  if (now_ms_ - peer.last_sent_ms < pause_ms) return;
  if (peer.state != LinkState::kLive || !life_decided_) return Greet(index);
  if (!own_writes_.empty()) return;  // they go out in a moment, and the head with them
  SyncMessage message;
  message.receiver_incarnation = peer.incarnation;
  message.from = {{me(), peer.live_sent}};
  message.to = {{me(), state_.heads.At(me())}};
  peer.live_sent = state_.heads.At(me());
  Send(index, std::move(message), 0);
}

bool Replica::IsPushDue() const {
  if (own_writes_.empty()) return false;
  if (own_bytes_ >= options_.live_gather_bytes) return true;
  if (now_ms_ - last_push_ms_ >= options_.live_gather_ms) return true;
  return std::none_of(peers_.begin(), peers_.end(), [](const Peer& peer) {
    return peer.state == LinkState::kLive && !peer.in_flight.empty();
  });
}

// Own writes to every peer that has had all the ones before. A peer that is slow is not waited for: it
// gets them from the store later.
void Replica::PushLive() {
  if (!IsPushDue()) return;
  last_push_ms_ = now_ms_;
  const auto entries = std::make_shared<const std::vector<KeyedVersion>>(std::move(own_writes_));
  const uint64_t head = state_.heads.At(me());
  for (PeerIndex i = 0; i < peers_.size(); ++i) {
    Peer& peer = peers_[i];
    if (peer.state != LinkState::kLive) continue;
    if (peer.in_flight_bytes >= options_.window_bytes || own_bytes_ > kPushBytesMax) {
      if (!LAMPPOST_MUTATION(kLiveGap)) BeginCatchUp(&peer, StartFor(peer));
      continue;
    }
    SyncMessage message;
    message.receiver_incarnation = peer.incarnation;
    message.from = {{me(), peer.live_sent}};
    message.to = {{me(), head}};
    message.entries = entries;
    peer.live_sent = head;
    Send(i, std::move(message), own_bytes_);
  }
  own_writes_.clear();
  own_bytes_ = 0;
}

// Where a catch-up of this peer has to begin: what it has said it has, and what it has been sent since
// on this link.
Heads Replica::StartFor(const Peer& peer) const {
  Heads start = peer.heads;
  start.RaiseAll(peer.progress);
  start.RaiseAll(peer.covered);
  if (peer.state == LinkState::kLive) start.Raise(me(), peer.live_sent);
  return start;
}

uint64_t Replica::PatienceMs() const {
  const bool can_send = std::any_of(peers_.begin(), peers_.end(), [&](const Peer& peer) {
    const bool catches_up =
        peer.state == LinkState::kCatchingUp && (peer.round || peer.wanted || peer.full.walk);
    return (catches_up || peer.divergence.IsBeingRepaired()) &&
           peer.in_flight_bytes < options_.window_bytes && life_decided_;
  });
  if (can_send || expiries_left_ || !sweep_position_.empty()) return 0;
  if (own_writes_.empty()) return UINT64_MAX;
  const uint64_t waited_ms = now_ms_ - last_push_ms_;
  return options_.live_gather_ms - std::min(waited_ms, options_.live_gather_ms);
}

// The next chunk for a peer that catches up, if there is room for it on the way.
void Replica::PumpCatchUp(PeerIndex index) {
  Peer& peer = peers_[index];
  if (peer.state != LinkState::kCatchingUp || !life_decided_) return;
  if (peer.in_flight_bytes >= options_.window_bytes) return;
  if (peer.course == Course::kFull) return PumpFull(index);
  if (!peer.round) {
    if (!peer.wanted) return;
    // It was decided when this node had less.
    if (NeedsFull(peer) && !LAMPPOST_MUTATION(kCourseKept)) return BeginCatchUp(&peer, {});
    if (state_.refilling && own_replaced_ && !LAMPPOST_MUTATION(kOwnReplaced))
      return Postpone(&peer, "this node has lost data, and is still to get it back");
    // The store holds all that is committed and nothing else: the group has only begun. The idle head
    // may just have moved, but it says nothing about entries.
    const bool has_loose = peer.follows_round && peer.round_loose == loose_merged_;
    peer.round = OpenRound(*std::move(peer.wanted), has_loose ? Loose::kSentBefore : Loose::kSent);
    peer.wanted.reset();
    peer.follows_round = false;
    if (!has_loose) peer.round_sequence = 0;
    peer.round_loose = state_.refilling ? 0 : loose_merged_;
  }
  absl::StatusOr<CatchUp::Chunk> chunk = peer.round->Next(options_.chunk_bytes);
  if (!chunk.ok()) return GiveUpReading(&peer, chunk.status());
  SyncMessage message;
  message.receiver_incarnation = peer.incarnation;
  message.from = std::move(chunk->from);
  message.to = peer.round->to();
  if (LAMPPOST_MUTATION(kStaleSnapshot)) message.to = state_.heads;
  message.entries = std::make_shared<const std::vector<KeyedVersion>>(std::move(chunk->entries));
  message.last = chunk->last;
  message.progress = chunk->progress;
  message.after = peer.round_sequence;
  const Heads to = message.to;
  peer.catch_up_bytes_sent += chunk->bytes;
  Send(index, std::move(message), chunk->bytes);
  peer.round_sequence = peer.last_sequence;
  if (chunk->last) FinishRound(&peer, to);
}

// A node that lost part of its data has nothing to give but what it writes itself. What is loose goes along;
// else, with much of that and steady writes, each round would bring it again and be followed by another.
std::unique_ptr<CatchUp> Replica::OpenRound(Heads from, Loose loose) const {
  if (!state_.refilling) {
    CatchUpOptions options;
    if (loose == Loose::kSentBefore) options.uncovered = CatchUpOptions::Uncovered::kLeftOut;
    return std::make_unique<CatchUp>(store_->Snapshot(), std::move(from), state_.heads, std::move(options));
  }
  const Heads own_from{{me(), from.At(me())}};
  const Heads own_to{{me(), state_.heads.At(me())}};
  CatchUpOptions options;
  options.only = me();
  return std::make_unique<CatchUp>(store_->Snapshot(), own_from, own_to, std::move(options));
}

void Replica::GiveUpReading(Peer* peer, const absl::Status& why) {
  Note(absl::StrCat("cannot read what ", peer->node_id, " missed: ", why.message()));
  Refuse(peer, std::string(why.message()));
}

// By a full Sync if it may hold what was deleted and forgotten here. A node that was removed gives nothing:
// the peer may not have heard of that yet, and the others take in nothing of it any more.
void Replica::BeginCatchUp(Peer* peer, Heads start) {
  if (state_.removed) return Postpone(peer, "this node was removed");
  if (NeedsFull(*peer)) return peer->BeginCatchUp({}, Course::kFull);
  peer->BeginCatchUp(std::move(start), Course::kDelta);
}

// A greeting will find out when there is something to give.
void Replica::Postpone(Peer* peer, std::string why) {
  peer->StopCatchUp();
  peer->state = LinkState::kProbing;
  peer->detail = std::move(why);
}

// Parts of a Sync whose sender never finished it.
bool Replica::HoldsLoose() const {
  return !held_.IsCoveredBy(state_.heads);
}

// Own writes that were committed while the round went on need another one; if there are none, the peer
// gets the next ones live.
void Replica::FinishRound(Peer* peer, const Heads& to) {
  peer->round.reset();
  peer->loose_sent = peer->round_loose;
  if (to.At(me()) < state_.heads.At(me())) {
    peer->wanted = to;
    peer->follows_round = true;
    peer->course = Course::kDelta;
    return;
  }
  peer->state = LinkState::kLive;
  peer->live_sent = to.At(me());
  peer->relay_mark = Heads();
}

// A peer's own link to an origin is the ordinary way. If it still lacks, and nobody is giving it, what
// this node had one period ago, the origin may be gone or cut off from it: then it gets it from here.
void Replica::ConsiderRelay(PeerIndex index) {
  Peer& peer = peers_[index];
  if (peer.state != LinkState::kLive || !life_decided_ || LAMPPOST_MUTATION(kNoRelay)) return;
  if (state_.refilling || peer.divergence.IsBeingRepaired()) return;
  if (peer.relay_due_ms > now_ms_) return;
  peer.relay_due_ms = now_ms_ + options_.relay_ms;
  bool lacks = false;
  for (const auto& [origin, counter] : peer.relay_mark) {
    if (origin == me()) continue;
    // Of this node's former lives "pending" also tells what the peer has in parts, which nobody may be
    // giving.
    const uint64_t coming = origin.node_id == options_.node_id ? 0 : peer.pending.At(origin);
    lacks |= std::max({peer.heads.At(origin), coming, peer.covered.At(origin)}) < counter;
  }
  // What nobody's heads cover no peer can be seen to lack.
  lacks |= HoldsLoose() && peer.loose_sent < loose_merged_ && receiver_.PendingBesides("").empty() &&
           !LAMPPOST_MUTATION(kLooseKept);
  peer.relay_mark = state_.heads;
  if (lacks) BeginCatchUp(&peer, StartFor(peer));
}

void Replica::ReceiveAnswer(PeerIndex index, const SyncAnswer& answer) {
  Peer& peer = peers_[index];
  if (!peer.IsLinked()) return;
  peer.Answered(answer.sequence);
  if (!CheckIdentity(index, answer)) return;
  if (tracer_.IsOn()) TraceReceipt(answer, Refusal::kNone);
  if (answer.refusal == Refusal::kNone) peer.full.Answered(answer.sequence);
  Learn(&peer, answer);
  FollowUp(index, answer);
  if (answer.buckets) CompareBuckets(&peer, answer);
}

void Replica::Refuse(Peer* peer, std::string why) {
  if (peer->state != LinkState::kRefused || peer->detail != why) {
    Note(absl::StrCat("peer ", peer->node_id.empty() ? peer->address : peer->node_id, ": ", why));
  }
  peer->state = LinkState::kRefused;
  peer->detail = std::move(why);
  peer->StopCatchUp();
}

// Who answers. False if this node can have nothing to do with it.
bool Replica::CheckIdentity(PeerIndex index, const SyncAnswer& answer) {
  Peer& peer = peers_[index];
  const std::string& node_id = answer.clock.origin.node_id;
  if (answer.cluster != options_.cluster) {
    Refuse(&peer,
           absl::StrCat("the peer belongs to cluster ", answer.cluster, ", not to ", options_.cluster));
    return false;
  }
  if (node_id == options_.node_id) {
    Refuse(&peer, ToString(answer.boot_id == options_.boot_id ? Refusal::kSelf : Refusal::kDuplicateNodeId));
    return false;
  }
  bool plausible = IsPlausible(answer.clock.origin);
  for (const Heads* heads : {&answer.heads, &answer.durable_heads, &answer.pending, &answer.progress}) {
    for (const auto& [origin, counter] : *heads) plausible = plausible && IsPlausible(origin);
  }
  if (!plausible) {
    Refuse(&peer, "the peer speaks of a node or a life that cannot be");
    return false;
  }
  if (IsRefused(node_id, answer.birth)) {
    Refuse(&peer, "the peer was removed: it can come back with an empty disk, once it is added again");
    return false;
  }
  if (!IsTheOnly(index, node_id)) return false;
  if (!peer.node_id.empty() && peer.node_id != node_id) {
    Refuse(&peer, absl::StrCat("the address was node ", peer.node_id, "'s and now answers as ", node_id));
    return false;
  }
  return true;
}

void Replica::Learn(Peer* peer, const SyncAnswer& answer) {
  if (peer->node_id.empty()) {
    peer->node_id = answer.clock.origin.node_id;
    SaveMembers();
  }
  peer->answered = true;
  peer->last_answer_ms = now_ms_;
  peer->boot_id = answer.boot_id;
  peer->heads = answer.heads;
  peer->durable_heads = answer.durable_heads;
  peer->pending = answer.pending;
  peer->progress = answer.progress;
  peer->content_hash = answer.content_hash;
  peer->birth = answer.birth;
  const uint64_t known = std::max(answer.heads.At(me()), answer.pending.At(me()));
  if (life_decided_ && known > state_.heads.At(me())) {
    TakeNewLife("a peer knows more of the last one than it does");
  }
}

// What the answer means for what is sent next.
void Replica::FollowUp(PeerIndex index, const SyncAnswer& answer) {
  Peer& peer = peers_[index];
  const bool other_life = answer.clock.origin.incarnation != peer.incarnation;
  peer.incarnation = answer.clock.origin.incarnation;
  if (MeansMember(answer.refusal)) Join();
  switch (answer.refusal) {
    case Refusal::kNone:
      if (peer.state == LinkState::kProbing || peer.state == LinkState::kRefused || other_life) {
        if (peer.incarnation == 0) return;  // it is still deciding; a greeting will find out
        if (other_life) peer.covered = Heads();
        BeginCatchUp(&peer, StartFor(peer));
      }
      return;
    case Refusal::kGap:
    case Refusal::kOtherLife:
      if (LAMPPOST_MUTATION(kGapIgnored) && answer.refusal == Refusal::kGap) return;
      if (peer.incarnation == 0) {
        peer.state = LinkState::kProbing;
        return;
      }
      // One gap is answered once for each message that was already on its way.
      if (answer.sequence >= peer.restart_sequence || other_life) {
        peer.state = LinkState::kProbing;
        peer.covered = Heads();
        // If nothing of a full Sync has been taken in since it was taken up, it is no use taking it up again.
        if (!peer.full.moved) peer.full.is_resumable = false;
        BeginCatchUp(&peer, StartFor(peer));
      }
      return;
    case Refusal::kBusy:
      if (answer.sequence < peer.restart_sequence) return;
      if (peer.detail != ToString(answer.refusal))
        Note(absl::StrCat("peer ", peer.node_id, ": ", ToString(answer.refusal)));
      peer.StopCatchUp();
      peer.covered = Heads();
      peer.restart_sequence = peer.last_sequence + 1;
      peer.state = LinkState::kProbing;  // a greeting will find out when it is over
      peer.detail = ToString(answer.refusal);
      return;
    case Refusal::kFenced:
      // Once, whatever number of messages of the old life are refused.
      if (life_decided_ && answer.heads.NewestIncarnation(options_.node_id) > state_.incarnation) {
        TakeNewLife("a peer knows a newer one");
      }
      return;
    case Refusal::kRemoved:
      Refuse(&peer, ToString(answer.refusal));
      OnRefusedAsRemoved(answer);
      return Part();
    case Refusal::kUnknownMember:
      // A peer that has only just started learns who this node is from its own link to it.
      if (now_ms_ - peer.linked_ms < options_.life_wait_ms) {
        peer.state = LinkState::kProbing;
        return;
      }
      // And one that is slow to reach this node takes longer for that: no reason yet to refuse clients.
      if (now_ms_ - peer.linked_ms >= 3 * options_.life_wait_ms) is_stranger_ = !state_.joined;
      return Refuse(&peer, ToString(answer.refusal));
    case Refusal::kDuplicateNodeId:
      // After a restart the process before is still taken for alive for a moment.
      is_double_ |= now_ms_ - peer.linked_ms >= 3 * options_.life_wait_ms;
      [[fallthrough]];
    default:
      Refuse(&peer, ToString(answer.refusal));
  }
}

}  // namespace lamppost::kv
