#include "services/kv/server/admin_service.h"

#include <memory>
#include <utility>

namespace lamppost::kv {

grpc::ServerUnaryReactor* AdminServiceImpl::ListMembers(Context* context, const Bytes* in, Bytes* out) {
  return BeginCall<v1::ListMembersRequest, v1::ListMembersResponse>(
      shell_, context, in, out,
      [this](std::unique_ptr<MemberAdmin::ListCall> call) { members_.List(std::move(call)); });
}

grpc::ServerUnaryReactor* AdminServiceImpl::AddMember(Context* context, const Bytes* in, Bytes* out) {
  const absl::Time deadline = absl::FromChrono(context->deadline());
  return BeginCall<v1::AddMemberRequest, v1::AddMemberResponse>(
      shell_, context, in, out, [this, deadline](std::unique_ptr<MemberAdmin::AddCall> call) {
        members_.Add(std::move(call), deadline);
      });
}

grpc::ServerUnaryReactor* AdminServiceImpl::RemoveMember(Context* context, const Bytes* in, Bytes* out) {
  return BeginCall<v1::RemoveMemberRequest, v1::RemoveMemberResponse>(
      shell_, context, in, out,
      [this](std::unique_ptr<MemberAdmin::RemoveCall> call) { members_.Remove(std::move(call)); });
}

}  // namespace lamppost::kv
