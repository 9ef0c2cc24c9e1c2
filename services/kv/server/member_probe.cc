#include "services/kv/server/member_probe.h"

#include <memory>
#include <utility>

#include "grpcpp/grpcpp.h"
#include "lamppost/kv/v1/kv_service.grpc.pb.h"
#include "services/common/grpc_status.h"

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

}  // namespace

void AskWhoIsThere(const Address& address, absl::Time deadline,
                   std::function<void(absl::StatusOr<NodeIdentity>)> done) {
  auto probe = std::make_shared<Probe>();
  grpc::ChannelArguments arguments;
  // A connection of its own: one that has failed before would be waited for.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  probe->stub = v1::KvService::NewStub(
      grpc::CreateCustomChannel(address.Target(), grpc::InsecureChannelCredentials(), arguments));
  probe->context.set_deadline(absl::ToChronoTime(deadline));
  probe->done = std::move(done);
  probe->stub->async()->Status(
      &probe->context, &probe->request, &probe->response, [probe](const grpc::Status& status) {
        if (!status.ok()) return probe->done(FromGrpcStatus(status));
        probe->done(NodeIdentity{probe->response.node_id(), probe->response.cluster(),
                                 probe->response.keys() > 0 || probe->response.tombstones() > 0});
      });
}

}  // namespace lamppost::kv
