// ListMembers, AddMember and RemoveMember: what AdminService does about membership. The replica decides
// (core/membership.h); a node that is to be added is asked who it is first.
#ifndef LAMPPOST_SERVICES_KV_SERVER_MEMBER_ADMIN_H_
#define LAMPPOST_SERVICES_KV_SERVER_MEMBER_ADMIN_H_

#include <memory>
#include <string>

#include "lamppost/kv/v1/admin_service.pb.h"
#include "services/common/raw_call.h"
#include "services/kv/core/replica.h"
#include "services/kv/server/shell.h"

namespace lamppost::kv {

// As the node knows them, by node id. now_ms is the replica's time, now_unix_ms the wall clock.
void FillMembers(const Replica& replica, uint64_t now_ms, uint64_t now_unix_ms,
                 v1::ListMembersResponse* response);

struct MemberAdminOptions {
  std::string cluster;
  std::shared_ptr<grpc::ChannelCredentials> credentials;  // see PeerLink
};

// Thread-safe.
class MemberAdmin {
 public:
  using ListCall = RawCall<v1::ListMembersRequest, v1::ListMembersResponse>;
  using AddCall = RawCall<v1::AddMemberRequest, v1::AddMemberResponse>;
  using RemoveCall = RawCall<v1::RemoveMemberRequest, v1::RemoveMemberResponse>;

  // The shell must outlive it.
  MemberAdmin(MemberAdminOptions options, Shell* shell) : options_(std::move(options)), shell_(shell) {}

  // Each ends its call, soon or later. `deadline` is the caller's.
  void List(std::unique_ptr<ListCall> call);
  void Add(std::unique_ptr<AddCall> call, absl::Time deadline);
  void Remove(std::unique_ptr<RemoveCall> call);

 private:
  // What a node that is to be added has in its store.
  enum class Holding { kNothing, kSomething };

  void Record(std::unique_ptr<AddCall> call, const std::string& node_id, const std::string& address,
              Holding holding);

  const MemberAdminOptions options_;
  Shell* const shell_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_MEMBER_ADMIN_H_
