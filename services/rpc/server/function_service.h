// FunctionService over gRPC's callback API: parses, checks, and hands calls to the driver. Nothing blocks.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_FUNCTION_SERVICE_H_
#define LAMPPOST_SERVICES_RPC_SERVER_FUNCTION_SERVICE_H_

#include <atomic>
#include <cstddef>

#include "lamppost/rpc/v1/function_service.grpc.pb.h"
#include "services/common/call_shell.h"
#include "services/rpc/server/call_flow.h"
#include "services/rpc/server/driver.h"
#include "services/rpc/server/faults.h"

namespace lamppost::rpc {

// All methods take and give bytes; services/common/raw_call.h tells why.
using RawFunctionService = v1::FunctionService::WithRawCallbackMethod_Call<
    v1::FunctionService::WithRawCallbackMethod_CallStream<v1::FunctionService::WithRawCallbackMethod_GetCall<
        v1::FunctionService::WithRawCallbackMethod_ListFunctions<v1::FunctionService::Service>>>>;

class FunctionServiceImpl : public RawFunctionService {
 public:
  // Of Call and CallStream, over all connections.
  static constexpr size_t kCallsMax = 20'000;

  using Context = grpc::CallbackServerContext;
  using Bytes = grpc::ByteBuffer;

  // All must outlive the service.
  FunctionServiceImpl(CallShell* shell, Driver* driver, Faults* faults, size_t calls_max = kCallsMax)
      : parts_{shell, driver, faults, &calls_under_way_, calls_max} {}

  size_t calls_under_way() const { return calls_under_way_.load(std::memory_order_relaxed); }
  size_t calls_max() const { return parts_.calls_max; }

  grpc::ServerUnaryReactor* Call(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* CallStream(Context* context, const Bytes* in) override;
  grpc::ServerUnaryReactor* GetCall(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerUnaryReactor* ListFunctions(Context* context, const Bytes* in, Bytes* out) override;

 private:
  std::atomic<size_t> calls_under_way_{0};
  const CallParts parts_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_SERVER_FUNCTION_SERVICE_H_
