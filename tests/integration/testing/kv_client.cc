#include "tests/integration/testing/kv_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "services/common/clock_metadata.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"

namespace lamppost::testing {
namespace {

namespace v1 = kv::v1;

constexpr int kBatchKeys = 1000;

// Between calls gRPC looks after a client's connections every 5 s only: a connection that is being made
// then waits for so long. Read when gRPC starts, which is with the first channel or credentials.
const bool kLooksAfterConnectionsOften = setenv("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "10", 1) == 0;

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           const KvClient::Credentials& credentials) {
  if (!kLooksAfterConnectionsOften) return nullptr;
  grpc::ChannelArguments arguments;
  // Nodes come back within a test's patience, not within gRPC's.
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

KvClient::KvClient(const std::string& address, absl::Duration timeout, const Credentials& credentials)
    : timeout_(timeout),
      channel_(MakeChannel(address, credentials)),
      stub_(v1::KvService::NewStub(channel_)) {}

template <typename Request, typename Response>
absl::StatusOr<Response> KvClient::Call(grpc::Status (v1::KvService::Stub::*method)(grpc::ClientContext*,
                                                                                    const Request&,
                                                                                    Response*),
                                        const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout_));
  Response response;
  const grpc::Status status = (stub_.get()->*method)(&context, request, &response);
  if (status.ok()) return response;
  error_clock_ = ClockFromTrailers(context);
  return FromGrpcStatus(status);
}

absl::StatusOr<v1::PutResponse> KvClient::Put(const std::string& key, const std::string& text,
                                              const std::string& request_id) {
  v1::PutRequest request;
  request.set_key(key);
  request.mutable_value()->set_text(text);
  request.set_request_id(request_id);
  return Put(request);
}

absl::StatusOr<v1::PutResponse> KvClient::Put(const v1::PutRequest& request) {
  return Call(&v1::KvService::Stub::Put, request);
}

absl::StatusOr<v1::GetResponse> KvClient::Get(const std::string& key) {
  v1::GetRequest request;
  request.set_key(key);
  return Get(request);
}

absl::StatusOr<v1::GetResponse> KvClient::Get(const v1::GetRequest& request) {
  return Call(&v1::KvService::Stub::Get, request);
}

absl::StatusOr<v1::DeleteResponse> KvClient::Delete(const std::string& key) {
  v1::DeleteRequest request;
  request.set_key(key);
  return Delete(request);
}

absl::StatusOr<v1::DeleteResponse> KvClient::Delete(const v1::DeleteRequest& request) {
  return Call(&v1::KvService::Stub::Delete, request);
}

absl::StatusOr<v1::WriteResponse> KvClient::Write(const v1::WriteRequest& request) {
  return Call(&v1::KvService::Stub::Write, request);
}

absl::StatusOr<v1::ScanResponse> KvClient::Scan(const v1::ScanRequest& request) {
  return Call(&v1::KvService::Stub::Scan, request);
}

absl::StatusOr<v1::StatusResponse> KvClient::Status() {
  return Call(&v1::KvService::Stub::Status, v1::StatusRequest());
}

std::optional<std::string> KvClient::Text(const std::string& key) {
  const absl::StatusOr<v1::GetResponse> got = Get(key);
  if (!got.ok() || !got->found()) return std::nullopt;
  return got->value().text();
}

absl::StatusOr<std::map<std::string, std::string>> KvClient::Everything() {
  std::map<std::string, std::string> everything;
  v1::ScanRequest request;
  request.set_page_size(10000);
  do {
    absl::StatusOr<v1::ScanResponse> page = Scan(request);
    if (!page.ok()) return page.status();
    for (const v1::KeyValue& entry : page->entries()) everything[entry.key()] = entry.value().text();
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return everything;
}

absl::Status KvClient::Fill(const std::string& prefix, int count, const std::string& text) {
  for (int begin = 0; begin < count; begin += kBatchKeys) {
    TextPairs pairs;
    for (int i = begin; i < std::min(count, begin + kBatchKeys); ++i) {
      pairs.emplace_back(absl::StrFormat("%s%06d", prefix, i), text);
    }
    if (absl::Status status = Write(Batch(pairs)).status(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

bool KvClient::IsServing(const std::string& service) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(2)));
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status =
      grpc::health::v1::Health::NewStub(channel_)->Check(&context, request, &response);
  return status.ok() && response.status() == grpc::health::v1::HealthCheckResponse::SERVING;
}

v1::WriteRequest Batch(const TextPairs& pairs) {
  v1::WriteRequest request;
  for (const auto& [key, text] : pairs) {
    v1::PutOperation* put = request.add_operations()->mutable_put();
    put->set_key(key);
    put->mutable_value()->set_text(text);
  }
  return request;
}

std::string ReasonOf(const absl::Status& status) {
  return ErrorReason(status);
}

}  // namespace lamppost::testing
