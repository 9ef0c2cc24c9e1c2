// FaultService over gRPC's callback API.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_FAULT_SERVICE_H_
#define LAMPPOST_SERVICES_RPC_SERVER_FAULT_SERVICE_H_

#include "lamppost/rpc/v1/fault_service.grpc.pb.h"
#include "services/common/call_shell.h"
#include "services/rpc/server/faults.h"

namespace lamppost::rpc {

// All methods take and give bytes; services/common/raw_call.h tells why.
using RawFaultService =
    v1::FaultService::WithRawCallbackMethod_AddFault<v1::FaultService::WithRawCallbackMethod_ClearFaults<
        v1::FaultService::WithRawCallbackMethod_ListFaults<v1::FaultService::Service>>>;

class FaultServiceImpl : public RawFaultService {
 public:
  using Context = grpc::CallbackServerContext;
  using Bytes = grpc::ByteBuffer;

  // Both must outlive the service.
  FaultServiceImpl(CallShell* shell, Faults* faults) : shell_(shell), faults_(faults) {}

  grpc::ServerUnaryReactor* AddFault(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* ClearFaults(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* ListFaults(Context* context, const Bytes* in, Bytes* out) override;

 private:
  CallShell* const shell_;
  Faults* const faults_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_SERVER_FAULT_SERVICE_H_
