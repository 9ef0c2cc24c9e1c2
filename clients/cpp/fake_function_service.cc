#include "clients/cpp/fake_function_service.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "services/common/clock_metadata.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"

namespace lamppost::client {
namespace {

constexpr uint64_t kIncarnation = (uint64_t{2} << 32) + 7;
constexpr auto kPoll = std::chrono::milliseconds(5);
constexpr auto kWaitMax = std::chrono::seconds(60);

bool IsKnown(const std::string& method) {
  static const auto* const kMethods =
      new std::set<std::string>{"echo", "count", "text", "fail", "lost", "wait"};
  return kMethods->count(method) > 0;
}

}  // namespace

rpc::v1::Outcome FakeFunctions::Run(const std::string& method, const google::protobuf::Struct& params) {
  rpc::v1::Outcome outcome;
  ++runs_;
  outcome.set_elapsed_ms(3);
  outcome.mutable_started()->set_counter(7);
  outcome.mutable_finished()->set_counter(8);
  if (method == "echo") {
    *outcome.mutable_result()->mutable_struct_value() = params;
  } else if (method == "fail") {
    rpc::v1::FunctionError* error = outcome.mutable_error();
    error->set_reason("EXIT_CODE");
    error->set_message("it ended with 3");
    error->set_exit_code(3);
    error->set_error_output("first line\nsecond \x1b[31mline\n");
  } else if (method == "lost") {
    outcome.mutable_unknown()->set_reason("SERVER_CRASHED");
    outcome.mutable_unknown()->set_message("the server that ran it is gone");
  } else if (method == "text") {
    outcome.mutable_result()->set_string_value("two \"words\"");
  } else {
    outcome.mutable_result()->set_number_value(runs_);
  }
  return outcome;
}

std::optional<FakeFunctions::End> FakeFunctions::Call(const std::string& request_id,
                                                      const std::string& method,
                                                      const google::protobuf::Struct& params,
                                                      const std::function<bool()>& cancelled) {
  std::unique_lock<std::mutex> lock(mutex_);
  bool replayed = true;
  while (true) {
    if (const auto it = outcomes_.find(request_id); it != outcomes_.end()) return End{it->second, replayed};
    if (running_.insert(request_id).second) replayed = false;
    // The run goes on without its callers: whoever is here at its end keeps its outcome.
    if (method != "wait" || released_) {
      outcomes_[request_id] = Run(method, params);
      running_.erase(request_id);
      continue;
    }
    if (cancelled()) return std::nullopt;
    changed_.wait_for(lock, kPoll);
  }
}

std::optional<rpc::v1::Outcome> FakeFunctions::Find(const std::string& request_id) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = outcomes_.find(request_id);
  if (it == outcomes_.end()) return std::nullopt;
  return it->second;
}

bool FakeFunctions::IsRunning(const std::string& request_id) const {
  std::lock_guard<std::mutex> lock(mutex_);
  return running_.count(request_id) > 0;
}

void FakeFunctions::Release() {
  std::lock_guard<std::mutex> lock(mutex_);
  released_ = true;
  changed_.notify_all();
}

int FakeFunctions::runs() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return runs_;
}

void FakeFunctionService::RefuseNext(absl::Status status) {
  std::lock_guard<std::mutex> lock(mutex_);
  refusals_.push_back(std::move(status));
}

void FakeFunctionService::LoseReplies(int count) {
  std::lock_guard<std::mutex> lock(mutex_);
  replies_to_lose_ = count;
}

void FakeFunctionService::Hold(bool hold) {
  std::lock_guard<std::mutex> lock(mutex_);
  hold_ = hold;
  changed_.notify_all();
}

std::vector<SeenCall> FakeFunctionService::seen() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return seen_;
}

int FakeFunctionService::cancelled() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return cancelled_;
}

uint64_t FakeFunctionService::clock() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return clock_;
}

template <typename Request>
void FakeFunctionService::Note(grpc::ServerContext* context, const Request& request) {
  SeenCall call{request.request_id(), request.client_id(), request.watermark(), request.clock().counter(), 0};
  call.deadline_ms = std::chrono::duration_cast<std::chrono::milliseconds>(context->deadline() -
                                                                           std::chrono::system_clock::now())
                         .count();
  std::lock_guard<std::mutex> lock(mutex_);
  seen_.push_back(std::move(call));
}

grpc::Status FakeFunctionService::Admit(grpc::ServerContext* context, const clock::v1::Timestamp& clock) {
  std::unique_lock<std::mutex> lock(mutex_);
  clock_ = std::max(clock_, clock.counter()) + 1;
  const auto until = std::chrono::steady_clock::now() + kWaitMax;
  while (hold_ && std::chrono::steady_clock::now() < until) {
    if (context->IsCancelled()) {
      ++cancelled_;
      return grpc::Status::CANCELLED;
    }
    changed_.wait_for(lock, kPoll);
  }
  if (refusals_.empty()) return grpc::Status::OK;
  const absl::Status refusal = refusals_.front();
  refusals_.pop_front();
  AttachClock(context, {++clock_, {node_id_, kIncarnation}});
  return ToGrpcStatus(refusal);
}

void FakeFunctionService::Stamp(clock::v1::Timestamp* message) {
  std::lock_guard<std::mutex> lock(mutex_);
  message->set_counter(++clock_);
  message->set_node_id(node_id_);
  message->set_incarnation(kIncarnation);
}

bool FakeFunctionService::LosesThis() {
  std::lock_guard<std::mutex> lock(mutex_);
  return replies_to_lose_ > 0 && replies_to_lose_-- > 0;
}

grpc::Status FakeFunctionService::Call(grpc::ServerContext* context, const rpc::v1::CallRequest* request,
                                       rpc::v1::CallResponse* response) {
  Note(context, *request);
  if (const grpc::Status status = Admit(context, request->clock()); !status.ok()) return status;
  if (!IsKnown(request->method())) {
    return ToGrpcStatus(MakeError(absl::StatusCode::kNotFound, "FUNCTION_UNKNOWN",
                                  "there is no function '" + request->method() + "'; near: echo"));
  }
  const auto end = functions_->Call(request->request_id(), request->method(), request->params(),
                                    [context] { return context->IsCancelled(); });
  if (!end) {
    std::lock_guard<std::mutex> lock(mutex_);
    ++cancelled_;
    return grpc::Status::CANCELLED;
  }
  if (LosesThis()) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed");
  response->set_request_id(request->request_id());
  *response->mutable_outcome() = end->outcome;
  response->set_replayed(end->replayed);
  Stamp(response->mutable_clock());
  return grpc::Status::OK;
}

grpc::Status FakeFunctionService::CallStream(grpc::ServerContext* context,
                                             const rpc::v1::CallStreamRequest* request,
                                             grpc::ServerWriter<rpc::v1::CallStreamResponse>* writer) {
  Note(context, *request);
  if (const grpc::Status status = Admit(context, request->clock()); !status.ok()) return status;
  rpc::v1::CallStreamResponse news;
  news.set_request_id(request->request_id());
  double fraction = 0;
  const auto tell = [&] {
    Stamp(news.mutable_clock());
    fraction = std::min(0.9, fraction + 0.1);
    news.mutable_progress()->set_fraction(fraction);
    news.mutable_progress()->set_message("step");
    return !writer->Write(news);
  };
  const auto end = functions_->Call(request->request_id(), request->method(), request->params(), [&] {
    return context->IsCancelled() || (request->method() == "wait" && tell());
  });
  if (!end) return grpc::Status::CANCELLED;
  if (LosesThis()) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed");
  *news.mutable_outcome() = end->outcome;
  news.set_replayed(end->replayed);
  Stamp(news.mutable_clock());
  writer->Write(news);
  return grpc::Status::OK;
}

grpc::Status FakeFunctionService::GetCall(grpc::ServerContext* context,
                                          const rpc::v1::GetCallRequest* request,
                                          rpc::v1::GetCallResponse* response) {
  if (const grpc::Status status = Admit(context, request->clock()); !status.ok()) return status;
  response->set_request_id(request->request_id());
  Stamp(response->mutable_clock());
  if (const auto outcome = functions_->Find(request->request_id())) {
    response->set_state(rpc::v1::CALL_STATE_DONE);
    *response->mutable_outcome() = *outcome;
  } else if (functions_->IsRunning(request->request_id())) {
    response->set_state(rpc::v1::CALL_STATE_RUNNING);
    response->set_method("wait");
  } else {
    return ToGrpcStatus(
        MakeError(absl::StatusCode::kNotFound, "REQUEST_ID_UNKNOWN", "this id was never seen here"));
  }
  return grpc::Status::OK;
}

grpc::Status FakeFunctionService::ListFunctions(grpc::ServerContext* context,
                                                const rpc::v1::ListFunctionsRequest* request,
                                                rpc::v1::ListFunctionsResponse* response) {
  if (const grpc::Status status = Admit(context, request->clock()); !status.ok()) return status;
  Stamp(response->mutable_clock());
  rpc::v1::FunctionInfo* add = response->add_functions();
  add->set_name("add");
  add->set_description("Adds \x1b[31mtwo numbers");
  auto* schema = add->mutable_params()->mutable_fields();
  auto* properties = (*schema)["properties"].mutable_struct_value()->mutable_fields();
  (*(*properties)["a"].mutable_struct_value()->mutable_fields())["type"].set_string_value("number");
  (*(*properties)["b"].mutable_struct_value()->mutable_fields())["type"].set_string_value("integer");
  (*schema)["required"].mutable_list_value()->add_values()->set_string_value("a");
  add->set_idempotent(true);
  add->set_time_limit_ms(30'000);
  add->set_concurrency_max(16);
  add->set_queue_max(256);
  add->set_source("built in");
  rpc::v1::FunctionProblem* problem = response->add_problems();
  problem->set_file("bad.json");
  problem->set_message("not JSON text");
  return grpc::Status::OK;
}

std::vector<rpc::v1::Fault> FakeFaultService::faults() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return faults_;
}

grpc::Status FakeFaultService::AddFault(grpc::ServerContext*, const rpc::v1::AddFaultRequest* request,
                                        rpc::v1::AddFaultResponse*) {
  std::lock_guard<std::mutex> lock(mutex_);
  faults_.push_back(request->fault());
  return grpc::Status::OK;
}

grpc::Status FakeFaultService::ClearFaults(grpc::ServerContext*, const rpc::v1::ClearFaultsRequest*,
                                           rpc::v1::ClearFaultsResponse* response) {
  std::lock_guard<std::mutex> lock(mutex_);
  response->set_cleared(static_cast<uint32_t>(faults_.size()));
  faults_.clear();
  return grpc::Status::OK;
}

grpc::Status FakeFaultService::ListFaults(grpc::ServerContext*, const rpc::v1::ListFaultsRequest*,
                                          rpc::v1::ListFaultsResponse* response) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const rpc::v1::Fault& fault : faults_) *response->add_faults() = fault;
  return grpc::Status::OK;
}

FakeFunctionServer::FakeFunctionServer(const std::string& node_id, std::shared_ptr<FakeFunctions> functions,
                                       int port)
    : service_(node_id, std::move(functions)) {
  SetHealth(ServingState::kServing);
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(&service_);
  builder.RegisterService(&faults_);
  builder.RegisterService(&health_);
  server_ = builder.BuildAndStart();
}

void FakeFunctionServer::Stop() {
  if (!server_) return;
  health_.Shutdown();
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

}  // namespace lamppost::client
