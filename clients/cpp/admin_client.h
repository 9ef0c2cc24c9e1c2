// The operator's client of lamppost-kv: membership, conflicts and faults. Deadlines, retries and fail-over
// are Client's (client.h).
//
// Thread-safe. Calls block; none throws.
#ifndef LAMPPOST_CLIENTS_CPP_ADMIN_CLIENT_H_
#define LAMPPOST_CLIENTS_CPP_ADMIN_CLIENT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "clients/cpp/admin_stub.h"
#include "clients/cpp/client.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/options.h"

namespace lamppost::client {

// What it takes from the world. Empty members mean the real thing.
struct AdminEnvironment {
  std::shared_ptr<TimeSource> time;
  RandomSource random;
  AdminStubFactory stub_factory;
  std::function<std::string()> mint_request_id;
};

// Whether a member that answers at present may be removed.
enum class Force { kNo, kYes };

class AdminClient {
 public:
  // `options.nodes` must not be empty. Nothing is connected to before the first call.
  explicit AdminClient(ClientOptions options, AdminEnvironment environment = {});
  AdminClient(const AdminClient&) = delete;
  AdminClient& operator=(const AdminClient&) = delete;

  // As the node that answers knows them.
  Result<v1::ListMembersResponse> ListMembers(const CallOptions& call = {});
  // address: host:port, with or without http://. node_id may be empty: the node there is asked for it. Not
  // repeated once it may have been done: a repetition would be told that the member exists.
  Result<v1::AddMemberResponse> AddMember(absl::string_view address, absl::string_view node_id,
                                          const CallOptions& call = {});
  // A member that has been removed already is removed.
  Result<v1::RemoveMemberResponse> RemoveMember(absl::string_view node_id, Force force,
                                                const CallOptions& call = {});
  // One page; the request's clock is overwritten.
  Result<v1::ListConflictsResponse> ListConflicts(v1::ListConflictsRequest request,
                                                  const CallOptions& call = {});
  // All that the node that answers knows of the key.
  Result<v1::ExplainResponse> Explain(absl::string_view key, const CallOptions& call = {});
  // Of the request only what is to be kept, the key and the loser count; a request id is minted unless `call`
  // has one.
  Result<v1::ResolveConflictResponse> ResolveConflict(v1::ResolveConflictRequest request,
                                                      const CallOptions& call = {});

  // Faults on the way from the node that answers to others: what is in force at one node is so at no other,
  // so these are for a client of one node. FAULT_INVALID, LINK_TO_SELF, MEMBER_UNKNOWN, FAULTS_DISABLED.
  Result<v1::SetLinkFaultResponse> SetLinkFault(v1::LinkFault fault, const CallOptions& call = {});
  // to: only the one that leads there; empty: all.
  Result<v1::ClearLinkFaultsResponse> ClearLinkFaults(absl::string_view to, const CallOptions& call = {});
  Result<v1::ListLinkFaultsResponse> ListLinkFaults(const CallOptions& call = {});

 private:
  template <typename Request, typename Response>
  using StubMethod = AttemptEnd (AdminStub::*)(const Request&, int64_t, Response*);

  template <typename Request, typename Response>
  Result<Response> Run(absl::string_view method, CallKind kind, StubMethod<Request, Response> stub_method,
                       Request request, const CallOptions& call);

  const std::function<std::string()> mint_request_id_;
  std::vector<std::unique_ptr<AdminStub>> stubs_;  // in the order of the connection's nodes
  Connection connection_;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_ADMIN_CLIENT_H_
