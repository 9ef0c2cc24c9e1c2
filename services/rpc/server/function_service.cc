#include "services/rpc/server/function_service.h"

#include <memory>
#include <utility>

#include "services/common/raw_call.h"
#include "services/rpc/core/engine_errors.h"
#include "services/rpc/server/call_reactors.h"
#include "services/rpc/server/codec.h"

namespace lamppost::rpc {
namespace {

FunctionList ListOf(const Engine& engine) {
  FunctionList list;
  list.registry = engine.registry();
  for (const auto& [name, function] : list.registry->functions()) {
    list.loads[name] = {engine.Running(name), engine.Waiting(name)};
  }
  return list;
}

}  // namespace

grpc::ServerUnaryReactor* FunctionServiceImpl::Call(Context* context, const Bytes* in, Bytes* out) {
  return UnaryCall::Start(parts_, context, *in, out);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* FunctionServiceImpl::CallStream(Context* context,
                                                                            const Bytes* in) {
  return StreamedCall::Start(parts_, context, *in);
}

grpc::ServerUnaryReactor* FunctionServiceImpl::GetCall(Context* context, const Bytes* in, Bytes* out) {
  using Call = RawCall<v1::GetCallRequest, v1::GetCallResponse>;
  const auto look = [this](std::unique_ptr<Call> call) {
    const absl::StatusOr<RequestId> id = ParseRequestId(call->request().request_id());
    if (!id.ok()) return Call::Fail(std::move(call), id.status());
    // std::function wants to be copied, so the call travels as a plain pointer; it is called once.
    parts_.driver->Look(*id, [owned = call.release()](const absl::StatusOr<CallInfo>& info) {
      std::unique_ptr<Call> call(owned);
      absl::Status status = info.status();
      if (status.ok()) status = ToProto(*info, call->response());
      if (!status.ok()) return Call::Fail(std::move(call), status);
      call->response()->set_request_id(call->request().request_id());
      Call::Answer(std::move(call));
    });
  };
  return BeginCall<v1::GetCallRequest, v1::GetCallResponse>(parts_.shell, context, in, out,
                                                            security::Right::kCalls, look);
}

grpc::ServerUnaryReactor* FunctionServiceImpl::ListFunctions(Context* context, const Bytes* in, Bytes* out) {
  using Call = RawCall<v1::ListFunctionsRequest, v1::ListFunctionsResponse>;
  const auto list = [this](std::unique_ptr<Call> call) {
    Call* const owned = call.release();
    const absl::Status refusal = parts_.driver->Ask([owned](Engine* engine) {
      std::unique_ptr<Call> call(owned);
      if (engine == nullptr) return Call::Fail(std::move(call), ShuttingDown());
      ToProto(ListOf(*engine), call->response());
      Call::Answer(std::move(call));
    });
    if (!refusal.ok()) Call::Fail(std::unique_ptr<Call>(owned), refusal);
  };
  return BeginCall<v1::ListFunctionsRequest, v1::ListFunctionsResponse>(parts_.shell, context, in, out,
                                                                        security::Right::kCalls, list);
}

}  // namespace lamppost::rpc
