#include "clients/cpp/function_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cpp/grpc_function_stub.h"
#include "clients/cpp/random.h"
#include "clients/cpp/server_target.h"
#include "clients/cpp/struct_json.h"
#include "services/common/error.h"
#include "services/common/utf8.h"

namespace lamppost::client {
namespace {

constexpr size_t kClientIdBytesMax = 64;

FunctionEnvironment Complete(const FunctionClientOptions& options, FunctionEnvironment environment) {
  if (!environment.time) environment.time = std::make_shared<SteadyTimeSource>();
  if (!environment.random) environment.random = MakeRandomSource();
  if (!environment.stub_factory) {
    environment.stub_factory = [credentials = options.credentials](const std::vector<Address>& servers) {
      return MakeGrpcFunctionStub(servers, credentials);
    };
  }
  return environment;
}

FunctionClientOptions Complete(FunctionClientOptions options) {
  if (options.watermark == Watermark::kAutomatic && options.client_id.empty()) {
    options.client_id = MintRequestId();
  }
  return options;
}

ConnectionOptions ConnectionOptionsOf(const FunctionClientOptions& options,
                                      const FunctionEnvironment& environment) {
  ConnectionOptions connection;
  // gRPC chooses among the servers, so they are one node to the retry loop.
  connection.nodes = {absl::StrJoin(options.servers, ",", [](std::string* out, const Address& server) {
    absl::StrAppend(out, server.HostPort());
  })};
  connection.timeout_ms = options.timeout_ms;
  connection.retry = options.retry;
  connection.observer = options.observer;
  connection.time = environment.time;
  connection.random = environment.random;
  return connection;
}

absl::Status CheckOptions(const FunctionClientOptions& options) {
  const std::string& id = options.client_id;
  const bool printable = std::all_of(id.begin(), id.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!printable || id.size() > kClientIdBytesMax) {
    return MakeError(absl::StatusCode::kInvalidArgument, "CLIENT_ID_INVALID",
                     absl::StrCat("a client id is 1 to ", kClientIdBytesMax, " printable ASCII characters"));
  }
  return CheckServers(options.servers);
}

CallOutcome OutcomeOf(const rpc::v1::Outcome& answer) {
  switch (answer.kind_case()) {
    case rpc::v1::Outcome::kResult:
      return CallOutcome::kResult;
    case rpc::v1::Outcome::kError:
      return CallOutcome::kFunctionFailed;
    default:
      return CallOutcome::kUnknown;
  }
}

}  // namespace

rpc::Json FunctionCallResult::result() const {
  return ok() ? JsonFromValue(answer.result()) : rpc::Json();
}

// A call on its way.
struct FunctionClient::Started {
  rpc::RequestId id;
  CallSpec spec;
  int64_t started_ms = 0;
  std::optional<int64_t> deadline_ms;  // by environment_.time
};

FunctionClient::FunctionClient(FunctionClientOptions options, FunctionEnvironment environment)
    : environment_(Complete(options, std::move(environment))),
      options_(Complete(std::move(options))),
      servers_status_(CheckOptions(options_)),
      stub_(servers_status_.ok() ? environment_.stub_factory(options_.servers) : nullptr),
      minter_(environment_.wall_ms, environment_.random_bits),
      connection_(ConnectionOptionsOf(options_, environment_)) {}

FunctionCallResult FunctionClient::Refused(absl::Status status, const FunctionCallOptions& call) const {
  FunctionCallResult result;
  result.status = std::move(status);
  result.request_id = call.request_id;
  return result;
}

template <typename Request>
absl::Status FunctionClient::Begin(absl::string_view method, google::protobuf::Struct params,
                                   const FunctionCallOptions& call, Request* request, Started* started) {
  if (!servers_status_.ok()) return servers_status_;
  if (!IsUtf8(method)) {
    return MakeError(absl::StatusCode::kInvalidArgument, "METHOD_INVALID", "the method is not valid UTF-8");
  }
  if (absl::Status status = CheckStruct(params); !status.ok()) return status;
  const bool automatic = options_.watermark == Watermark::kAutomatic;
  bool is_own = true;
  if (call.request_id.empty()) {
    started->id = automatic ? open_ids_.Open(&minter_) : minter_.Mint();
  } else {
    const absl::StatusOr<rpc::RequestId> given = rpc::ParseRequestId(call.request_id);
    if (!given.ok()) return given.status();
    started->id = *given;
    is_own = automatic && open_ids_.IsOpen(*given);
  }
  request->set_request_id(rpc::ToString(started->id));
  request->set_method(std::string(method));
  request->mutable_params()->Swap(&params);
  // An id that did not come from this client is not to be measured by its watermark.
  if (automatic && is_own) {
    request->set_client_id(options_.client_id);
    request->set_watermark(rpc::ToString(open_ids_.watermark()));
  }
  started->spec.kind = call.request_id.empty() ? CallKind::kRepeatableWrite : CallKind::kResumedWrite;
  started->spec.request_id = request->request_id();
  started->spec.timeout_ms = call.timeout_ms ? call.timeout_ms : options_.timeout_ms;
  started->spec.noun = "call";
  started->started_ms = environment_.time->NowMs();
  if (started->spec.timeout_ms) started->deadline_ms = started->started_ms + *started->spec.timeout_ms;
  if (call.on_request_id) call.on_request_id(started->spec.request_id);
  return absl::OkStatus();
}

template <typename Response>
FunctionCallResult FunctionClient::End(const Started& started, CallEnd end, Response* response) {
  FunctionCallResult result;
  result.status = std::move(end.status);
  result.request_id = started.spec.request_id;
  result.server = std::move(end.node);
  result.attempts = end.attempts;
  result.elapsed_ms = environment_.time->NowMs() - started.started_ms;
  const bool fits = response->outcome().kind_case() != rpc::v1::Outcome::KIND_NOT_SET &&
                    response->request_id() == started.spec.request_id;
  if (result.status.ok() && !fits) {
    result.status = MakeError(absl::StatusCode::kInternal, "BAD_ANSWER",
                              "the server's answer has no outcome, or that of another request");
    result.outcome = CallOutcome::kUnknown;
  } else if (result.status.ok()) {
    result.outcome = OutcomeOf(response->outcome());
    result.answer.Swap(response->mutable_outcome());
    result.server_clock = response->clock().counter();
    result.replayed = response->replayed();
  } else {
    result.outcome = end.outcome == Outcome::kUnknown ? CallOutcome::kUnknown : CallOutcome::kFailed;
  }
  // What a server knows for good is done, an unknown outcome too: asking again would tell nothing else.
  const bool done = result.status.ok() || result.outcome == CallOutcome::kFailed;
  if (options_.watermark == Watermark::kAutomatic && done) open_ids_.Close(started.id);
  return result;
}

CallPlan FunctionClient::PlanOf(int64_t timeout_ms) {
  CallPlan plan;
  plan.timeout_ms = timeout_ms;
  if (options_.hedge.hedges_max < 1 || !connection_.budget().HasPlenty()) return plan;
  plan.hedge_delay_ms = options_.hedge.delay_ms;
  plan.hedges_max = options_.hedge.hedges_max;
  plan.tick = [this] { return connection_.clock().Tick(); };
  return plan;
}

FunctionCallResult FunctionClient::Call(absl::string_view method, const rpc::Json& params,
                                        const FunctionCallOptions& call) {
  absl::StatusOr<google::protobuf::Struct> value = StructFromJson(params);
  if (!value.ok()) return Refused(value.status(), call);
  return Call(method, *std::move(value), call);
}

FunctionCallResult FunctionClient::Call(absl::string_view method, google::protobuf::Struct params,
                                        const FunctionCallOptions& call) {
  rpc::v1::CallRequest request;
  rpc::v1::CallResponse response;
  Started started;
  if (absl::Status status = Begin(method, std::move(params), call, &request, &started); !status.ok()) {
    return Refused(std::move(status), call);
  }
  started.spec.method = "Call";
  CallEnd end = connection_.Call(started.spec, [&](size_t, uint64_t clock, int64_t timeout_ms) {
    request.mutable_clock()->set_counter(clock);
    response.Clear();
    return stub_->Call(request, PlanOf(timeout_ms), &response);
  });
  return End(started, std::move(end), &response);
}

FunctionCallResult FunctionClient::CallStream(absl::string_view method, const rpc::Json& params,
                                              ProgressFn on_progress, const FunctionCallOptions& call) {
  absl::StatusOr<google::protobuf::Struct> value = StructFromJson(params);
  if (!value.ok()) return Refused(value.status(), call);
  return CallStream(method, *std::move(value), std::move(on_progress), call);
}

FunctionCallResult FunctionClient::CallStream(absl::string_view method, google::protobuf::Struct params,
                                              ProgressFn on_progress, const FunctionCallOptions& call) {
  rpc::v1::CallStreamRequest request;
  rpc::v1::CallStreamResponse response;
  Started started;
  if (absl::Status status = Begin(method, std::move(params), call, &request, &started); !status.ok()) {
    return Refused(std::move(status), call);
  }
  started.spec.method = "CallStream";
  CallEnd end = connection_.Call(started.spec, [&](size_t, uint64_t clock, int64_t timeout_ms) {
    request.mutable_clock()->set_counter(clock);
    response.Clear();
    StreamPlan plan{timeout_ms, std::nullopt};
    if (started.deadline_ms) {
      plan.timeout_ms = std::max<int64_t>(1, *started.deadline_ms - environment_.time->NowMs());
    }
    return stub_->CallStream(request, plan, on_progress, &response);
  });
  return End(started, std::move(end), &response);
}

template <typename Request, typename Response>
InquiryResult<Response> FunctionClient::Inquire(absl::string_view method, CallKind kind,
                                                AttemptEnd (FunctionStub::*stub_method)(const Request&,
                                                                                        int64_t, Response*),
                                                Request request, const FunctionCallOptions& call) {
  InquiryResult<Response> result;
  result.status = servers_status_;
  if (!result.ok()) return result;
  CallSpec spec{method, kind, "", call.timeout_ms, "fault"};
  CallEnd end = connection_.Call(spec, [&](size_t, uint64_t clock, int64_t timeout_ms) {
    request.mutable_clock()->set_counter(clock);
    result.response.Clear();
    return (stub_.get()->*stub_method)(request, timeout_ms, &result.response);
  });
  result.status = std::move(end.status);
  result.outcome = end.outcome;
  result.server = std::move(end.node);
  result.attempts = end.attempts;
  return result;
}

InquiryResult<rpc::v1::GetCallResponse> FunctionClient::GetCall(absl::string_view request_id,
                                                                const FunctionCallOptions& call) {
  const absl::StatusOr<rpc::RequestId> id = rpc::ParseRequestId(request_id);
  InquiryResult<rpc::v1::GetCallResponse> result;
  if (!id.ok()) {
    result.status = id.status();
    return result;
  }
  rpc::v1::GetCallRequest request;
  request.set_request_id(rpc::ToString(*id));
  result = Inquire("GetCall", CallKind::kRead, &FunctionStub::GetCall, std::move(request), call);
  if (result.ok() && result.response.state() == rpc::v1::CALL_STATE_DONE) open_ids_.Close(*id);
  return result;
}

InquiryResult<rpc::v1::ListFunctionsResponse> FunctionClient::ListFunctions(const FunctionCallOptions& call) {
  return Inquire("ListFunctions", CallKind::kRead, &FunctionStub::ListFunctions,
                 rpc::v1::ListFunctionsRequest(), call);
}

InquiryResult<rpc::v1::AddFaultResponse> FunctionClient::AddFault(const rpc::v1::Fault& fault,
                                                                  const FunctionCallOptions& call) {
  rpc::v1::AddFaultRequest request;
  *request.mutable_fault() = fault;
  return Inquire("AddFault", CallKind::kSingleWrite, &FunctionStub::AddFault, std::move(request), call);
}

InquiryResult<rpc::v1::ClearFaultsResponse> FunctionClient::ClearFaults(const FunctionCallOptions& call) {
  return Inquire("ClearFaults", CallKind::kRepeatableWrite, &FunctionStub::ClearFaults,
                 rpc::v1::ClearFaultsRequest(), call);
}

InquiryResult<rpc::v1::ListFaultsResponse> FunctionClient::ListFaults(const FunctionCallOptions& call) {
  return Inquire("ListFaults", CallKind::kRead, &FunctionStub::ListFaults, rpc::v1::ListFaultsRequest(),
                 call);
}

void FunctionClient::Forget(absl::string_view request_id) {
  if (const absl::StatusOr<rpc::RequestId> id = rpc::ParseRequestId(request_id); id.ok())
    open_ids_.Close(*id);
}

}  // namespace lamppost::client
