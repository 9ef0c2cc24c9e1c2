// Who belongs to the cluster: the peers of --peers, and the records that all members share.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/mutation.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/membership.h"
#include "services/kv/core/replica.h"

namespace lamppost::kv {
namespace {

// What the key's version says, if it is a member's record.
struct Named {
  std::string node_id;
  MemberRecord record;
};
std::optional<Named> ReadRecord(const std::string& key, const Version& version) {
  if (!absl::StartsWith(key, kMemberKeyPrefix) || !version.value) return std::nullopt;
  absl::StatusOr<MemberRecord> record = DecodeMemberRecord(version.value->bytes);
  std::string node_id = key.substr(kMemberKeyPrefix.size());
  if (!record.ok() || !CheckNodeId(node_id).ok()) return std::nullopt;
  return Named{std::move(node_id), *std::move(record)};
}

// As CorrectedLedgerRecord and CorrectedRecord, for any of the store's own keys.
std::optional<std::string> Corrected(const std::string& key, absl::string_view winner,
                                     absl::string_view loser) {
  if (IsLedgerKey(key)) return CorrectedLedgerRecord(key, winner, loser);
  const auto won = DecodeMemberRecord(winner);
  const auto lost = DecodeMemberRecord(loser);
  if (!won.ok() || !lost.ok()) return std::nullopt;
  const std::optional<MemberRecord> corrected = CorrectedRecord(*won, *lost);
  if (!corrected) return std::nullopt;
  return EncodeMemberRecord(*corrected);
}

}  // namespace

bool IsBarred(const MemberRecord& record, uint64_t birth) {
  return birth != 0 && birth <= record.barred_birth;
}

absl::Status Replica::LoadMemberRecords() {
  const std::string start(kMemberKeyPrefix);
  std::string end = start;
  ++end.back();
  const std::unique_ptr<Cursor> cursor = store_->Scan(Space::kData, start, end);
  for (; cursor->Valid(); cursor->Next()) {
    const absl::StatusOr<Version> version = DecodeVersion(cursor->value());
    if (!version.ok()) return version.status();
    TakeRecord(std::string(cursor->key()), *version);
  }
  return cursor->status();
}

// What a peer may send of the store's own keys: records that can be read, of lives that can be.
bool Replica::IsSoundRecord(const KeyedVersion& entry) const {
  if (IsLedgerKey(entry.key)) return IsSoundLedgerRecord(entry);
  // Whatever a later version of the software keeps there, this one passes on.
  if (!absl::StartsWith(entry.key, kMemberKeyPrefix)) return true;
  const std::optional<Named> named = ReadRecord(entry.key, entry.version);
  return named && IsPlausible({named->node_id, named->record.barred_birth});
}

void Replica::FollowRecords() {
  for (const std::string& key : table_.TakeChangedSystemKeys()) {
    const absl::StatusOr<const Version*> version = table_.Find(key);  // staged, so it is not read
    if (!version.ok()) continue;
    if (IsLedgerKey(key)) TakeLedgerRecord(key, *version);
    if (*version == nullptr) continue;
    ConsiderRemoval(key, **version);
    TakeRecord(key, **version);
  }
}

// Whoever removed the node may not have heard of its latest life. It was a member in that, here at least, and
// what it wrote is no more to come back than the rest; so that life is barred as well.
void Replica::ConsiderRemoval(const std::string& key, const Version& version) {
  std::optional<Named> named = ReadRecord(key, version);
  if (!named || named->record.state != MemberState::kRemoved || named->node_id == options_.node_id) return;
  const uint64_t newest = NewestLife(*this, named->node_id);
  if (newest <= named->record.barred_birth) return;
  named->record.barred_birth = newest;
  corrections_.push_back(RecordOperation(named->node_id, named->record));
}

void Replica::TakeRecord(const std::string& key, const Version& version) {
  const std::optional<Named> named = ReadRecord(key, version);
  if (!named || LAMPPOST_MUTATION(kMemberIgnored)) return;
  const auto& [node_id, record] = *named;
  members_[node_id] = {record, version.timestamp};
  if (record.barred_birth != 0 && state_.heads.NewestIncarnation(node_id) < record.barred_birth) {
    // Whoever refuses the node's old disk tells by its heads which life a new one has to be above.
    state_.heads.Raise({node_id, record.barred_birth}, 0);
    state_changed_ = true;
  }
  if (node_id == options_.node_id) {
    if (record.state == MemberState::kRemoved && IsBarred(record, state_.birth)) BecomeRemoved();
  } else if (record.state == MemberState::kMember) {
    Enlist(node_id, record.address);
  } else {
    for (Peer& peer : peers_) {
      const bool is_it = peer.node_id.empty() ? peer.address == record.address : peer.node_id == node_id;
      if (is_it && !peer.retired) Retire(&peer, "it was removed");
    }
  }
}

// A member has a peer. The address in --peers goes before the one in the record: the operator of this node
// knows best how to reach the other from here. Whoever is given something must not be forgotten in a crash: a
// start asks all members what they know of the node's life.
void Replica::Enlist(const std::string& node_id, const std::string& address) {
  Peer* best = nullptr;
  for (Peer& peer : peers_) {
    // A seed at that address will tell by itself who it is.
    if (peer.seed && !peer.retired && peer.node_id.empty() && peer.address == address) return;
    if (peer.node_id != node_id || !(peer.seed || peer.address == address)) continue;
    if (best == nullptr || (peer.seed && !best->seed)) best = &peer;
  }
  if (best != nullptr && !best->retired) return;
  output_.urgency = Urgency::kMustBeStable;
  for (Peer& peer : peers_) {
    if (peer.node_id == node_id && !peer.retired) Retire(&peer, "it has another address now");
  }
  if (best != nullptr) {
    best->retired = false;
    best->detail.clear();
    return;
  }
  peers_.emplace_back(address);
  peers_.back().seed = false;
  peers_.back().node_id = node_id;
}

// Nothing is sent to the peer any more, and nothing waits for it.
void Replica::Retire(Peer* peer, std::string why) {
  Note(absl::StrCat("peer ", peer->node_id.empty() ? peer->address : peer->node_id, ": ", why));
  peer->ResetLink(LinkState::kDown, std::move(why));
  peer->retired = true;
  ++peer->retirements;
  peer->incarnation = peer->boot_id = 0;
  peer->answered = false;
  peer->heads = peer->durable_heads = peer->pending = peer->progress = peer->relay_mark = Heads();
  peer->content_hash = Hash128();
}

// A peer says who it is. False if another peer is that node already.
bool Replica::IsTheOnly(PeerIndex index, const std::string& node_id) {
  for (PeerIndex other = 0; other < peers_.size(); ++other) {
    Peer& twin = peers_[other];
    if (other == index || twin.retired || twin.node_id != node_id) continue;
    if (peers_[index].seed && !twin.seed) {
      Retire(&twin, absl::StrCat("it is also ", peers_[index].address, " of --peers"));
    } else if (!peers_[index].seed && twin.seed) {
      Retire(&peers_[index], absl::StrCat("it is also ", twin.address, " of --peers"));
      return false;
    } else if (other < index) {
      Refuse(&peers_[index], absl::StrCat("node ", node_id, " is in --peers twice, also as ", twin.address));
      return false;
    }
  }
  return true;
}

size_t Replica::member_count() const {
  return 1 + static_cast<size_t>(
                 std::count_if(peers_.begin(), peers_.end(), [](const Peer& peer) { return !peer.retired; }));
}

const MemberRecord* Replica::RecordOf(const std::string& node_id) const {
  const auto it = members_.find(node_id);
  return it == members_.end() ? nullptr : &it->second.record;
}

// Whether the node takes no part any more, and all members know that it was removed, if it was: whoever does
// takes in nothing more of its lives.
bool Replica::IsGoneFor(const std::string& node_id, const std::vector<Standing>& members) const {
  const auto it = members_.find(node_id);
  if (it == members_.end()) return true;
  return std::all_of(members.begin(), members.end(),
                     [&](const Standing& member) { return member.heads->Covers(it->second.timestamp); });
}

// Two records of one key have met. Whoever records the peers that he knows of, or takes a node in, may not
// have heard that it was removed; the later write wins, so what it did not know is written again.
void Replica::ConsiderRecord(const std::string& key, const Version& winner, const Version& loser) {
  if (!winner.value || !loser.value) return;
  if (Corrected(key, winner.value->bytes, loser.value->bytes)) corrections_.push_back({key, loser.value});
}

// In the group that has taken in the records: what this node knows must not be lost with its process. Others
// of the group may have said it since.
void Replica::CorrectRecords() {
  for (const Operation& known : std::exchange(corrections_, {})) {
    const absl::StatusOr<const Version*> present = table_.Find(known.key);
    if (!present.ok() || *present == nullptr || !(*present)->value) continue;
    auto corrected = Corrected(known.key, (*present)->value->bytes, known.value->bytes);
    if (!corrected) continue;
    Note(absl::StrCat("the record ", known.key.substr(1),
                      " was written by somebody who did not know all of it"));
    Proposal proposal;
    proposal.operations.push_back({known.key, Value{Value::Kind::kData, *std::move(corrected)},
                                   IsConflictKey(known.key) ? ledger_.limits().age_max_ms : 0});
    const auto written = IsLedgerKey(known.key) ? WriteUnchecked(proposal, RequestTag()) : WriteNow(proposal);
    if (!written.ok()) {
      Note(absl::StrCat("cannot correct it: ", written.status().message()));
    }
  }
  FollowRecords();
}

// Once there are records at all, everybody's is written by whoever knows him, so that a node which joins
// later learns of all. While others' writes are on their way there may be a record among them, and whoever
// has lost part of its data is still to get its own ones back.
void Replica::RecordPeers() {
  if (!receiver_.PendingBesides("").empty()) return;
  if (members_.empty() || !life_decided_ || state_.refilling || WriteRefusal()) return;
  Proposal missing;
  AddMissingRecords(*this, &missing);
  if (missing.operations.empty()) return;
  if (const auto written = WriteNow(missing); !written.ok()) {
    Note(absl::StrCat("cannot record the members: ", written.status().message()));
  }
}

// Whether a peer may speak of itself, by the records.
bool Replica::IsRefused(const std::string& node_id, uint64_t birth) const {
  if (LAMPPOST_MUTATION(kRemovedNotRefused)) return false;
  const MemberRecord* record = RecordOf(node_id);
  return record != nullptr && (record->state == MemberState::kRemoved || IsBarred(*record, birth));
}

// Whoever is refused for another reason is a member.
bool Replica::MeansMember(Refusal refusal) {
  return refusal == Refusal::kNone || refusal == Refusal::kGap || refusal == Refusal::kOtherLife ||
         refusal == Refusal::kFenced || refusal == Refusal::kStorage || refusal == Refusal::kBusy;
}

void Replica::Join() {
  is_stranger_ = is_double_ = false;
  if (state_.joined) return;
  state_.joined = true;
  state_changed_ = true;
}

// With an empty disk it waits to be added, like one that has never been a member.
void Replica::Part() {
  if (state_.removed) return;
  is_stranger_ = true;
  if (!state_.joined) return;
  state_.joined = false;
  state_changed_ = true;
}

// Nobody waits for such a node before a deletion is forgotten, so what it wrote now could bring back, when it
// joins, what is deleted meanwhile.
absl::Status Replica::StrangerError() {
  return MakeRetryableError(
      absl::StatusCode::kUnavailable, "NOT_A_MEMBER",
      "the node's peers do not have it among their members: it takes writes once it is added", 1000);
}

// Which of the two the operator means is not to be known here. What this one writes would reach nobody.
absl::Status Replica::DoubleError() {
  return MakeRetryableError(absl::StatusCode::kUnavailable, "DUPLICATE_NODE_ID",
                            "the node's peers know another node by its id: one of the two has to go", 1000);
}

absl::Status Replica::RemovedError() {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "NODE_REMOVED",
      "the node was removed from its cluster: it takes no writes any more, until it has an empty "
      "disk and is added again");
}

std::optional<absl::Status> Replica::WriteRefusal() const {
  if (state_.removed) return RemovedError();
  if (is_double_) return DoubleError();
  if (is_stranger_) return StrangerError();
  return write_refusal_;
}

// A disk that was begun after all that the peer knows of this node waits to be added. One that holds nothing
// counts as new once it has a life above those. Any other may hold what the cluster has forgotten.
void Replica::OnRefusedAsRemoved(const SyncAnswer& answer) {
  if (state_.removed) return;
  const uint64_t newest = answer.heads.NewestIncarnation(options_.node_id);
  if (state_.birth > newest) return;
  if (state_.max_write > 0) return BecomeRemoved();
  if (!life_decided_) return;
  if (state_.incarnation > newest) {
    state_.birth = state_.incarnation;
    state_changed_ = true;
    return;
  }
  state_.birth = 0;
  TakeNewLife("it was removed, and its disk is a new one");
}

void Replica::BecomeRemoved() {
  if (state_.removed) return;
  state_.removed = true;
  state_changed_ = true;
  output_.urgency = Urgency::kMustBeStable;
  for (Peer& peer : peers_) {
    if (peer.state == LinkState::kLive || peer.state == LinkState::kCatchingUp) BeginCatchUp(&peer, {});
  }
  Note("this node was removed from the cluster: it takes no writes any more");
}

}  // namespace lamppost::kv
