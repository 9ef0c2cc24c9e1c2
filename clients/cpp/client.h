// The client of lamppost-kv: every node of a cluster behind one object, with deadlines, retries and
// fail-over.
//
//   auto nodes = lamppost::ParseAddresses("http://10.0.0.1:8000,http://10.0.0.2:8000");
//   lamppost::client::ClientOptions options;
//   options.nodes = *nodes;
//   lamppost::client::Client client(options);
//   auto put = client.Put("x", lamppost::client::TextValue("10"));
//   if (put.outcome == lamppost::client::Outcome::kUnknown) …
//
// Every write carries a request id, minted once before the first attempt, so a repeated write lands
// once. The client keeps a Lamport clock and carries it from answer to request, from node to node; and, if
// the options give it one, a session (client_session.h).
//
// Thread-safe. Calls block; none throws.
#ifndef LAMPPOST_CLIENTS_CPP_CLIENT_H_
#define LAMPPOST_CLIENTS_CPP_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/options.h"
#include "clients/cpp/outcome.h"
#include "lamppost/kv/v1/kv_service.pb.h"

namespace lamppost::client {

// How a call ended. `response` is meaningful if ok().
//
// Status codes are the server's, with its reason in ErrorReason(status). Made by the client itself are
// UNAVAILABLE (NOT_CONNECTED), DEADLINE_EXCEEDED (TIMEOUT, or none if an attempt's time was up),
// INVALID_ARGUMENT with the server's reasons for text that cannot be sent at all and for bad request ids.
template <typename Response>
struct Result {
  absl::Status status;
  Outcome outcome = Outcome::kFailed;
  std::string request_id;  // of writes, also when they failed
  std::string node;        // host:port of the node asked last; empty if none was
  int attempts = 0;
  Response response;

  bool ok() const { return status.ok(); }
};

v1::Value TextValue(absl::string_view text);
v1::Value DataValue(absl::string_view data);
// For PutOperation, in a Write.
void SetTtl(int64_t ttl_ms, google::protobuf::Duration* ttl);

class Client {
 public:
  // `options.nodes` must not be empty. Nothing is connected to before the first call.
  explicit Client(ClientOptions options, ClientEnvironment environment = {});
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Result<v1::PutResponse> Put(absl::string_view key, v1::Value value, const CallOptions& call = {});
  // A missing key is response.found() == false, not an error.
  Result<v1::GetResponse> Get(absl::string_view key, const CallOptions& call = {});
  Result<v1::DeleteResponse> Delete(absl::string_view key, const CallOptions& call = {});
  // All or nothing; see WriteRequest for the bounds.
  Result<v1::WriteResponse> Write(std::vector<v1::WriteOperation> operations, const CallOptions& call = {});
  // One page; the request's clock is overwritten. scan_iterator.h goes over all pages.
  Result<v1::ScanResponse> Scan(v1::ScanRequest request, const CallOptions& call = {});
  Result<v1::StatusResponse> Status(const CallOptions& call = {});

  // What it has seen so far; empty if it keeps no session.
  v1::Session session() const { return session_ == nullptr ? v1::Session() : session_->Get(); }
  // The client's Lamport counter.
  uint64_t clock() const { return connection_.clock().now(); }
  TimeSource& time() const { return *environment_.time; }

  // For what goes on beside the calls: Watcher, BulkWriter.
  const ClientOptions& options() const { return options_; }
  const ClientEnvironment& environment() const { return environment_; }
  ClientClock* mutable_clock() { return &connection_.clock(); }

 private:
  template <typename Request, typename Response>
  using StubMethod = AttemptEnd (NodeStub::*)(const Request&, int64_t, Response*);

  template <typename Request, typename Response>
  Result<Response> Read(absl::string_view method, StubMethod<Request, Response> stub_method, Request request,
                        const CallOptions& call);
  template <typename Request, typename Response>
  Result<Response> Change(absl::string_view method, StubMethod<Request, Response> stub_method,
                          Request request, const CallOptions& call);
  template <typename Request, typename Response>
  void Run(const CallSpec& spec, StubMethod<Request, Response> stub_method, Request* request,
           Result<Response>* result);

  const ClientOptions options_;
  const ClientEnvironment environment_;           // complete
  const std::shared_ptr<ClientSession> session_;  // may be null
  std::vector<std::unique_ptr<NodeStub>> stubs_;  // in the order of the connection's nodes
  Connection connection_;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_CLIENT_H_
