// A full Sync: giving a peer everything, in the order of keys, and taking it in.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/mutation.h"
#include "services/kv/core/replica.h"

namespace lamppost::kv {
namespace {

// What one message may make a receiver drop. If its range holds more, the rest follows when it is sent again.
constexpr size_t kDropsMax = 10000;

const std::vector<KeyedVersion>& EntriesOf(const SyncMessage& message) {
  static const std::vector<KeyedVersion> kNothing;
  return message.entries ? *message.entries : kNothing;
}

}  // namespace

// A peer whose heads are below what was forgotten here may hold what was deleted. One that claims nothing at
// all, not even its own life, has lost part of its data: what it holds is worth nothing below anybody's
// heads.
bool Replica::NeedsFull(const Peer& peer) const {
  if (state_.refilling || LAMPPOST_MUTATION(kNoFull)) return false;
  // One that has just been given all that there is here needs no more.
  if (!peer.covered.empty() && ForgottenWithinHeads().IsCoveredBy(peer.covered)) return false;
  if (peer.heads.empty() && peer.covered.empty()) return true;
  return std::any_of(state_.forgotten.begin(), state_.forgotten.end(), [&](const Heads::Entry& forgotten) {
    const auto& [origin, counter] = forgotten;
    return std::max(peer.heads.At(origin), peer.covered.At(origin)) < counter;
  });
}

// A node that has itself only begun must not tell one that has lost data that there was none; unless there is
// no third one that could know better. Nor must one that is itself being given everything: half of what it
// holds is as old as its heads, and the other half is not.
bool Replica::CanGiveFull(const Peer& peer) const {
  const bool is_halfway = !state_.forgotten.IsCoveredBy(state_.heads);
  if (is_halfway && OthersKnowBetter() && !LAMPPOST_MUTATION(kFullHalfway)) return false;
  if (!peer.heads.empty() || member_count() == 2) return true;
  return std::any_of(state_.heads.begin(), state_.heads.end(), [&](const Heads::Entry& head) {
    return head.first != me() && head.first != peer.life();
  });
}

// What is beyond the heads of a node that is being given everything, it may still have, and is to forget.
Heads Replica::ForgottenWithinHeads() const {
  Heads within;
  for (const auto& [origin, counter] : state_.forgotten) {
    within.Raise(origin, std::min(counter, state_.heads.At(origin)));
  }
  return within;
}

// Whether a member may have all of what this node has not yet got to the end of.
bool Replica::OthersKnowBetter() const {
  return std::any_of(peers_.begin(), peers_.end(), [&](const Peer& peer) {
    return !peer.retired && (!peer.answered || state_.forgotten.IsCoveredBy(peer.heads));
  });
}

void Replica::PumpFull(PeerIndex index) {
  Peer& peer = peers_[index];
  FullCourse& full = peer.full;
  if (!full.walk) {
    if (!peer.wanted) return;
    if (!CanGiveFull(peer)) return Postpone(&peer, "the peer has lost data, and this node does not have it");
    peer.wanted.reset();
    // What was forgotten above `to` since the course began may be in what was sent of it.
    const bool goes_on = full.is_resumable && full.boot_id == peer.boot_id &&
                         full.incarnation == peer.incarnation && ForgottenWithinHeads().IsCoveredBy(full.to);
    if (!goes_on) {
      full.to = state_.heads;
      full.loose = loose_merged_;
      full.reached.clear();
    }
    full.boot_id = peer.boot_id;
    full.incarnation = peer.incarnation;
    full.is_resumable = true;
    full.moved = false;
    full.walk = std::make_unique<FullSync>(store_->Snapshot(), full.reached, FullSync::kAllBuckets);
    full.forgotten = ForgottenWithinHeads();  // of the snapshot; what is forgotten from now on is still in it
    peer.round_sequence = 0;
    peer.round_loose = full.loose;
  }
  absl::StatusOr<FullSync::Chunk> chunk = full.walk->Next(options_.chunk_bytes);
  if (!chunk.ok()) return GiveUpReading(&peer, chunk.status());
  SyncMessage message;
  message.receiver_incarnation = peer.incarnation;
  message.to = full.to;
  message.entries = std::make_shared<const std::vector<KeyedVersion>>(std::move(chunk->entries));
  message.last = chunk->last;
  message.after = peer.round_sequence;
  message.full = chunk->range;
  message.forgotten = full.forgotten;
  peer.catch_up_bytes_sent += chunk->bytes;
  Send(index, std::move(message), chunk->bytes);
  peer.round_sequence = peer.last_sequence;
  full.sent.push_back({peer.last_sequence, chunk->range.end, chunk->last});
  if (!chunk->last) return;
  ++peer.full_syncs_sent;
  peer.covered = full.to;
  full.walk.reset();
  FinishRound(&peer, full.to);
}

Refusal Replica::CheckFull(const SyncMessage& message) const {
  const KeyRange& range = *message.full;
  if (range.end.empty() != message.last || (!message.last && range.end <= range.start))
    return Refusal::kInvalid;
  for (const auto& [origin, counter] : message.forgotten) {
    if (counter > message.clock.counter || !IsPlausible(origin)) return Refusal::kInvalid;
  }
  const std::string* before = nullptr;
  for (const KeyedVersion& entry : EntriesOf(message)) {
    const bool is_within = entry.key >= range.start && (range.end.empty() || entry.key < range.end);
    if (!is_within || (before != nullptr && entry.key <= *before)) return Refusal::kInvalid;
    before = &entry.key;
  }
  return Refusal::kNone;
}

// Drops the keys of the message's range that hold what `to` covers and that were not sent: they were deleted,
// and the sender has forgotten the deletion. How many, or so many of them that another message must bring the
// rest.
absl::StatusOr<size_t> Replica::DropUnsent(const SyncMessage& message) {
  const std::vector<KeyedVersion>& entries = EntriesOf(message);
  const auto is_sent = [&](absl::string_view key) {
    const auto at =
        std::lower_bound(entries.begin(), entries.end(), key,
                         [](const KeyedVersion& entry, absl::string_view k) { return entry.key < k; });
    return at != entries.end() && at->key == key;
  };
  size_t dropped = 0;
  const auto consider = [&](const std::string& key) {
    const absl::StatusOr<std::optional<Timestamp>> held = table_.TimestampOf(key);
    if (!held.ok()) return held.status();
    if (!*held || !message.to.Covers(**held)) return absl::OkStatus();
    NoteReplaced(**held);
    ++dropped;
    state_changed_ = true;
    return table_.Drop(key);
  };
  // What this group has brought is not in the store yet.
  for (const std::string& key : table_.ChangedKeys(message.full->start, message.full->end)) {
    if (is_sent(key)) continue;
    if (absl::Status status = consider(key); !status.ok()) return status;
  }
  const auto cursor = store_->Scan(Space::kData, message.full->start, message.full->end);
  for (; cursor->Valid() && dropped <= kDropsMax; cursor->Next()) {
    if (is_sent(cursor->key())) continue;
    const absl::StatusOr<Version> version = DecodeVersion(cursor->value());
    if (!version.ok()) return version.status();
    if (!message.to.Covers(version->timestamp)) continue;
    if (absl::Status status = consider(std::string(cursor->key())); !status.ok()) return status;
  }
  if (!cursor->status().ok()) return cursor->status();
  return dropped;
}

// What is here may be higher than what was sent and covered by `to` all the same: then it was deleted and the
// deletion forgotten, before a write with a lower counter came. Or it is what is left of a damaged disk, and
// worth less than what was sent, even if it is called the same. True if so, and it has made place.
absl::StatusOr<bool> Replica::ReplaceUnsent(const KeyedVersion& entry, const Heads& to) {
  const absl::StatusOr<std::optional<Timestamp>> held = table_.TimestampOf(entry.key);
  if (!held.ok()) return held.status();
  if (!*held || **held < entry.version.timestamp || !to.Covers(**held)) return false;
  if (**held == entry.version.timestamp && !state_.refilling) return false;
  if (**held != entry.version.timestamp) NoteReplaced(**held);
  if (absl::Status status = table_.Drop(entry.key); !status.ok()) return status;
  return true;
}

// A node that gets its data back gives nothing but what it has written itself since. Once other writes have
// taken the place of some of that, this would be less than it claims.
void Replica::NoteReplaced(const Timestamp& held) {
  own_replaced_ |= state_.refilling && held.origin == me();
}

Refusal Replica::MergeFull(const SyncMessage& message) {
  const auto failed = [&](const absl::Status& status) {
    Note(absl::StrCat("cannot take in a full Sync: ", status.message()));
    return Refusal::kStorage;
  };
  // With the first chunk: from now on, what the heads cover and is not here may be what was forgotten there.
  if (!message.forgotten.IsCoveredBy(state_.forgotten) && !LAMPPOST_MUTATION(kForgottenNotTaken)) {
    state_.forgotten.RaiseAll(message.forgotten);
    state_changed_ = true;
  }
  if (!LAMPPOST_MUTATION(kNoReplace)) {
    const absl::StatusOr<size_t> dropped = DropUnsent(message);
    if (!dropped.ok()) return failed(dropped.status());
    if (*dropped > kDropsMax) return Refusal::kBusy;
  }
  for (const KeyedVersion& entry : EntriesOf(message)) {
    const absl::StatusOr<bool> replaced = ReplaceUnsent(entry, message.to);
    if (!replaced.ok()) return failed(replaced.status());
    const bool is_covered =
        state_.heads.Covers(entry.version.timestamp) && !LAMPPOST_MUTATION(kCoveredMerged);
    if (is_covered && !*replaced) continue;
    if (Refusal refusal = MergeEntry(entry, message); refusal != Refusal::kNone) return refusal;
  }
  if (!message.last) return Refusal::kNone;
  if (state_.refilling) {
    state_.refilling = false;
    state_changed_ = true;
    Note(absl::StrCat("has got its data back from ", message.clock.origin.node_id));
  }
  RaiseHeads(message.to);
  return Refusal::kNone;
}

}  // namespace lamppost::kv
