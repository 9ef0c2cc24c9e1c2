#include "clients/cpp/admin_client.h"

#include <utility>

#include "clients/cpp/grpc_admin_stub.h"
#include "clients/cpp/random.h"
#include "clients/cpp/request_check.h"

namespace lamppost::client {
namespace {

ConnectionOptions ConnectionOptionsOf(const ClientOptions& options, const AdminEnvironment& environment) {
  ConnectionOptions connection;
  for (const Address& address : options.nodes) connection.nodes.push_back(address.HostPort());
  connection.timeout_ms = options.timeout_ms;
  connection.retry = options.retry;
  connection.observer = options.observer;
  connection.time = environment.time ? environment.time : std::make_shared<SteadyTimeSource>();
  connection.random = environment.random ? environment.random : MakeRandomSource();
  return connection;
}

absl::Status Check(const v1::ListMembersRequest&) {
  return absl::OkStatus();
}
absl::Status Check(const v1::AddMemberRequest& request) {
  const absl::Status status = CheckText("the address", request.address(), "ADDRESS_INVALID");
  return status.ok() ? CheckText("the node id", request.node_id(), "NODE_ID_INVALID") : status;
}
absl::Status Check(const v1::RemoveMemberRequest& request) {
  return CheckText("the node id", request.node_id(), "NODE_ID_INVALID");
}
absl::Status Check(const v1::ListConflictsRequest& request) {
  const absl::Status status = CheckKey(request.key());
  return status.ok() ? CheckText("the page token", request.page_token(), "PAGE_TOKEN_INVALID") : status;
}
absl::Status Check(const v1::SetLinkFaultRequest& request) {
  return CheckText("the node id", request.fault().to(), "NODE_ID_INVALID");
}
absl::Status Check(const v1::ClearLinkFaultsRequest& request) {
  return CheckText("the node id", request.to(), "NODE_ID_INVALID");
}
absl::Status Check(const v1::ListLinkFaultsRequest&) {
  return absl::OkStatus();
}
absl::Status Check(const v1::ExplainRequest& request) {
  return CheckKey(request.key());
}
absl::Status Check(const v1::ResolveConflictRequest& request) {
  absl::Status status = CheckRequestId(request.request_id());
  if (status.ok()) status = CheckKey(request.key());
  return status.ok() ? CheckValue(request.value()) : status;
}

}  // namespace

AdminClient::AdminClient(ClientOptions options, AdminEnvironment environment)
    : mint_request_id_(environment.mint_request_id ? environment.mint_request_id : MintRequestId),
      connection_(ConnectionOptionsOf(options, environment)) {
  AdminStubFactory make = environment.stub_factory;
  if (!make) {
    make = [&options](const Address& address) { return MakeGrpcAdminStub(address, options.credentials); };
  }
  for (const Address& address : options.nodes) stubs_.push_back(make(address));
}

template <typename Request, typename Response>
Result<Response> AdminClient::Run(absl::string_view method, CallKind kind,
                                  StubMethod<Request, Response> stub_method, Request request,
                                  const CallOptions& call) {
  Result<Response> result;
  result.status = Check(request);
  if (!result.ok()) return result;
  CallSpec spec{method, kind, "", call.timeout_ms};
  spec.noun = "change";
  CallEnd end = connection_.Call(spec, [&](size_t node, uint64_t clock, int64_t timeout_ms) {
    request.mutable_clock()->set_counter(clock);
    result.response.Clear();
    return (stubs_[node].get()->*stub_method)(request, timeout_ms, &result.response);
  });
  result.status = std::move(end.status);
  result.outcome = end.outcome;
  result.node = std::move(end.node);
  result.attempts = end.attempts;
  return result;
}

Result<v1::ListMembersResponse> AdminClient::ListMembers(const CallOptions& call) {
  return Run("ListMembers", CallKind::kRead, &AdminStub::ListMembers, v1::ListMembersRequest(), call);
}

Result<v1::AddMemberResponse> AdminClient::AddMember(absl::string_view address, absl::string_view node_id,
                                                     const CallOptions& call) {
  v1::AddMemberRequest request;
  request.set_address(std::string(address));
  request.set_node_id(std::string(node_id));
  return Run("AddMember", CallKind::kSingleWrite, &AdminStub::AddMember, std::move(request), call);
}

Result<v1::RemoveMemberResponse> AdminClient::RemoveMember(absl::string_view node_id, Force force,
                                                           const CallOptions& call) {
  v1::RemoveMemberRequest request;
  request.set_node_id(std::string(node_id));
  request.set_force(force == Force::kYes);
  return Run("RemoveMember", CallKind::kRepeatableWrite, &AdminStub::RemoveMember, std::move(request), call);
}

Result<v1::ListConflictsResponse> AdminClient::ListConflicts(v1::ListConflictsRequest request,
                                                             const CallOptions& call) {
  return Run("ListConflicts", CallKind::kRead, &AdminStub::ListConflicts, std::move(request), call);
}

Result<v1::ExplainResponse> AdminClient::Explain(absl::string_view key, const CallOptions& call) {
  v1::ExplainRequest request;
  request.set_key(std::string(key));
  return Run("Explain", CallKind::kRead, &AdminStub::Explain, std::move(request), call);
}

Result<v1::ResolveConflictResponse> AdminClient::ResolveConflict(v1::ResolveConflictRequest request,
                                                                 const CallOptions& call) {
  const std::string request_id = call.request_id.empty() ? mint_request_id_() : call.request_id;
  request.set_request_id(request_id);
  request.set_replicas(call.replicas);
  auto result = Run("ResolveConflict", CallKind::kRepeatableWrite, &AdminStub::ResolveConflict,
                    std::move(request), call);
  result.request_id = request_id;
  return result;
}

// Done twice, each of these is done once.
Result<v1::SetLinkFaultResponse> AdminClient::SetLinkFault(v1::LinkFault fault, const CallOptions& call) {
  v1::SetLinkFaultRequest request;
  *request.mutable_fault() = std::move(fault);
  return Run("SetLinkFault", CallKind::kRepeatableWrite, &AdminStub::SetLinkFault, std::move(request), call);
}

Result<v1::ClearLinkFaultsResponse> AdminClient::ClearLinkFaults(absl::string_view to,
                                                                 const CallOptions& call) {
  v1::ClearLinkFaultsRequest request;
  request.set_to(std::string(to));
  return Run("ClearLinkFaults", CallKind::kRepeatableWrite, &AdminStub::ClearLinkFaults, std::move(request),
             call);
}

Result<v1::ListLinkFaultsResponse> AdminClient::ListLinkFaults(const CallOptions& call) {
  return Run("ListLinkFaults", CallKind::kRead, &AdminStub::ListLinkFaults, v1::ListLinkFaultsRequest(),
             call);
}

}  // namespace lamppost::client
