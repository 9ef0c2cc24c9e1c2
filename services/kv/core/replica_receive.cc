// What peers send to a replica: whether it may be taken in, and taking it in.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/mutation.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/replica.h"

namespace lamppost::kv {

void Replica::Receive(LinkId link, const SyncMessage& message) {
  Refusal refusal = CheckSender(message);
  if (refusal == Refusal::kDuplicateNodeId) receiver_.KeepsOut(message.clock.origin.node_id, message.boot_id);
  if (refusal == Refusal::kNone) refusal = CheckHearing(link, message);
  NoteRefused(message, refusal);
  if (refusal == Refusal::kNone && receiver_.IsBusyFor(message.clock.origin.node_id, now_ms_))
    refusal = Refusal::kBusy;
  if (refusal == Refusal::kNone && message.receiver_incarnation != 0) refusal = Admit(link, message);
  if (tracer_.IsOn()) TraceReceipt(message, refusal);
  const bool is_new = message.receiver_incarnation != 0 && !receiver_.IsCopy(link, message);
  if (refusal == Refusal::kNone && is_new && MayBringBack(message)) refusal = Refusal::kBusy;
  if (refusal == Refusal::kNone && is_new) refusal = MergeEntries(message);
  if (refusal == Refusal::kNone && is_new) {
    receiver_.Merged(link, message, now_ms_);
    began_empty_ = began_empty_ && !EndsAll(message);
  }
  Answer(link, message, refusal);
}

// Whether with this message the sender has brought all that it had. One that fills itself has only its own
// writes to give.
bool Replica::EndsAll(const SyncMessage& message) const {
  if (!message.last || (message.progress == 0 && !message.full)) return false;
  return std::none_of(peers_.begin(), peers_.end(), [&](const Peer& peer) {
    return peer.node_id == message.clock.origin.node_id && peer.IsRefilling();
  });
}

bool Replica::IsFilling() const {
  const bool is_halfway = !state_.forgotten.IsCoveredBy(state_.heads);
  return state_.refilling || (began_empty_ && member_count() > 1) || (is_halfway && OthersKnowBetter());
}

// Whether a peer may speak of this life. A new life is one above the highest that is known, so one that is
// far above is forged or damaged; to take it over would use up the lives that are left.
bool Replica::IsPlausible(const Origin& origin) const {
  constexpr uint32_t kLifeJumpMax = 1u << 20;
  if (!CheckNodeId(origin.node_id).ok()) return false;
  if (origin.life() <= kLifeJumpMax) return true;
  const uint64_t newest = state_.heads.NewestIncarnation(origin.node_id);
  return origin.life() < Origin::kLifeMax && origin.life() <= (newest >> 32) + kLifeJumpMax;
}

// Who speaks: whether it is a member, and which of its lives.
Refusal Replica::CheckSender(const SyncMessage& message) const {
  const Origin& sender = message.clock.origin;
  if (message.cluster != options_.cluster) return Refusal::kClusterMismatch;
  if (!IsPlausible(sender)) return Refusal::kInvalid;
  if (sender.node_id == options_.node_id) {
    return message.boot_id == options_.boot_id ? Refusal::kSelf : Refusal::kDuplicateNodeId;
  }
  if (IsRefused(sender.node_id, message.birth)) return Refusal::kRemoved;
  bool is_member = false;
  for (const Peer& peer : peers_) {
    if (peer.node_id != sender.node_id) continue;
    if (peer.retired && !LAMPPOST_MUTATION(kRemovedNotRefused)) continue;
    is_member = true;
    // Another process by that name has answered on the present link, and lately: there are two of them.
    const bool linked = peer.state == LinkState::kLive || peer.state == LinkState::kCatchingUp;
    const bool other_alive = linked && peer.boot_id != message.boot_id &&
                             now_ms_ - peer.last_answer_ms < 2 * options_.heartbeat_ms;
    if (other_alive) return Refusal::kDuplicateNodeId;
  }
  if (!is_member) return Refusal::kUnknownMember;
  const bool is_old_life =
      sender.incarnation != 0 && sender.incarnation < state_.heads.NewestIncarnation(sender.node_id);
  return is_old_life && !LAMPPOST_MUTATION(kNoFence) ? Refusal::kFenced : Refusal::kNone;
}

Refusal Replica::CheckHearing(LinkId link, const SyncMessage& message) {
  switch (receiver_.Hears(link, message.clock.origin.node_id, message.boot_id)) {
    case Receiver::Hearing::kHeard:
      return Refusal::kNone;
    case Receiver::Hearing::kOlderLink:
      return Refusal::kGap;
    case Receiver::Hearing::kOtherProcess:
      return Refusal::kDuplicateNodeId;
  }
  return Refusal::kInvalid;
}

// Told once, and not of what passes: a member that has just started is not known at once, or its process
// before still is.
void Replica::NoteRefused(const SyncMessage& message, Refusal refusal) {
  constexpr size_t kNotedMax = 64;
  const bool is_kept_out = refusal == Refusal::kClusterMismatch || refusal == Refusal::kUnknownMember ||
                           refusal == Refusal::kDuplicateNodeId;
  if (!is_kept_out && kept_out_.empty()) return;
  // Its twin, which has the same name, may be let in.
  const std::string& node_id = message.clock.origin.node_id;
  const std::pair<std::string, uint64_t> process(node_id, message.boot_id);
  const auto it = kept_out_.find(process);
  if (!is_kept_out) {
    if (it != kept_out_.end()) kept_out_.erase(it);
  } else if (it == kept_out_.end()) {
    if (kept_out_.size() >= kNotedMax) kept_out_.clear();
    kept_out_[process] = {now_ms_, false};
  } else if (!it->second.is_told && now_ms_ - it->second.since_ms >= 3 * options_.life_wait_ms) {
    it->second.is_told = true;
    Warn(absl::StrCat("keeps a node out that calls itself ", node_id, ": ",
                      refusal == Refusal::kUnknownMember     ? "it is no member"
                      : refusal == Refusal::kClusterMismatch ? "it is of another cluster"
                                                             : "there is another node by that id"));
  }
}

// Whether the message can be taken in as it is.
Refusal Replica::Admit(LinkId link, const SyncMessage& message) const {
  const bool is_for_this_life =
      message.receiver_incarnation == state_.incarnation || LAMPPOST_MUTATION(kFormerLife);
  if (!life_decided_ || !is_for_this_life) return Refusal::kOtherLife;
  if (write_refusal_ || state_.removed) return Refusal::kStorage;
  if (Refusal refusal = CheckContent(message); refusal != Refusal::kNone) return refusal;
  // What is lost here may be covered by any heads, so nothing but everything helps.
  if (state_.refilling && !message.full) return Refusal::kGap;
  const bool fits = receiver_.IsCopy(link, message) || receiver_.Reaches(link, state_.heads, message);
  return fits ? Refusal::kNone : Refusal::kGap;
}

// Nothing in it may be later than the message itself, and nothing may break the store's limits.
Refusal Replica::CheckContent(const SyncMessage& message) const {
  if (message.clock.origin.incarnation == 0) return Refusal::kInvalid;
  for (const auto& [origin, counter] : message.to) {
    if (counter > message.clock.counter || !IsPlausible(origin) || origin.incarnation == 0) {
      return Refusal::kInvalid;
    }
  }
  if (message.full) {
    if (Refusal refusal = CheckFull(message); refusal != Refusal::kNone) return refusal;
  }
  if (message.entries == nullptr) return Refusal::kNone;
  for (const KeyedVersion& entry : *message.entries) {
    const Timestamp& timestamp = entry.version.timestamp;
    if (timestamp.counter == 0 || timestamp.counter > message.clock.counter) return Refusal::kInvalid;
    if (!IsPlausible(timestamp.origin) || timestamp.origin.incarnation == 0) return Refusal::kInvalid;
    if (!CheckStoredKey(entry.key).ok()) return Refusal::kInvalid;
    if (IsSystemKey(entry.key) && !IsSoundRecord(entry)) return Refusal::kInvalid;
  }
  return Refusal::kNone;
}

// What a message has beyond its claim is part of a Sync that has not ended. If its sender has not heard of
// all that was forgotten here, a deletion of that may be among it. It cannot be left out, for it may have
// replaced what the message claims; so the sender is to try again, from what it has then.
bool Replica::MayBringBack(const SyncMessage& message) const {
  if (!message.entries || message.repair_buckets != 0 || state_.forgotten.IsCoveredBy(message.to))
    return false;
  const bool has_more =
      std::any_of(message.entries->begin(), message.entries->end(),
                  [&](const KeyedVersion& entry) { return !message.to.Covers(entry.version.timestamp); });
  if (!has_more) return false;
  // Of what this node was still to be given, and nobody can give any more, nobody will ever say more.
  return !ForgottenWithinHeads().IsCoveredBy(message.to) || OthersKnowBetter();
}

// What earlier processes merged and the heads do not cover.
absl::Status Replica::LoadHeld() {
  std::string position;
  while (true) {
    const std::unique_ptr<Cursor> first = store_->Scan(Space::kIndex, position, "");
    if (!first->Valid()) return first->status();
    const absl::StatusOr<IndexKey> index = DecodeIndexKey(first->key());
    if (!index.ok()) return index.status();
    const Origin& origin = index->timestamp.origin;
    position = IndexEnd(origin);
    const auto cursor =
        store_->Scan(Space::kIndex, IndexStart(origin, state_.heads.At(origin) + 1), position);
    for (; cursor->Valid(); cursor->Next()) {
      const absl::StatusOr<IndexKey> held = DecodeIndexKey(cursor->key());
      if (!held.ok()) return held.status();
      held_.Raise(origin, held->timestamp.counter);
      ++loose_merged_;
    }
    if (!cursor->status().ok()) return cursor->status();
  }
}

Arrival Replica::ArrivalOf(const SyncMessage& message) const {
  const Arrival::Way way = message.full                  ? Arrival::Way::kFull
                           : message.repair_buckets != 0 ? Arrival::Way::kRepair
                           : message.progress != 0       ? Arrival::Way::kCatchUp
                                                         : Arrival::Way::kLive;
  return {way, message.clock.origin.node_id, unix_ms_};
}

// One of the message's entries. What its end makes the heads cover is not loose.
Refusal Replica::MergeEntry(const KeyedVersion& entry, const SyncMessage& message) {
  const Version& version = entry.version;
  const bool is_system = IsSystemKey(entry.key);
  std::optional<Version> before;
  if (is_system) {
    const absl::StatusOr<const Version*> present = table_.Find(entry.key);
    if (present.ok() && *present != nullptr) before = **present;
  }
  if (state_.refilling) {
    const absl::StatusOr<std::optional<Timestamp>> held = table_.TimestampOf(entry.key);
    if (held.ok() && *held && **held < version.timestamp) NoteReplaced(**held);
  }
  Version incoming = version;
  incoming.arrival = ArrivalOf(message);
  std::optional<Version> rival;
  const absl::StatusOr<kv::Merge> merge = table_.Apply(entry.key, std::move(incoming), &rival);
  if (!merge.ok()) {
    Note(absl::StrCat("cannot merge key ", entry.key, ": ", merge.status().message()));
    return Refusal::kStorage;
  }
  const bool wins = *merge == kv::Merge::kReplaces || *merge == kv::Merge::kReplacesConcurrent;
  if (before) {
    ConsiderRecord(entry.key, wins ? version : *before, wins ? *before : version);
  }
  held_.Raise(version.timestamp.origin, version.timestamp.counter);
  const bool is_covered =
      state_.heads.Covers(version.timestamp) || (message.last && message.to.Covers(version.timestamp));
  if (wins && !is_covered) ++loose_merged_;
  written_.Raise(version.timestamp.origin, version.timestamp.counter);
  NoteTombstone(version);
  const bool concurrent = *merge == kv::Merge::kReplacesConcurrent || *merge == kv::Merge::kLosesConcurrent;
  const bool is_noted = wins || !LAMPPOST_MUTATION(kLateLoserForgotten);
  if (concurrent && !is_system && is_noted)
    NoteConflict(entry.key, wins ? version : *rival, wins ? *rival : version);
  if (!version.request.id.empty()) requests_.Record({version.request, version.timestamp}, &output_.batch);
  state_changed_ = true;
  return Refusal::kNone;
}

void Replica::RaiseHeads(const Heads& to) {
  if (to.At(me()) > state_.heads.At(me())) {
    // Somebody has writes of this life that this node does not know: they must not be issued again.
    TakeNewLife("a peer knows more of the last one than it does");
  }
  Heads raised = state_.heads;
  raised.RaiseAll(to);
  if (raised == state_.heads) return;
  state_.heads = std::move(raised);
  state_changed_ = true;
}

Refusal Replica::MergeEntries(const SyncMessage& message) {
  if (message.full) return MergeFull(message);
  if (message.repair_buckets != 0) return MergeRepair(message);
  static const std::vector<KeyedVersion> kNothing;
  for (const KeyedVersion& entry : message.entries ? *message.entries : kNothing) {
    // What the heads cover is here, or was rightly replaced, or was deleted and forgotten.
    if (state_.heads.Covers(entry.version.timestamp) && !LAMPPOST_MUTATION(kCoveredMerged)) continue;
    if (Refusal refusal = MergeEntry(entry, message); refusal != Refusal::kNone) return refusal;
  }
  if (message.last) {
    RaiseHeads(message.to);
  } else if (LAMPPOST_MUTATION(kHeadsByChunk)) {
    state_.heads.RaiseAll(Reached(message.to, message.progress));
  }
  return Refusal::kNone;
}

// Answers are put together at the end of the group: one answers all that was taken in on a link, with
// the heads that the group's batch makes durable. A refusal goes out by itself.
void Replica::Answer(LinkId link, const SyncMessage& message, Refusal refusal) {
  SyncAnswer answer;
  answer.refusal = refusal;
  answer.sequence = message.sequence;
  const std::string& sender = message.clock.origin.node_id;
  answer.progress = receiver_.ProgressOf(sender, message.boot_id);
  answer.pending = receiver_.PendingBesides(sender);
  // What this node has of the sender's own lives from a Sync that never came to its end: a sender that
  // has lost its disk must not take up a life of which something is about.
  for (const auto& [origin, counter] : held_) {
    if (origin.node_id == sender && counter > state_.heads.At(origin)) answer.pending.Raise(origin, counter);
  }
  if (message.wants_buckets) wants_buckets_.insert(link);
  const auto it = answers_.find(link);
  if (it != answers_.end() && it->second.answer.refusal != Refusal::kNone) {
    output_.answers.push_back(std::move(it->second));
  }
  answers_[link] = {link, std::move(answer), sender};
}

void Replica::CompleteAnswers() {
  for (auto& [link, outgoing] : answers_) output_.answers.push_back(std::move(outgoing));
  answers_.clear();
  for (OutgoingAnswer& outgoing : output_.answers) {
    SyncAnswer& answer = outgoing.answer;
    answer.clock = {Tick(), me()};
    if (tracer_.IsOn()) TraceSend(outgoing.to, &answer);
    answer.cluster = options_.cluster;
    answer.boot_id = options_.boot_id;
    answer.birth = state_.birth;
    answer.content_hash = state_.hash.Total();
    if (wants_buckets_.count(outgoing.link) > 0) answer.buckets = state_.hash.buckets();
    if (state_.refilling) continue;  // it claims nothing: that asks for a full Sync
    answer.heads = state_.heads;
    answer.durable_heads = DurableAfterCommit();
    if (LAMPPOST_MUTATION(kStableFromHeads)) answer.durable_heads = state_.heads;
  }
  wants_buckets_.clear();
}

void Replica::InboundDown(LinkId link) {
  receiver_.LinkDown(link, now_ms_);
  answers_.erase(link);
}

}  // namespace lamppost::kv
