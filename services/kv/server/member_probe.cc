#include "services/kv/server/member_probe.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"
#include "lamppost/kv/v1/kv_service.grpc.pb.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"
#include "services/security/server_tls.h"

namespace lamppost::kv {
namespace {

// One call with all that has to outlive it.
struct Probe {
  std::unique_ptr<v1::KvService::Stub> stub;
  grpc::ClientContext context;
  v1::StatusRequest request;
  v1::StatusResponse response;
  std::function<void(absl::StatusOr<NodeIdentity>)> done;
};

absl::Status CheckCertified(const grpc::ClientContext& context, const std::string& node_id) {
  const absl::StatusOr<security::Identity> identity = security::PeerIdentity(*context.auth_context());
  if (!identity.ok()) return identity.status();
  if (*identity == security::Identity{security::Identity::Kind::kNode, node_id}) return absl::OkStatus();
  return MakeError(absl::StatusCode::kPermissionDenied, "NODE_MISMATCH",
                   absl::StrCat("it says that it is node ", node_id, ", and its certificate is that of ",
                                identity->Text()));
}

}  // namespace

void AskWhoIsThere(const Address& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                   absl::Time deadline, std::function<void(absl::StatusOr<NodeIdentity>)> done) {
  auto probe = std::make_shared<Probe>();
  grpc::ChannelArguments arguments;
  // A connection of its own: one that has failed before would be waited for.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  probe->stub = v1::KvService::NewStub(grpc::CreateCustomChannel(
      address.Target(), credentials == nullptr ? grpc::InsecureChannelCredentials() : credentials,
      arguments));
  probe->context.set_deadline(absl::ToChronoTime(deadline));
  probe->done = std::move(done);
  probe->stub->async()->Status(
      &probe->context, &probe->request, &probe->response,
      [probe, is_certified = credentials != nullptr](const grpc::Status& grpc_status) {
        absl::Status status = FromGrpcStatus(grpc_status);
        if (status.ok() && is_certified) status = CheckCertified(probe->context, probe->response.node_id());
        if (!status.ok()) return probe->done(status);
        probe->done(NodeIdentity{probe->response.node_id(), probe->response.cluster(),
                                 probe->response.keys() > 0 || probe->response.tombstones() > 0});
      });
}

}  // namespace lamppost::kv
