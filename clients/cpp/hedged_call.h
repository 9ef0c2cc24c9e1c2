// One attempt of a Call: an RPC and, if it takes long, a second one beside it with the same request id.
#ifndef LAMPPOST_CLIENTS_CPP_HEDGED_CALL_H_
#define LAMPPOST_CLIENTS_CPP_HEDGED_CALL_H_

#include <chrono>

#include "clients/cpp/function_stub.h"
#include "lamppost/rpc/v1/function_service.grpc.pb.h"

namespace lamppost::client {

// Blocks until there is a success or all RPCs have ended; at the deadline at the latest. No RPC goes on
// afterwards. Thread-safe.
AttemptEnd RunHedgedCall(rpc::v1::FunctionService::Stub* stub, const rpc::v1::CallRequest& request,
                         const CallPlan& plan, std::chrono::system_clock::time_point deadline,
                         rpc::v1::CallResponse* response);

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_HEDGED_CALL_H_
