#include "services/kv/core/membership.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/kv/core/replica.h"

namespace lamppost::kv {
namespace {

const Peer* FindMember(const Replica& replica, const std::string& node_id) {
  for (const Peer& peer : replica.peers()) {
    if (!peer.retired && peer.node_id == node_id) return &peer;
  }
  return nullptr;
}

absl::Status Exists(absl::string_view message) {
  return MakeError(absl::StatusCode::kAlreadyExists, "MEMBER_EXISTS", message);
}

}  // namespace

uint64_t NewestLife(const Replica& replica, const std::string& node_id) {
  uint64_t newest = replica.heads().NewestIncarnation(node_id);
  for (const Peer& peer : replica.peers()) {
    newest = std::max(newest, peer.Known().NewestIncarnation(node_id));
    if (peer.node_id == node_id) newest = std::max(newest, peer.incarnation);
  }
  return newest;
}

Operation RecordOperation(const std::string& node_id, const MemberRecord& record) {
  return {MemberKey(node_id), Value{Value::Kind::kData, EncodeMemberRecord(record)}};
}

std::optional<MemberRecord> CorrectedRecord(const MemberRecord& winner, const MemberRecord& loser) {
  if (winner.barred_birth >= loser.barred_birth) return std::nullopt;
  MemberRecord record = winner;
  record.barred_birth = loser.barred_birth;
  if (loser.state == MemberState::kRemoved) record.state = MemberState::kRemoved;
  return record;
}

absl::StatusOr<Proposal> ProposeMember(const Replica& replica, const std::string& node_id,
                                       const std::string& address) {
  if (node_id == replica.me().node_id) return Exists("the node that was asked is that node itself");
  const MemberRecord* before = replica.RecordOf(node_id);
  const bool is_recorded = before != nullptr && before->state == MemberState::kMember;
  if (is_recorded || FindMember(replica, node_id) != nullptr) {
    return Exists(absl::StrCat("node ", node_id, " is a member already"));
  }
  for (const Peer& peer : replica.peers()) {
    if (peer.retired || peer.address != address || peer.node_id.empty()) continue;
    return Exists(absl::StrCat(address, " is the address of node ", peer.node_id, ", a member"));
  }
  MemberRecord record;
  record.address = address;
  if (before != nullptr) {
    // Whatever of it has been heard of since, too: its new disk has spoken to nobody who takes it for a
    // member.
    record.barred_birth = std::max(before->barred_birth, NewestLife(replica, node_id));
  }
  Proposal proposal;
  proposal.operations.push_back(RecordOperation(node_id, record));
  AddMissingRecords(replica, &proposal);
  return proposal;
}

absl::StatusOr<Proposal> ProposeRemoval(const Replica& replica, const std::string& node_id, Removal removal) {
  if (node_id == replica.me().node_id) {
    return MakeError(absl::StatusCode::kInvalidArgument, "MEMBER_IS_SELF",
                     "a node does not remove itself: ask another one");
  }
  const MemberRecord* before = replica.RecordOf(node_id);
  const Peer* peer = FindMember(replica, node_id);
  Proposal proposal;
  if (peer == nullptr && before != nullptr && before->state == MemberState::kRemoved) return proposal;
  if (peer == nullptr && before == nullptr) {
    return MakeError(absl::StatusCode::kNotFound, "MEMBER_UNKNOWN",
                     absl::StrCat("there is no member ", node_id));
  }
  if (removal == Removal::kIfAway && peer != nullptr && replica.IsAnswering(*peer)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "MEMBER_IS_LIVE",
                     absl::StrCat("node ", node_id, " answers at present: stop it first, or use force"));
  }
  MemberRecord record;
  record.state = MemberState::kRemoved;
  record.address = before != nullptr ? before->address : peer->address;
  // Of a node that nobody has ever heard of the first life is barred, whatever its number: it may have lived,
  // and written, alone.
  constexpr uint64_t kAnyFirstLife = uint64_t{1} << 32 | 0xFFFFFFFF;
  const uint64_t newest = NewestLife(replica, node_id);
  record.barred_birth = newest != 0 ? newest : kAnyFirstLife;
  if (before != nullptr) record.barred_birth = std::max(record.barred_birth, before->barred_birth);
  proposal.operations.push_back(RecordOperation(node_id, record));
  AddMissingRecords(replica, &proposal);
  return proposal;
}

void AddMissingRecords(const Replica& replica, Proposal* proposal) {
  for (const Peer& peer : replica.peers()) {
    if (peer.retired || peer.node_id.empty() || replica.RecordOf(peer.node_id) != nullptr) continue;
    const std::string key = MemberKey(peer.node_id);
    const bool is_there = std::any_of(proposal->operations.begin(), proposal->operations.end(),
                                      [&](const Operation& operation) { return operation.key == key; });
    if (!is_there)
      proposal->operations.push_back(RecordOperation(peer.node_id, {MemberState::kMember, peer.address, 0}));
  }
}

}  // namespace lamppost::kv
