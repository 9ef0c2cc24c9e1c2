// The operator's client of lamppost-kv: membership. Deadlines, retries and fail-over are Client's (client.h).
//
// Thread-safe. Calls block; none throws.
#ifndef LAMPPOST_CLIENTS_CPP_ADMIN_CLIENT_H_
#define LAMPPOST_CLIENTS_CPP_ADMIN_CLIENT_H_

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

 private:
  template <typename Request, typename Response>
  using StubMethod = AttemptEnd (AdminStub::*)(const Request&, int64_t, Response*);

  template <typename Request, typename Response>
  Result<Response> Run(absl::string_view method, CallKind kind, StubMethod<Request, Response> stub_method,
                       Request request, const CallOptions& call);

  std::vector<std::unique_ptr<AdminStub>> stubs_;  // in the order of the connection's nodes
  Connection connection_;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_ADMIN_CLIENT_H_
