// Changes of who belongs to the cluster, as proposals for the replica: checked against what it knows, to be
// handed to it within the same group or soon after.
//
// Pure.
#ifndef LAMPPOST_SERVICES_KV_CORE_MEMBERSHIP_H_
#define LAMPPOST_SERVICES_KV_CORE_MEMBERSHIP_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "services/kv/core/messages.h"
#include "services/kv/core/record.h"

namespace lamppost::kv {

class Replica;

// Whether a member may be removed that answers at present.
enum class Removal { kIfAway, kForced };

// Makes the node a member. ALREADY_EXISTS (MEMBER_EXISTS): it is one, or another is at that address.
absl::StatusOr<Proposal> ProposeMember(const Replica& replica, const std::string& node_id,
                                       const std::string& address);

// Takes the member out; without operations if it has been already. NOT_FOUND (MEMBER_UNKNOWN),
// INVALID_ARGUMENT (MEMBER_IS_SELF), FAILED_PRECONDITION (MEMBER_IS_LIVE).
absl::StatusOr<Proposal> ProposeRemoval(const Replica& replica, const std::string& node_id, Removal removal);

// A write of the node's record.
Operation RecordOperation(const std::string& node_id, const MemberRecord& record);

// What a node's record is to be if one that won by its timestamp was written by somebody who did not know of
// the other: whoever takes a node back bars at least what its removal barred. Nothing if it was known.
std::optional<MemberRecord> CorrectedRecord(const MemberRecord& winner, const MemberRecord& loser);

// The newest life of the node that the replica has heard of; 0: of none.
uint64_t NewestLife(const Replica& replica, const std::string& node_id);

// Adds to the proposal the records of all peers that have said who they are and have none.
void AddMissingRecords(const Replica& replica, Proposal* proposal);

// Whether a data directory that was begun in this life (0: it is empty) is not taken back.
bool IsBarred(const MemberRecord& record, uint64_t birth);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_MEMBERSHIP_H_
