#include "tests/integration/rpc/testing/rpc_client.h"

#include <google/protobuf/util/json_util.h>
#include <grpcpp/create_channel.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"
#include "services/common/clock_metadata.h"
#include "services/common/grpc_status.h"

namespace lamppost::testing {
namespace {

namespace v1 = rpc::v1;

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           const RpcClient::Credentials& credentials) {
  grpc::ChannelArguments arguments;
  // Servers come back within a test's patience, not within gRPC's.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 500);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return grpc::CreateCustomChannel("ipv4:" + address,
                                   credentials == nullptr ? grpc::InsecureChannelCredentials() : credentials,
                                   arguments);
}

}  // namespace

RpcClient::RpcClient(const std::string& address, absl::Duration timeout, const Credentials& credentials)
    : timeout_(timeout),
      channel_(MakeChannel(address, credentials)),
      stub_(v1::FunctionService::NewStub(channel_)),
      faults_(v1::FaultService::NewStub(channel_)) {}

template <typename Response, typename Method>
absl::StatusOr<Response> RpcClient::Invoke(Method method) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout_));
  Response response;
  const grpc::Status status = method(&context, &response);
  if (status.ok()) return response;
  error_clock_ = ClockFromTrailers(context);
  return FromGrpcStatus(status);
}

absl::StatusOr<v1::CallResponse> RpcClient::Call(const std::string& request_id, const std::string& method,
                                                 const std::string& params) {
  return Call(MakeCall(request_id, method, params));
}

absl::StatusOr<v1::CallResponse> RpcClient::Call(const v1::CallRequest& request) {
  return Invoke<v1::CallResponse>(
      [&](auto* context, auto* response) { return stub_->Call(context, request, response); });
}

absl::StatusOr<v1::GetCallResponse> RpcClient::GetCall(const std::string& request_id) {
  v1::GetCallRequest request;
  request.set_request_id(request_id);
  return Invoke<v1::GetCallResponse>(
      [&](auto* context, auto* response) { return stub_->GetCall(context, request, response); });
}

absl::StatusOr<v1::ListFunctionsResponse> RpcClient::ListFunctions() {
  return Invoke<v1::ListFunctionsResponse>([&](auto* context, auto* response) {
    return stub_->ListFunctions(context, v1::ListFunctionsRequest(), response);
  });
}

absl::Status RpcClient::AddFault(v1::FaultKind kind, double probability, uint64_t delay_ms, uint32_t times) {
  v1::AddFaultRequest request;
  request.mutable_fault()->set_kind(kind);
  request.mutable_fault()->set_probability(probability);
  request.mutable_fault()->set_delay_ms(delay_ms);
  request.mutable_fault()->set_times(times);
  return Invoke<v1::AddFaultResponse>(
             [&](auto* context, auto* response) { return faults_->AddFault(context, request, response); })
      .status();
}

absl::Status RpcClient::ClearFaults() {
  return Invoke<v1::ClearFaultsResponse>([&](auto* context, auto* response) {
           return faults_->ClearFaults(context, v1::ClearFaultsRequest(), response);
         })
      .status();
}

bool RpcClient::IsServing(const std::string& service) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(2)));
  // Between calls nobody looks after a client's connections: one that is being made needs a call that waits.
  context.set_wait_for_ready(true);
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status =
      grpc::health::v1::Health::NewStub(channel_)->Check(&context, request, &response);
  return status.ok() && response.status() == grpc::health::v1::HealthCheckResponse::SERVING;
}

v1::CallRequest MakeCall(const std::string& request_id, const std::string& method,
                         const std::string& params) {
  v1::CallRequest request;
  request.set_request_id(request_id);
  request.set_method(method);
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(params, request.mutable_params()).ok()) << params;
  return request;
}

std::string NewRequestId() {
  std::random_device device;
  const uint32_t a = device(), b = device(), c = device(), d = device();
  return absl::StrFormat("%08x-%04x-4%03x-%04x-%04x%08x", a, b & 0xffff, b >> 20, (c & 0x3fff) | 0x8000,
                         c >> 16, d);
}

std::string TextOf(const v1::Outcome& outcome) {
  if (outcome.has_error()) return absl::StrCat("error ", outcome.error().reason());
  if (outcome.has_unknown()) return absl::StrCat("unknown ", outcome.unknown().reason());
  std::string text;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(outcome.result(), &text).ok());
  return text;
}

}  // namespace lamppost::testing
