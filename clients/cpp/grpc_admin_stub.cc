#include "clients/cpp/grpc_admin_stub.h"

#include <memory>

#include "clients/cpp/grpc_attempt.h"
#include "clients/cpp/ready_link.h"
#include "lamppost/kv/v1/admin_service.grpc.pb.h"

namespace lamppost::client {
namespace {

constexpr int kReceiveBytesMax = 4 << 20;

struct Stubs {
  explicit Stubs(const std::shared_ptr<grpc::Channel>& channel) : admin(v1::AdminService::NewStub(channel)) {}

  const std::unique_ptr<v1::AdminService::Stub> admin;
};

class GrpcAdminStub final : public AdminStub {
 public:
  GrpcAdminStub(const Address& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials)
      : link_(address.HostPort(), [target = address.Target(), credentials](ReadyLink<Stubs>::Deadline) {
          return OpenChannel(target, LinkArguments(kReceiveBytesMax), credentials);
        }) {}

  AttemptEnd ListMembers(const v1::ListMembersRequest& request, int64_t timeout_ms,
                         v1::ListMembersResponse* response) override {
    return Invoke(&v1::AdminService::Stub::ListMembers, request, timeout_ms, response);
  }
  AttemptEnd AddMember(const v1::AddMemberRequest& request, int64_t timeout_ms,
                       v1::AddMemberResponse* response) override {
    return Invoke(&v1::AdminService::Stub::AddMember, request, timeout_ms, response);
  }
  AttemptEnd RemoveMember(const v1::RemoveMemberRequest& request, int64_t timeout_ms,
                          v1::RemoveMemberResponse* response) override {
    return Invoke(&v1::AdminService::Stub::RemoveMember, request, timeout_ms, response);
  }
  AttemptEnd ListConflicts(const v1::ListConflictsRequest& request, int64_t timeout_ms,
                           v1::ListConflictsResponse* response) override {
    return Invoke(&v1::AdminService::Stub::ListConflicts, request, timeout_ms, response);
  }
  AttemptEnd Explain(const v1::ExplainRequest& request, int64_t timeout_ms,
                     v1::ExplainResponse* response) override {
    return Invoke(&v1::AdminService::Stub::Explain, request, timeout_ms, response);
  }
  AttemptEnd ResolveConflict(const v1::ResolveConflictRequest& request, int64_t timeout_ms,
                             v1::ResolveConflictResponse* response) override {
    return Invoke(&v1::AdminService::Stub::ResolveConflict, request, timeout_ms, response);
  }
  AttemptEnd SetLinkFault(const v1::SetLinkFaultRequest& request, int64_t timeout_ms,
                          v1::SetLinkFaultResponse* response) override {
    return Invoke(&v1::AdminService::Stub::SetLinkFault, request, timeout_ms, response);
  }
  AttemptEnd ClearLinkFaults(const v1::ClearLinkFaultsRequest& request, int64_t timeout_ms,
                             v1::ClearLinkFaultsResponse* response) override {
    return Invoke(&v1::AdminService::Stub::ClearLinkFaults, request, timeout_ms, response);
  }
  AttemptEnd ListLinkFaults(const v1::ListLinkFaultsRequest& request, int64_t timeout_ms,
                            v1::ListLinkFaultsResponse* response) override {
    return Invoke(&v1::AdminService::Stub::ListLinkFaults, request, timeout_ms, response);
  }

 private:
  template <typename Request, typename Response>
  using Method = grpc::Status (v1::AdminService::Stub::*)(grpc::ClientContext*, const Request&, Response*);

  template <typename Request, typename Response>
  AttemptEnd Invoke(Method<Request, Response> method, const Request& request, int64_t timeout_ms,
                    Response* response) {
    return AttemptOver(&link_, timeout_ms, response, [&](Stubs* stubs, grpc::ClientContext* context) {
      return (stubs->admin.get()->*method)(context, request, response);
    });
  }

  ReadyLink<Stubs> link_;
};

}  // namespace

std::unique_ptr<AdminStub> MakeGrpcAdminStub(const Address& address,
                                             const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  return std::make_unique<GrpcAdminStub>(address, credentials);
}

}  // namespace lamppost::client
