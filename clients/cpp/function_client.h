// The client of lamppost-rpc: functions called by name, however often a call has to be repeated run at most
// once, with deadlines, retries and hedging over any number of servers.
//
//   lamppost::client::FunctionClientOptions options;
//   options.servers = *lamppost::ParseAddresses("10.0.0.1:5000,10.0.0.2:5000");
//   lamppost::client::FunctionClient client(options);
//   auto sum = client.Call("add", {{"a", 1}, {"b", 2}});
//   if (sum.ok()) Use(sum.result());                                      // 3
//   if (sum.outcome == lamppost::client::CallOutcome::kUnknown) …         // ask again with sum.request_id
//
// Every call carries a request id, a UUID of version 7 that is minted once, before the first attempt. The
// client keeps a Lamport clock and carries it from answer to request, over all attempts and hedges.
//
// Thread-safe. Calls block; none throws.
#ifndef LAMPPOST_CLIENTS_CPP_FUNCTION_CLIENT_H_
#define LAMPPOST_CLIENTS_CPP_FUNCTION_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/function_options.h"
#include "clients/cpp/function_stub.h"
#include "clients/cpp/outcome.h"
#include "clients/cpp/uuid_v7.h"
#include "clients/cpp/watermark.h"
#include "services/rpc/core/json.h"

namespace lamppost::client {

// What became of a call.
enum class CallOutcome {
  kResult,          // the function ran and returned
  kFunctionFailed,  // it ran, and failed by itself
  kFailed,          // for certain: the call was not taken, and never will be
  kUnknown,         // nobody knows, or not yet; only the request id can tell
};

struct FunctionCallResult {
  // Of the call, not of the function: OK whenever a server gave an outcome, an unknown one too. As Result<>'s
  // in client.h; made by the client itself is INTERNAL (BAD_ANSWER), too.
  absl::Status status;
  CallOutcome outcome = CallOutcome::kFailed;
  std::string request_id;  // also when it failed; as given if it was no UUID
  std::string server;      // host:port of the one that answered last; all that were asked if none is known
  int attempts = 0;
  int64_t elapsed_ms = 0;     // from the call to its end
  rpc::v1::Outcome answer;    // if status.ok(): result, error or unknown
  uint64_t server_clock = 0;  // with the answer
  bool replayed = false;      // the run was not this call's own

  bool ok() const { return outcome == CallOutcome::kResult; }
  // Of kResult; null otherwise.
  rpc::Json result() const;
};

// How an inquiry ended. `response` is meaningful if ok().
template <typename Response>
struct InquiryResult {
  absl::Status status;
  Outcome outcome = Outcome::kFailed;
  std::string server;
  int attempts = 0;
  Response response;

  bool ok() const { return status.ok(); }
};

class FunctionClient {
 public:
  using ProgressFn = FunctionStub::ProgressFn;

  // Nothing is connected to before the first call. Servers that do not go together (server_target.h) make
  // each call fail with the reason.
  explicit FunctionClient(FunctionClientOptions options, FunctionEnvironment environment = {});
  FunctionClient(const FunctionClient&) = delete;
  FunctionClient& operator=(const FunctionClient&) = delete;

  // Runs a function. JSON params are an object without whole numbers beyond 2^53 (INVALID_ARGUMENT, see
  // struct_json.h).
  FunctionCallResult Call(absl::string_view method, const rpc::Json& params,
                          const FunctionCallOptions& call = {});
  FunctionCallResult Call(absl::string_view method, google::protobuf::Struct params,
                          const FunctionCallOptions& call = {});
  // The same, with the function's progress, told in the calling thread. An attempt goes on while messages
  // come: only silence is bounded by its timeout. Is not hedged.
  FunctionCallResult CallStream(absl::string_view method, const rpc::Json& params, ProgressFn on_progress,
                                const FunctionCallOptions& call = {});
  FunctionCallResult CallStream(absl::string_view method, google::protobuf::Struct params,
                                ProgressFn on_progress, const FunctionCallOptions& call = {});

  // What is known of a request id; NOT_FOUND (REQUEST_ID_UNKNOWN) if nothing is.
  InquiryResult<rpc::v1::GetCallResponse> GetCall(absl::string_view request_id,
                                                  const FunctionCallOptions& call = {});
  InquiryResult<rpc::v1::ListFunctionsResponse> ListFunctions(const FunctionCallOptions& call = {});

  // At one of the servers; with several, make a client for each. AddFault is not repeated once it may have
  // landed.
  InquiryResult<rpc::v1::AddFaultResponse> AddFault(const rpc::v1::Fault& fault,
                                                    const FunctionCallOptions& call = {});
  InquiryResult<rpc::v1::ClearFaultsResponse> ClearFaults(const FunctionCallOptions& call = {});
  InquiryResult<rpc::v1::ListFaultsResponse> ListFaults(const FunctionCallOptions& call = {});

  // With Watermark::kAutomatic: nobody will ask for this id again, whatever became of it.
  void Forget(absl::string_view request_id);

  // The client's Lamport counter.
  uint64_t clock() const { return connection_.clock().now(); }

 private:
  struct Started;

  template <typename Request>
  absl::Status Begin(absl::string_view method, google::protobuf::Struct params,
                     const FunctionCallOptions& call, Request* request, Started* started);
  template <typename Response>
  FunctionCallResult End(const Started& started, CallEnd end, Response* response);
  template <typename Request, typename Response>
  InquiryResult<Response> Inquire(absl::string_view method, CallKind kind,
                                  AttemptEnd (FunctionStub::*stub_method)(const Request&, int64_t, Response*),
                                  Request request, const FunctionCallOptions& call);
  CallPlan PlanOf(int64_t timeout_ms);
  FunctionCallResult Refused(absl::Status status, const FunctionCallOptions& call) const;

  const FunctionEnvironment environment_;  // complete
  const FunctionClientOptions options_;    // with a client id, if one is needed
  const absl::Status servers_status_;
  const std::unique_ptr<FunctionStub> stub_;
  UuidV7Minter minter_;
  WatermarkKeeper open_ids_;
  Connection connection_;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_FUNCTION_CLIENT_H_
