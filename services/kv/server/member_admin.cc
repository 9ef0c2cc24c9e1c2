#include "services/kv/server/member_admin.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/listen_address.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/membership.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/member_probe.h"
#include "services/kv/server/pending_call.h"
#include "services/kv/server/wall_clock.h"

namespace lamppost::kv {
namespace {

// A node that is there answers in a moment; the caller is to hear of one that is not.
constexpr absl::Duration kProbeMax = absl::Seconds(2);

v1::MemberState StateOf(const MemberRecord* record) {
  if (record == nullptr) return v1::MEMBER_STATE_SEED;
  return record->state == MemberState::kMember ? v1::MEMBER_STATE_MEMBER : v1::MEMBER_STATE_REMOVED;
}

// Waits for a record to be durable, and ends the call then.
template <typename Call>
class RecordWaiter : public WriteWaiter {
 public:
  explicit RecordWaiter(std::unique_ptr<Call> call) : call_(std::move(call)) {}

  void Done(const absl::StatusOr<WriteResult>& result) override {
    const std::unique_ptr<RecordWaiter> self(this);
    if (!result.ok()) return Call::Fail(std::move(call_), result.status());
    Call::Answer(std::move(call_));
  }

 private:
  std::unique_ptr<Call> call_;
};

// On the driver's thread: writes what the replica has agreed to; without operations there is nothing to do.
template <typename Call>
void Write(Driver* driver, absl::StatusOr<Proposal> proposal, std::unique_ptr<Call> call) {
  if (!proposal.ok()) return Call::Fail(std::move(call), proposal.status());
  if (proposal->operations.empty()) return Call::Answer(std::move(call));
  uint64_t bytes = 0;
  for (const Operation& operation : proposal->operations) {
    bytes += operation.key.size() + operation.value->bytes.size();
  }
  driver->Propose(*std::move(proposal), bytes, new RecordWaiter<Call>(std::move(call)));
}

absl::Status CheckIdentity(const NodeIdentity& found, const std::string& cluster,
                           const std::string& wanted_id) {
  const auto mismatch = [](absl::string_view message) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "MEMBER_MISMATCH", message);
  };
  if (found.cluster != cluster) {
    return mismatch(absl::StrCat("the node there belongs to cluster ", found.cluster, ", not to ", cluster));
  }
  if (!wanted_id.empty() && found.node_id != wanted_id) {
    return mismatch(absl::StrCat("the node there is ", found.node_id, ", not ", wanted_id));
  }
  return CheckNodeId(found.node_id);
}

// What it holds may have been deleted here, and the deletion forgotten: nobody waited for it.
absl::Status NotEmpty(const std::string& node_id) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "MEMBER_NOT_EMPTY",
                   absl::StrCat("node ", node_id,
                                " holds data, and a node joins without: empty its data "
                                "directory, start it again, and then add it"));
}

}  // namespace

void FillMembers(const Replica& replica, uint64_t now_ms, uint64_t now_unix_ms,
                 v1::ListMembersResponse* response) {
  v1::Member* self = response->add_members();
  self->set_node_id(replica.me().node_id);
  self->set_state(replica.state().removed ? v1::MEMBER_STATE_REMOVED
                                          : StateOf(replica.RecordOf(replica.me().node_id)));
  self->set_self(true);
  for (const Peer& peer : replica.peers()) {
    if (peer.retired) continue;
    v1::Member* member = response->add_members();
    member->set_node_id(peer.node_id);
    member->set_address(peer.address);
    member->set_state(StateOf(replica.RecordOf(peer.node_id)));
    if (!peer.answered) continue;
    ToProto(now_unix_ms - std::min(now_unix_ms, now_ms - peer.last_answer_ms), member->mutable_last_answer());
  }
  for (const auto& [node_id, recorded] : replica.member_records()) {
    if (recorded.record.state != MemberState::kRemoved || node_id == replica.me().node_id) continue;
    v1::Member* member = response->add_members();
    member->set_node_id(node_id);
    member->set_address(recorded.record.address);
    member->set_state(v1::MEMBER_STATE_REMOVED);
  }
  std::sort(response->mutable_members()->begin(), response->mutable_members()->end(),
            [](const v1::Member& a, const v1::Member& b) {
              return std::tie(a.node_id(), a.address()) < std::tie(b.node_id(), b.address());
            });
}

void MemberAdmin::List(std::unique_ptr<ListCall> call) {
  auto pending = std::make_shared<PendingCall<ListCall>>(std::move(call));
  shell_->driver()->Post([pending](Replica* replica) {
    FillMembers(*replica, MonotonicMs(), UnixMs(), pending->call->response());
    ListCall::Answer(std::move(pending->call));
  });
}

void MemberAdmin::Add(std::unique_ptr<AddCall> call, absl::Time deadline) {
  const std::string wanted_id = call->request().node_id();
  const absl::StatusOr<Address> address = ParseAddress(call->request().address());
  absl::Status status;
  if (!address.ok()) {
    status = MakeError(absl::StatusCode::kInvalidArgument, "ADDRESS_INVALID", address.status().message());
  } else if (!wanted_id.empty()) {
    status = CheckNodeId(wanted_id);
  }
  if (!status.ok()) return AddCall::Fail(std::move(call), status);
  const std::string normal = address->Url(  // as the peers of --peers
      options_.credentials == nullptr ? Transport::kPlainText : Transport::kTls);
  auto pending = std::make_shared<PendingCall<AddCall>>(std::move(call));
  const absl::Time now = absl::Now();
  const auto on_answer = [this, pending, wanted_id, normal](const absl::StatusOr<NodeIdentity>& found) {
    absl::Status refusal;
    if (found.ok()) {
      refusal = CheckIdentity(*found, options_.cluster, wanted_id);
    } else if (wanted_id.empty()) {
      refusal = MakeRetryableError(
          absl::StatusCode::kUnavailable, "MEMBER_UNREACHABLE",
          absl::StrCat("nobody at ", normal, " says who he is: ", found.status().message()), 1000);
    }
    if (!refusal.ok()) return AddCall::Fail(std::move(pending->call), refusal);
    const Holding holding = found.ok() && found->holds_data ? Holding::kSomething : Holding::kNothing;
    Record(std::move(pending->call), found.ok() ? found->node_id : wanted_id, normal, holding);
  };
  // Half of the caller's time, so that he hears what came of it.
  AskWhoIsThere(*address, options_.credentials, std::min(now + kProbeMax, now + (deadline - now) / 2),
                on_answer);
}

void MemberAdmin::Record(std::unique_ptr<AddCall> call, const std::string& node_id,
                         const std::string& address, Holding holding) {
  v1::Member* member = call->response()->mutable_member();
  member->set_node_id(node_id);
  member->set_address(address);
  member->set_state(v1::MEMBER_STATE_MEMBER);
  auto pending = std::make_shared<PendingCall<AddCall>>(std::move(call));
  shell_->driver()->Post([this, pending, node_id, address, holding](Replica* replica) {
    absl::StatusOr<Proposal> proposal = ProposeMember(*replica, node_id, address);
    if (proposal.ok() && holding == Holding::kSomething) proposal = NotEmpty(node_id);
    Write(shell_->driver(), std::move(proposal), std::move(pending->call));
  });
}

void MemberAdmin::Remove(std::unique_ptr<RemoveCall> call) {
  if (absl::Status status = CheckNodeId(call->request().node_id()); !status.ok()) {
    return RemoveCall::Fail(std::move(call), status);
  }
  auto pending = std::make_shared<PendingCall<RemoveCall>>(std::move(call));
  shell_->driver()->Post([this, pending](Replica* replica) {
    const v1::RemoveMemberRequest& request = pending->call->request();
    const Removal removal = request.force() ? Removal::kForced : Removal::kIfAway;
    absl::StatusOr<Proposal> proposal = ProposeRemoval(*replica, request.node_id(), removal);
    Write(shell_->driver(), std::move(proposal), std::move(pending->call));
  });
}

}  // namespace lamppost::kv
