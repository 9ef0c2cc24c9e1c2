// Proof and repair: nodes with the same heads must hold the same. If they do not, something has gone wrong
// that replication cannot know of. Each first looks whether what it has in the buckets that differ is what
// was written there, by its own content hash. If so it sends that to the other, and the higher version of
// each key stays; if not it sends nothing, so that damage does not spread, and tells the driver.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/common/error.h"
#include "services/common/mutation.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/replica.h"

namespace lamppost::kv {
namespace {

constexpr uint64_t kPauseMaxMs = 60000;

int CountBits(uint64_t bits) {
  int count = 0;
  for (; bits != 0; bits &= bits - 1) ++count;
  return count;
}

}  // namespace

// Whether the peer's content hash, by its last answer, is to be this node's.
bool Replica::IsComparable(const Peer& peer) const {
  for (const auto& [origin, counter] : peer.pending) {
    if (origin.node_id != options_.node_id && peer.heads.At(origin) < counter) return false;
  }
  return peer.state == LinkState::kLive && now_ms_ - peer.last_answer_ms <= options_.answer_fresh_ms &&
         Agree(peer.heads, state_.heads) && receiver_.PendingBesides("").empty();
}

void Replica::ConsiderRepair(PeerIndex index) {
  Peer& peer = peers_[index];
  Divergence& divergence = peer.divergence;
  if (!life_decided_ || state_.refilling || divergence.IsBeingRepaired() || !IsComparable(peer)) return;
  if (peer.content_hash == state_.hash.Total()) {
    if (peer.divergent_buckets > 0) Note(absl::StrCat("holds the same as ", peer.node_id, " again"));
    peer.divergent_buckets = 0;
    divergence.since_ms = divergence.pause_ms = 0;
    return;
  }
  if (divergence.since_ms == 0) {
    divergence.since_ms = now_ms_;
    divergence.due_ms = now_ms_ + options_.repair_after_ms;
    return;
  }
  if (now_ms_ < divergence.due_ms || LAMPPOST_MUTATION(kNoRepair)) return;
  divergence.pause_ms = std::min(std::max(2 * divergence.pause_ms, options_.repair_after_ms), kPauseMaxMs);
  divergence.due_ms = now_ms_ + divergence.pause_ms;
  SyncMessage greeting;
  greeting.wants_buckets = true;
  Send(index, std::move(greeting), 0);
}

void Replica::CompareBuckets(Peer* peer, const SyncAnswer& answer) {
  if (peer->divergence.IsBeingRepaired() || answer.refusal != Refusal::kNone || !IsComparable(*peer)) return;
  uint64_t differing = 0;
  for (int bucket = 0; bucket < ContentHash::kBuckets; ++bucket) {
    if ((*answer.buckets)[bucket] != state_.hash.buckets()[bucket]) differing |= uint64_t{1} << bucket;
  }
  const auto count = static_cast<uint32_t>(CountBits(differing));
  if (count > 0 && peer->divergent_buckets == 0) {
    Warn(absl::StrCat("has had the same writes as ", peer->node_id, " and holds something else in ", count,
                      " of ", ContentHash::kBuckets, " buckets: they are repaired"));
  }
  peer->divergent_buckets = count;
  peer->divergence.buckets = differing;
}

void Replica::PumpRepair(PeerIndex index) {
  Peer& peer = peers_[index];
  Divergence& divergence = peer.divergence;
  if (!divergence.IsBeingRepaired() || peer.state != LinkState::kLive) return;
  if (peer.in_flight_bytes >= options_.window_bytes) return;
  if (!divergence.walk) {
    // The group has only begun: state and store say the same.
    divergence.walk = std::make_unique<FullSync>(store_->Snapshot(), "", divergence.buckets);
    divergence.from = state_.heads;
    divergence.hash = state_.hash;
  }
  absl::StatusOr<FullSync::Chunk> chunk = divergence.walk->Next(options_.chunk_bytes);
  if (!chunk.ok()) {
    Note(absl::StrCat("cannot read what is to be repaired: ", chunk.status().message()));
    return divergence.BreakOff();
  }
  if (!divergence.is_sound) {
    if (chunk->last) EndSoundnessCheck(&divergence);
    return;
  }
  if (!chunk->entries.empty() || chunk->last) {
    SyncMessage message;
    message.receiver_incarnation = peer.incarnation;
    message.from = divergence.from;
    message.entries = std::make_shared<const std::vector<KeyedVersion>>(std::move(chunk->entries));
    message.last = chunk->last;
    message.repair_buckets = divergence.buckets;
    Send(index, std::move(message), chunk->bytes);
  }
  if (!chunk->last) return;
  peer.repaired_buckets += static_cast<uint64_t>(CountBits(divergence.buckets));
  divergence.BreakOff();
}

// All that is here in these buckets has been read, so it is known what their hashes should be.
void Replica::EndSoundnessCheck(Divergence* divergence) {
  std::vector<int> damaged;
  for (int bucket = 0; bucket < ContentHash::kBuckets; ++bucket) {
    if ((divergence->buckets >> bucket & 1) == 0) continue;
    if (divergence->walk->found().buckets()[bucket] != divergence->hash.buckets()[bucket]) {
      damaged.push_back(bucket);
    }
  }
  divergence->walk.reset();
  divergence->is_sound = damaged.empty();
  if (divergence->is_sound) return;
  output_.damage = MakeError(absl::StatusCode::kDataLoss, "CONTENT_DAMAGED",
                             absl::StrCat("the stored versions are not those that were written, in bucket ",
                                          absl::StrJoin(damaged, ", "), " of the content hash"));
  divergence->BreakOff();
}

// A repair that comes late may bring back what has been deleted and forgotten since; so it counts only if its
// sender had all that was forgotten here.
Refusal Replica::MergeRepair(const SyncMessage& message) {
  if (!state_.forgotten.IsCoveredBy(message.from)) return Refusal::kNone;
  uint64_t changed = 0;
  for (const KeyedVersion& entry : message.entries ? *message.entries : std::vector<KeyedVersion>()) {
    const Version& version = entry.version;
    Version incoming = version;
    incoming.arrival = ArrivalOf(message);
    std::optional<Version> before;
    if (IsSystemKey(entry.key)) {
      const absl::StatusOr<const Version*> present = table_.Find(entry.key);
      if (present.ok() && *present != nullptr) before = **present;
    }
    const absl::StatusOr<bool> repaired = table_.Repair(entry.key, std::move(incoming));
    if (!repaired.ok()) {
      Note(absl::StrCat("cannot repair key ", entry.key, ": ", repaired.status().message()));
      return Refusal::kStorage;
    }
    if (before) ConsiderRecord(entry.key, *repaired ? version : *before, *repaired ? *before : version);
    if (!*repaired) continue;
    ++changed;
    held_.Raise(version.timestamp.origin, version.timestamp.counter);
    if (!state_.heads.Covers(version.timestamp)) ++loose_merged_;
    NoteTombstone(version);
    state_changed_ = true;
  }
  if (changed > 0)
    Note(absl::StrCat("takes ", changed, " versions from ", message.clock.origin.node_id,
                      " by way of repair"));
  return Refusal::kNone;
}

}  // namespace lamppost::kv
