#include "clients/cpp/grpc_function_stub.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cpp/hedged_call.h"
#include "clients/cpp/ready_link.h"
#include "clients/cpp/server_target.h"
#include "lamppost/rpc/v1/fault_service.grpc.pb.h"
#include "lamppost/rpc/v1/function_service.grpc.pb.h"
#include "services/common/clock_metadata.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"

namespace lamppost::client {
namespace {

using rpc::v1::FaultService;
using rpc::v1::FunctionService;
using Deadline = std::chrono::system_clock::time_point;

constexpr char kServiceConfig[] = R"({"loadBalancingConfig":[{"round_robin":{}}],)"
                                  R"("healthCheckConfig":{"serviceName":"lamppost.rpc.v1.FunctionService"}})";

struct Stubs {
  explicit Stubs(const std::shared_ptr<grpc::Channel>& channel)
      : functions(FunctionService::NewStub(channel)), faults(FaultService::NewStub(channel)) {}

  const std::unique_ptr<FunctionService::Stub> functions;
  const std::unique_ptr<FaultService::Stub> faults;
};

absl::StatusOr<std::shared_ptr<grpc::Channel>> Open(
    const std::vector<Address>& servers, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
    Deadline deadline) {
  const absl::StatusOr<std::string> target = ResolveTarget(servers, deadline);
  if (!target.ok()) return target.status();
  grpc::ChannelArguments arguments = LinkArguments(kOutcomeBytesMax);
  arguments.SetServiceConfigJSON(kServiceConfig);
  // What a name server says of balancing is not asked for.
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  return OpenChannel(*target, arguments, credentials);
}

std::string NameOf(const std::vector<Address>& servers) {
  return absl::StrJoin(
      servers, ",", [](std::string* out, const Address& server) { absl::StrAppend(out, server.HostPort()); });
}

// The clock and the peer of an RPC that has ended.
template <typename Response>
AttemptEnd EndOf(const grpc::Status& status, const grpc::ClientContext& context, const Response& response) {
  AttemptEnd end;
  end.status = FromGrpcStatus(status);
  end.server = ServerOfPeer(context.peer());
  if (end.status.ok()) {
    if (response.has_clock()) end.server_clock = response.clock().counter();
  } else if (const auto clock = ClockFromTrailers(context)) {
    end.server_clock = clock->counter;
  }
  return end;
}

// Reads a stream message by message, none of which may take longer than the plan allows.
class StreamReader {
 public:
  StreamReader(FunctionService::Stub* stub, const rpc::v1::CallStreamRequest& request, const StreamPlan& plan)
      : plan_(plan) {
    if (plan.timeout_ms) {
      context_.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(*plan.timeout_ms));
    }
    reader_ = stub->AsyncCallStream(&context_, request, &queue_, this);
    Await();
  }
  ~StreamReader() {
    queue_.Shutdown();
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  // False at the stream's end.
  bool Read(rpc::v1::CallStreamResponse* message) {
    reader_->Read(message, this);
    return Await();
  }
  grpc::Status Finish() {
    grpc::Status status;
    reader_->Finish(&status, this);
    Await();
    if (!timed_out_) return status;
    return grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED,
                        absl::StrCat("no message within ", plan_.silence_timeout_ms, " ms"));
  }
  const grpc::ClientContext& context() const { return context_; }

 private:
  // One operation is under way at a time: waits for its end.
  bool Await() {
    void* tag;
    bool ok = false;
    const auto until = std::chrono::system_clock::now() + std::chrono::milliseconds(plan_.silence_timeout_ms);
    if (queue_.AsyncNext(&tag, &ok, until) == grpc::CompletionQueue::TIMEOUT) {
      timed_out_ = true;
      context_.TryCancel();
      queue_.Next(&tag, &ok);
    }
    return ok;
  }

  const StreamPlan plan_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientAsyncReader<rpc::v1::CallStreamResponse>> reader_;
  bool timed_out_ = false;
};

class GrpcFunctionStub final : public FunctionStub {
 public:
  GrpcFunctionStub(const std::vector<Address>& servers,
                   const std::shared_ptr<grpc::ChannelCredentials>& credentials)
      : link_(NameOf(servers),
              [servers, credentials](Deadline deadline) { return Open(servers, credentials, deadline); }) {}

  AttemptEnd Call(const rpc::v1::CallRequest& request, const CallPlan& plan,
                  rpc::v1::CallResponse* response) override {
    const Deadline deadline = DeadlineIn(plan.timeout_ms);
    const auto stubs = Connect(deadline, plan.timeout_ms);
    if (!stubs.ok()) return {stubs.status(), Reach::kNotSent};
    return RunHedgedCall((*stubs)->functions.get(), request, plan, deadline, response);
  }

  AttemptEnd CallStream(const rpc::v1::CallStreamRequest& request, const StreamPlan& plan,
                        const ProgressFn& on_progress, rpc::v1::CallStreamResponse* response) override {
    const auto stubs = Connect(DeadlineIn(plan.silence_timeout_ms), plan.silence_timeout_ms);
    if (!stubs.ok()) return {stubs.status(), Reach::kNotSent};
    StreamReader reader((*stubs)->functions.get(), request, plan);
    rpc::v1::CallStreamResponse message;
    std::optional<uint64_t> newest_clock;
    bool has_outcome = false;
    while (reader.Read(&message)) {
      if (message.has_clock())
        newest_clock = std::max(newest_clock, std::optional<uint64_t>(message.clock().counter()));
      if (message.has_outcome()) {
        has_outcome = true;
        response->Swap(&message);
      } else if (message.has_progress() && on_progress) {
        on_progress(message.progress());
      }
    }
    grpc::Status status = reader.Finish();
    if (has_outcome) {
      status = grpc::Status::OK;
    } else if (status.ok()) {
      status = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the stream ended without an outcome");
    }
    AttemptEnd end = EndOf(status, reader.context(), *response);
    end.server_clock = std::max(end.server_clock, newest_clock);
    return end;
  }

  AttemptEnd GetCall(const rpc::v1::GetCallRequest& request, int64_t timeout_ms,
                     rpc::v1::GetCallResponse* response) override {
    return Ask(&Stubs::functions, &FunctionService::Stub::GetCall, request, timeout_ms, response);
  }
  AttemptEnd ListFunctions(const rpc::v1::ListFunctionsRequest& request, int64_t timeout_ms,
                           rpc::v1::ListFunctionsResponse* response) override {
    return Ask(&Stubs::functions, &FunctionService::Stub::ListFunctions, request, timeout_ms, response);
  }
  AttemptEnd AddFault(const rpc::v1::AddFaultRequest& request, int64_t timeout_ms,
                      rpc::v1::AddFaultResponse* response) override {
    return Ask(&Stubs::faults, &FaultService::Stub::AddFault, request, timeout_ms, response);
  }
  AttemptEnd ClearFaults(const rpc::v1::ClearFaultsRequest& request, int64_t timeout_ms,
                         rpc::v1::ClearFaultsResponse* response) override {
    return Ask(&Stubs::faults, &FaultService::Stub::ClearFaults, request, timeout_ms, response);
  }
  AttemptEnd ListFaults(const rpc::v1::ListFaultsRequest& request, int64_t timeout_ms,
                        rpc::v1::ListFaultsResponse* response) override {
    return Ask(&Stubs::faults, &FaultService::Stub::ListFaults, request, timeout_ms, response);
  }

 private:
  static Deadline DeadlineIn(int64_t timeout_ms) {
    return std::chrono::system_clock::now() + std::chrono::milliseconds(timeout_ms);
  }

  absl::StatusOr<std::shared_ptr<Stubs>> Connect(Deadline deadline, int64_t timeout_ms) {
    absl::StatusOr<std::shared_ptr<Stubs>> stubs = link_.Get(deadline, timeout_ms);
    if (stubs.ok()) return stubs;
    // To the channel these are the same.
    return MakeError(
        stubs.status().code(), ErrorReason(stubs.status()),
        absl::StrCat(stubs.status().message(), ", or takes no calls now, or is not a lamppost-rpc"));
  }

  // A plain unary RPC.
  template <typename Service, typename Request, typename Response>
  AttemptEnd Ask(const std::unique_ptr<Service> Stubs::*service,
                 grpc::Status (Service::*method)(grpc::ClientContext*, const Request&, Response*),
                 const Request& request, int64_t timeout_ms, Response* response) {
    const Deadline deadline = DeadlineIn(timeout_ms);
    const auto stubs = Connect(deadline, timeout_ms);
    if (!stubs.ok()) return {stubs.status(), Reach::kNotSent};
    grpc::ClientContext context;
    context.set_deadline(deadline);
    const grpc::Status status = (((**stubs).*service).get()->*method)(&context, request, response);
    return EndOf(status, context, *response);
  }

  ReadyLink<Stubs> link_;
};

}  // namespace

std::unique_ptr<FunctionStub> MakeGrpcFunctionStub(
    const std::vector<Address>& servers, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  return std::make_unique<GrpcFunctionStub>(servers, credentials);
}

}  // namespace lamppost::client
