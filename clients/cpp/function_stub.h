// The servers of functions, one attempt at a time: what the retry loop calls. grpc_function_stub.h is the
// real one; tests script their own.
#ifndef LAMPPOST_CLIENTS_CPP_FUNCTION_STUB_H_
#define LAMPPOST_CLIENTS_CPP_FUNCTION_STUB_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "clients/cpp/attempt.h"
#include "lamppost/rpc/v1/fault_service.pb.h"
#include "lamppost/rpc/v1/function_service.pb.h"
#include "services/common/listen_address.h"

namespace lamppost::client {

// How one attempt of a Call is made.
struct CallPlan {
  int64_t timeout_ms = 0;
  // After so long without an answer, the same request goes out once more, beside the first; unset: never.
  std::optional<int64_t> hedge_delay_ms;
  int hedges_max = 1;
  // The client's clock for a hedge, ticked. Set if hedge_delay_ms is.
  std::function<uint64_t()> tick;
};

// How one attempt of a CallStream is made.
struct StreamPlan {
  int64_t silence_timeout_ms = 0;     // from one message to the next
  std::optional<int64_t> timeout_ms;  // of the whole stream
};

// Each call blocks until it has an answer or its time is up, and never repeats anything by itself.
// Implementations must be thread-safe.
class FunctionStub {
 public:
  using ProgressFn = std::function<void(const rpc::v1::Progress&)>;

  virtual ~FunctionStub() = default;

  // The first success wins, and the others are called off. If all fail, the one that may have done the most
  // counts.
  virtual AttemptEnd Call(const rpc::v1::CallRequest& request, const CallPlan& plan,
                          rpc::v1::CallResponse* response) = 0;
  // `response` gets the message with the outcome; an attempt without one fails. on_progress is called in the
  // calling thread.
  virtual AttemptEnd CallStream(const rpc::v1::CallStreamRequest& request, const StreamPlan& plan,
                                const ProgressFn& on_progress, rpc::v1::CallStreamResponse* response) = 0;

  virtual AttemptEnd GetCall(const rpc::v1::GetCallRequest& request, int64_t timeout_ms,
                             rpc::v1::GetCallResponse* response) = 0;
  virtual AttemptEnd ListFunctions(const rpc::v1::ListFunctionsRequest& request, int64_t timeout_ms,
                                   rpc::v1::ListFunctionsResponse* response) = 0;
  virtual AttemptEnd AddFault(const rpc::v1::AddFaultRequest& request, int64_t timeout_ms,
                              rpc::v1::AddFaultResponse* response) = 0;
  virtual AttemptEnd ClearFaults(const rpc::v1::ClearFaultsRequest& request, int64_t timeout_ms,
                                 rpc::v1::ClearFaultsResponse* response) = 0;
  virtual AttemptEnd ListFaults(const rpc::v1::ListFaultsRequest& request, int64_t timeout_ms,
                                rpc::v1::ListFaultsResponse* response) = 0;
};

using FunctionStubFactory = std::function<std::unique_ptr<FunctionStub>(const std::vector<Address>&)>;

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_FUNCTION_STUB_H_
