// A plain caller of one lamppost-rpc: no retries, no balancing, so that a test sees what the server itself
// says.
//
// Thread-safe, but for error_clock. Errors are those of the server, with their reason
// (services/common/error.h).
#ifndef LAMPPOST_TESTS_INTEGRATION_RPC_TESTING_RPC_CLIENT_H_
#define LAMPPOST_TESTS_INTEGRATION_RPC_TESTING_RPC_CLIENT_H_

#include <grpcpp/security/credentials.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lamppost/rpc/v1/fault_service.grpc.pb.h"
#include "lamppost/rpc/v1/function_service.grpc.pb.h"
#include "services/clock/timestamp.h"

namespace lamppost::testing {

class RpcClient {
 public:
  using Credentials = std::shared_ptr<grpc::ChannelCredentials>;

  // host:port; in plain text without credentials.
  explicit RpcClient(const std::string& address, absl::Duration timeout = absl::Seconds(10),
                     const Credentials& credentials = nullptr);

  // `params` is JSON text of an object.
  absl::StatusOr<rpc::v1::CallResponse> Call(const std::string& request_id, const std::string& method,
                                             const std::string& params);
  absl::StatusOr<rpc::v1::CallResponse> Call(const rpc::v1::CallRequest& request);
  absl::StatusOr<rpc::v1::GetCallResponse> GetCall(const std::string& request_id);
  absl::StatusOr<rpc::v1::ListFunctionsResponse> ListFunctions();
  absl::Status AddFault(rpc::v1::FaultKind kind, double probability, uint64_t delay_ms, uint32_t times);
  absl::Status ClearFaults();
  bool IsServing(const std::string& service = "");

  // The server's timestamp in the trailers of the last call that failed.
  std::optional<Timestamp> error_clock() const { return error_clock_; }
  rpc::v1::FunctionService::Stub* stub() { return stub_.get(); }

 private:
  template <typename Response, typename Method>
  absl::StatusOr<Response> Invoke(Method method);

  const absl::Duration timeout_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<rpc::v1::FunctionService::Stub> stub_;
  const std::unique_ptr<rpc::v1::FaultService::Stub> faults_;
  std::optional<Timestamp> error_clock_;
};

// A request; params must be a JSON object.
rpc::v1::CallRequest MakeCall(const std::string& request_id, const std::string& method,
                              const std::string& params);
// A new UUID of version 4.
std::string NewRequestId();
// "result" as JSON text; of anything else "error REASON" or "unknown REASON".
std::string TextOf(const rpc::v1::Outcome& outcome);

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_RPC_TESTING_RPC_CLIENT_H_
