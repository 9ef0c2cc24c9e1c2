#include "services/kv/server/admin_service.h"

#include <memory>
#include <utility>

#include "services/kv/server/conflict_page.h"
#include "services/kv/server/explain.h"
#include "services/kv/server/pending_call.h"
#include "services/kv/server/read_call.h"
#include "services/kv/server/write_call.h"

namespace lamppost::kv {

using security::Right;

grpc::ServerUnaryReactor* AdminServiceImpl::ListMembers(Context* context, const Bytes* in, Bytes* out) {
  return BeginCall<v1::ListMembersRequest, v1::ListMembersResponse>(
      shell_, context, in, out, Right::kAdmin,
      [this](std::unique_ptr<MemberAdmin::ListCall> call) { members_.List(std::move(call)); });
}

grpc::ServerUnaryReactor* AdminServiceImpl::AddMember(Context* context, const Bytes* in, Bytes* out) {
  const absl::Time deadline = absl::FromChrono(context->deadline());
  return BeginCall<v1::AddMemberRequest, v1::AddMemberResponse>(
      shell_, context, in, out, Right::kAdmin, [this, deadline](std::unique_ptr<MemberAdmin::AddCall> call) {
        members_.Add(std::move(call), deadline);
      });
}

grpc::ServerUnaryReactor* AdminServiceImpl::RemoveMember(Context* context, const Bytes* in, Bytes* out) {
  return BeginCall<v1::RemoveMemberRequest, v1::RemoveMemberResponse>(
      shell_, context, in, out, Right::kAdmin,
      [this](std::unique_ptr<MemberAdmin::RemoveCall> call) { members_.Remove(std::move(call)); });
}

grpc::ServerUnaryReactor* AdminServiceImpl::ListConflicts(Context* context, const Bytes* in, Bytes* out) {
  const auto read = [this](const v1::ListConflictsRequest& request, v1::ListConflictsResponse* response) {
    return ConflictPage(*store_, request, response);
  };
  return HandleRead<v1::ListConflictsRequest, v1::ListConflictsResponse>(shell_, context, in, out,
                                                                         Right::kAdmin, read);
}

grpc::ServerUnaryReactor* AdminServiceImpl::Explain(Context* context, const Bytes* in, Bytes* out) {
  using Call = RawCall<v1::ExplainRequest, v1::ExplainResponse>;
  const auto explain = [this](std::unique_ptr<Call> call) {
    const absl::Status status = ExplainStored(*store_, call->request(), call->response());
    if (!status.ok()) return Call::Fail(std::move(call), status);
    auto pending = std::make_shared<PendingCall<Call>>(std::move(call));
    shell_->driver()->Post([pending](Replica* replica) {
      ExplainStanding(*replica, pending->call->response());
      Call::Answer(std::move(pending->call));
    });
  };
  return AwaitSession<v1::ExplainRequest, v1::ExplainResponse>(shell_, context, in, out, Right::kAdmin,
                                                               explain);
}

grpc::ServerUnaryReactor* AdminServiceImpl::SetLinkFault(Context* context, const Bytes* in, Bytes* out) {
  return BeginCall<v1::SetLinkFaultRequest, v1::SetLinkFaultResponse>(
      shell_, context, in, out, Right::kAdmin,
      [this](std::unique_ptr<FaultAdmin::SetCall> call) { faults_.Set(std::move(call)); });
}

grpc::ServerUnaryReactor* AdminServiceImpl::ClearLinkFaults(Context* context, const Bytes* in, Bytes* out) {
  return BeginCall<v1::ClearLinkFaultsRequest, v1::ClearLinkFaultsResponse>(
      shell_, context, in, out, Right::kAdmin,
      [this](std::unique_ptr<FaultAdmin::ClearCall> call) { faults_.Clear(std::move(call)); });
}

grpc::ServerUnaryReactor* AdminServiceImpl::ListLinkFaults(Context* context, const Bytes* in, Bytes* out) {
  return BeginCall<v1::ListLinkFaultsRequest, v1::ListLinkFaultsResponse>(
      shell_, context, in, out, Right::kAdmin,
      [this](std::unique_ptr<FaultAdmin::ListCall> call) { faults_.List(std::move(call)); });
}

grpc::ServerUnaryReactor* AdminServiceImpl::ResolveConflict(Context* context, const Bytes* in, Bytes* out) {
  return HandleWrite<v1::ResolveConflictRequest, v1::ResolveConflictResponse>(limits_, shell_, context, in,
                                                                              out, Right::kAdmin);
}

}  // namespace lamppost::kv
