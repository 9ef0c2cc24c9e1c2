// AdminService over gRPC's callback API.
#ifndef LAMPPOST_SERVICES_KV_SERVER_ADMIN_SERVICE_H_
#define LAMPPOST_SERVICES_KV_SERVER_ADMIN_SERVICE_H_

#include "lamppost/kv/v1/admin_service.grpc.pb.h"
#include "services/kv/server/snapshot_call.h"

namespace lamppost::kv {

// All methods take and give bytes; services/common/raw_call.h tells why.
using RawAdminService = v1::AdminService::WithRawCallbackMethod_Snapshot<v1::AdminService::Service>;

class AdminServiceImpl : public RawAdminService {
 public:
  // Must outlive the service.
  explicit AdminServiceImpl(SnapshotCalls* snapshots) : snapshots_(snapshots) {}

  grpc::ServerWriteReactor<grpc::ByteBuffer>* Snapshot(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request) override {
    return snapshots_->Start(context, request);
  }

 private:
  SnapshotCalls* const snapshots_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_ADMIN_SERVICE_H_
