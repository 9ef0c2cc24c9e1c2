#include "clients/cpp/client.h"

#include <type_traits>
#include <utility>

#include "clients/cpp/grpc_node_stub.h"
#include "clients/cpp/random.h"
#include "clients/cpp/request_check.h"

namespace lamppost::client {
namespace {

ClientEnvironment Complete(const ClientOptions& options, ClientEnvironment environment) {
  if (!environment.time) environment.time = std::make_shared<SteadyTimeSource>();
  if (!environment.random) environment.random = MakeRandomSource();
  if (!environment.stub_factory) {
    environment.stub_factory = [credentials = options.credentials](const Address& address) {
      return MakeGrpcNodeStub(address, credentials);
    };
  }
  if (!environment.mint_request_id) environment.mint_request_id = MintRequestId;
  return environment;
}

ConnectionOptions ConnectionOptionsOf(const ClientOptions& options, const ClientEnvironment& environment) {
  ConnectionOptions connection;
  for (const Address& address : options.nodes) connection.nodes.push_back(address.HostPort());
  connection.timeout_ms = options.timeout_ms;
  connection.retry = options.retry;
  connection.observer = options.observer;
  connection.time = environment.time;
  connection.random = environment.random;
  return connection;
}

absl::Status CheckKeyValue(const std::string& key, const v1::Value& value) {
  const absl::Status status = CheckKey(key);
  return status.ok() ? CheckValue(value) : status;
}

absl::Status Check(const v1::PutRequest& request) {
  return CheckKeyValue(request.key(), request.value());
}
absl::Status Check(const v1::GetRequest& request) {
  return CheckKey(request.key());
}
absl::Status Check(const v1::DeleteRequest& request) {
  return CheckKey(request.key());
}
absl::Status Check(const v1::StatusRequest&) {
  return absl::OkStatus();
}

absl::Status Check(const v1::ScanRequest& request) {
  for (const std::string* text :
       {&request.prefix(), &request.start_key(), &request.end_key(), &request.page_token()}) {
    const absl::Status status = CheckText("a bound of the scan", *text, "SCAN_RANGE_INVALID");
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Check(const v1::WriteRequest& request) {
  for (const v1::WriteOperation& operation : request.operations()) {
    const absl::Status status = operation.has_put()
                                    ? CheckKeyValue(operation.put().key(), operation.put().value())
                                    : CheckKey(operation.delete_().key());
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Status is about a node as it is, and has nothing to do with sessions.
template <typename Request>
void SetSession(const ClientSession& session, Request* request) {
  if constexpr (!std::is_same_v<Request, v1::StatusRequest>) *request->mutable_session() = session.Get();
}
template <typename Response>
void TakeSession(const Response& response, ClientSession* session) {
  if constexpr (!std::is_same_v<Response, v1::StatusResponse>) session->Merge(response.session());
}

}  // namespace

v1::Value TextValue(absl::string_view text) {
  v1::Value value;
  value.set_text(std::string(text));
  return value;
}

v1::Value DataValue(absl::string_view data) {
  v1::Value value;
  value.set_data(std::string(data));
  return value;
}

void SetTtl(int64_t ttl_ms, google::protobuf::Duration* ttl) {
  ttl->set_seconds(ttl_ms / 1000);
  ttl->set_nanos(static_cast<int32_t>(ttl_ms % 1000) * 1'000'000);
}

Client::Client(ClientOptions options, ClientEnvironment environment)
    : options_(std::move(options)),
      environment_(Complete(options_, std::move(environment))),
      session_(options_.session),
      connection_(ConnectionOptionsOf(options_, environment_)) {
  for (const Address& address : options_.nodes) stubs_.push_back(environment_.stub_factory(address));
}

template <typename Request, typename Response>
void Client::Run(const CallSpec& spec, StubMethod<Request, Response> stub_method, Request* request,
                 Result<Response>* result) {
  CallEnd end = connection_.Call(spec, [&](size_t node, uint64_t clock, int64_t timeout_ms) {
    request->mutable_clock()->set_counter(clock);
    if (session_ != nullptr) SetSession(*session_, request);
    result->response.Clear();
    const AttemptEnd end = (stubs_[node].get()->*stub_method)(*request, timeout_ms, &result->response);
    if (session_ != nullptr && end.status.ok()) TakeSession(result->response, session_.get());
    return end;
  });
  result->status = std::move(end.status);
  result->outcome = end.outcome;
  result->node = std::move(end.node);
  result->attempts = end.attempts;
}

template <typename Request, typename Response>
Result<Response> Client::Read(absl::string_view method, StubMethod<Request, Response> stub_method,
                              Request request, const CallOptions& call) {
  Result<Response> result;
  result.status = Check(request);
  if (!result.ok()) return result;
  Run<Request, Response>({method, CallKind::kRead, "", call.timeout_ms}, stub_method, &request, &result);
  return result;
}

template <typename Request, typename Response>
Result<Response> Client::Change(absl::string_view method, StubMethod<Request, Response> stub_method,
                                Request request, const CallOptions& call) {
  Result<Response> result;
  result.request_id = call.request_id.empty() ? environment_.mint_request_id() : call.request_id;
  result.status = CheckRequestId(result.request_id);
  if (result.ok()) result.status = Check(request);
  if (!result.ok()) return result;
  request.set_request_id(result.request_id);
  request.set_replicas(call.replicas);
  Run<Request, Response>({method, CallKind::kRepeatableWrite, result.request_id, call.timeout_ms},
                         stub_method, &request, &result);
  return result;
}

Result<v1::PutResponse> Client::Put(absl::string_view key, v1::Value value, const CallOptions& call) {
  v1::PutRequest request;
  request.set_key(std::string(key));
  *request.mutable_value() = std::move(value);
  if (call.ttl_ms) SetTtl(*call.ttl_ms, request.mutable_ttl());
  return Change("Put", &NodeStub::Put, std::move(request), call);
}

Result<v1::GetResponse> Client::Get(absl::string_view key, const CallOptions& call) {
  v1::GetRequest request;
  request.set_key(std::string(key));
  return Read("Get", &NodeStub::Get, std::move(request), call);
}

Result<v1::DeleteResponse> Client::Delete(absl::string_view key, const CallOptions& call) {
  v1::DeleteRequest request;
  request.set_key(std::string(key));
  return Change("Delete", &NodeStub::Delete, std::move(request), call);
}

Result<v1::WriteResponse> Client::Write(std::vector<v1::WriteOperation> operations, const CallOptions& call) {
  v1::WriteRequest request;
  request.mutable_operations()->Reserve(static_cast<int>(operations.size()));
  for (v1::WriteOperation& operation : operations) *request.add_operations() = std::move(operation);
  return Change("Write", &NodeStub::Write, std::move(request), call);
}

Result<v1::ScanResponse> Client::Scan(v1::ScanRequest request, const CallOptions& call) {
  return Read("Scan", &NodeStub::Scan, std::move(request), call);
}

Result<v1::StatusResponse> Client::Status(const CallOptions& call) {
  return Read("Status", &NodeStub::Status, v1::StatusRequest(), call);
}

}  // namespace lamppost::client
