// AdminService over gRPC's callback API: parses, and hands each call to the part that does it.
#ifndef LAMPPOST_SERVICES_KV_SERVER_ADMIN_SERVICE_H_
#define LAMPPOST_SERVICES_KV_SERVER_ADMIN_SERVICE_H_

#include <string>
#include <utility>

#include "lamppost/kv/v1/admin_service.grpc.pb.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/store.h"
#include "services/kv/server/fault_admin.h"
#include "services/kv/server/member_admin.h"
#include "services/kv/server/shell.h"
#include "services/kv/server/snapshot_call.h"
#include "services/kv/server/trace_calls.h"

namespace lamppost::kv {

// All methods take and give bytes; services/common/raw_call.h tells why.
using RawAdminService = v1::AdminService::WithRawCallbackMethod_ListMembers<
    v1::AdminService::WithRawCallbackMethod_AddMember<v1::AdminService::WithRawCallbackMethod_RemoveMember<
        v1::AdminService::WithRawCallbackMethod_ListConflicts<
            v1::AdminService::WithRawCallbackMethod_ResolveConflict<
                v1::AdminService::WithRawCallbackMethod_Explain<
                    v1::AdminService::WithRawCallbackMethod_SetLinkFault<
                        v1::AdminService::WithRawCallbackMethod_ClearLinkFaults<
                            v1::AdminService::WithRawCallbackMethod_ListLinkFaults<
                                v1::AdminService::WithRawCallbackMethod_Trace<
                                    v1::AdminService::WithRawCallbackMethod_Snapshot<
                                        v1::AdminService::Service>>>>>>>>>>>;

class AdminServiceImpl : public RawAdminService {
 public:
  using Context = grpc::CallbackServerContext;
  using Bytes = grpc::ByteBuffer;

  // All must outlive the service. faults: as FaultAdmin's.
  AdminServiceImpl(MemberAdminOptions members, Limits limits, Shell* shell, const Store* store,
                   SnapshotCalls* snapshots, FaultyOutbox* faults, TraceCalls* traces)
      : limits_(limits),
        shell_(shell),
        store_(store),
        members_(std::move(members), shell),
        snapshots_(snapshots),
        faults_(shell, faults),
        traces_(traces) {}

  grpc::ServerUnaryReactor* ListMembers(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* AddMember(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* RemoveMember(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* ListConflicts(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* Explain(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* ResolveConflict(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* SetLinkFault(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* ClearLinkFaults(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* ListLinkFaults(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerWriteReactor<Bytes>* Trace(Context* context, const Bytes* in) override {
    return traces_->Start(context, in);
  }
  grpc::ServerWriteReactor<Bytes>* Snapshot(Context* context, const Bytes* in) override {
    return snapshots_->Start(context, in);
  }

 private:
  const Limits limits_;
  Shell* const shell_;
  const Store* const store_;
  MemberAdmin members_;
  SnapshotCalls* const snapshots_;
  FaultAdmin faults_;
  TraceCalls* const traces_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_ADMIN_SERVICE_H_
