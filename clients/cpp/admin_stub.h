// One node as its operators see it, one attempt at a time: what the retry loop calls. grpc_admin_stub.h is
// the real one; tests script their own.
#ifndef LAMPPOST_CLIENTS_CPP_ADMIN_STUB_H_
#define LAMPPOST_CLIENTS_CPP_ADMIN_STUB_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "clients/cpp/attempt.h"
#include "lamppost/kv/v1/admin_service.pb.h"
#include "services/common/listen_address.h"

namespace lamppost::client {

namespace v1 = ::lamppost::kv::v1;

// Each call blocks until it has an answer or timeout_ms has passed, and never repeats anything by itself.
// Implementations must be thread-safe.
class AdminStub {
 public:
  virtual ~AdminStub() = default;
  virtual AttemptEnd ListMembers(const v1::ListMembersRequest& request, int64_t timeout_ms,
                                 v1::ListMembersResponse* response) = 0;
  virtual AttemptEnd AddMember(const v1::AddMemberRequest& request, int64_t timeout_ms,
                               v1::AddMemberResponse* response) = 0;
  virtual AttemptEnd RemoveMember(const v1::RemoveMemberRequest& request, int64_t timeout_ms,
                                  v1::RemoveMemberResponse* response) = 0;
  virtual AttemptEnd ListConflicts(const v1::ListConflictsRequest& request, int64_t timeout_ms,
                                   v1::ListConflictsResponse* response) = 0;
  virtual AttemptEnd Explain(const v1::ExplainRequest& request, int64_t timeout_ms,
                             v1::ExplainResponse* response) = 0;
  virtual AttemptEnd ResolveConflict(const v1::ResolveConflictRequest& request, int64_t timeout_ms,
                                     v1::ResolveConflictResponse* response) = 0;
  virtual AttemptEnd SetLinkFault(const v1::SetLinkFaultRequest& request, int64_t timeout_ms,
                                  v1::SetLinkFaultResponse* response) = 0;
  virtual AttemptEnd ClearLinkFaults(const v1::ClearLinkFaultsRequest& request, int64_t timeout_ms,
                                     v1::ClearLinkFaultsResponse* response) = 0;
  virtual AttemptEnd ListLinkFaults(const v1::ListLinkFaultsRequest& request, int64_t timeout_ms,
                                    v1::ListLinkFaultsResponse* response) = 0;
};

using AdminStubFactory = std::function<std::unique_ptr<AdminStub>(const Address&)>;

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_ADMIN_STUB_H_
