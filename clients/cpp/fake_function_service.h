// For tests: servers of functions behind real gRPC servers on free ports of loopback, with one request store
// for all of them.
#ifndef LAMPPOST_CLIENTS_CPP_FAKE_FUNCTION_SERVICE_H_
#define LAMPPOST_CLIENTS_CPP_FAKE_FUNCTION_SERVICE_H_

#include <grpcpp/server.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "lamppost/rpc/v1/fault_service.grpc.pb.h"
#include "lamppost/rpc/v1/function_service.grpc.pb.h"
#include "services/common/health_service.h"

namespace lamppost::client {

// Which ids ran, with which outcome. Thread-safe.
//
// Functions: "echo" returns its params; "count" how often it ran; "text" a text; "fail" fails by itself;
// "lost" has an unknown outcome; "wait" ends when it is released, and tells of its progress until then.
class FakeFunctions {
 public:
  // Runs, joins or replays. `cancelled` ends the waiting; then nothing.
  struct End {
    rpc::v1::Outcome outcome;
    bool replayed = false;
  };
  std::optional<End> Call(const std::string& request_id, const std::string& method,
                          const google::protobuf::Struct& params, const std::function<bool()>& cancelled);
  std::optional<rpc::v1::Outcome> Find(const std::string& request_id) const;
  bool IsRunning(const std::string& request_id) const;

  // Lets "wait" end, those to come, too.
  void Release();
  int runs() const;

 private:
  rpc::v1::Outcome Run(const std::string& method, const google::protobuf::Struct& params);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, rpc::v1::Outcome> outcomes_;
  std::set<std::string> running_;
  bool released_ = false;
  int runs_ = 0;
};

struct SeenCall {
  std::string request_id;
  std::string client_id;
  std::string watermark;
  uint64_t clock = 0;
  int64_t deadline_ms = 0;  // from then on
};

class FakeFunctionService final : public rpc::v1::FunctionService::Service {
 public:
  FakeFunctionService(std::string node_id, std::shared_ptr<FakeFunctions> functions)
      : node_id_(std::move(node_id)), functions_(std::move(functions)) {}

  // The next calls, of whatever kind, are refused with these before anything is done.
  void RefuseNext(absl::Status status);
  // The next replies of Call and CallStream are lost: the function runs, and the caller sees a broken
  // connection.
  void LoseReplies(int count);
  // Until then, calls are held before anything is done; they end when they are cancelled.
  void Hold(bool hold);

  std::vector<SeenCall> seen() const;
  int cancelled() const;
  uint64_t clock() const;

  grpc::Status Call(grpc::ServerContext* context, const rpc::v1::CallRequest* request,
                    rpc::v1::CallResponse* response) override;
  grpc::Status CallStream(grpc::ServerContext* context, const rpc::v1::CallStreamRequest* request,
                          grpc::ServerWriter<rpc::v1::CallStreamResponse>* writer) override;
  grpc::Status GetCall(grpc::ServerContext* context, const rpc::v1::GetCallRequest* request,
                       rpc::v1::GetCallResponse* response) override;
  grpc::Status ListFunctions(grpc::ServerContext* context, const rpc::v1::ListFunctionsRequest* request,
                             rpc::v1::ListFunctionsResponse* response) override;

 private:
  template <typename Request>
  void Note(grpc::ServerContext* context, const Request& request);
  grpc::Status Admit(grpc::ServerContext* context, const clock::v1::Timestamp& clock);
  void Stamp(clock::v1::Timestamp* message);
  bool LosesThis();

  const std::string node_id_;
  const std::shared_ptr<FakeFunctions> functions_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<absl::Status> refusals_;
  int replies_to_lose_ = 0;
  bool hold_ = false;
  std::vector<SeenCall> seen_;
  int cancelled_ = 0;
  uint64_t clock_ = 0;
};

class FakeFaultService final : public rpc::v1::FaultService::Service {
 public:
  std::vector<rpc::v1::Fault> faults() const;

  grpc::Status AddFault(grpc::ServerContext* context, const rpc::v1::AddFaultRequest* request,
                        rpc::v1::AddFaultResponse* response) override;
  grpc::Status ClearFaults(grpc::ServerContext* context, const rpc::v1::ClearFaultsRequest* request,
                           rpc::v1::ClearFaultsResponse* response) override;
  grpc::Status ListFaults(grpc::ServerContext* context, const rpc::v1::ListFaultsRequest* request,
                          rpc::v1::ListFaultsResponse* response) override;

 private:
  mutable std::mutex mutex_;
  std::vector<rpc::v1::Fault> faults_;
};

// The services and health, served until destruction.
class FakeFunctionServer {
 public:
  explicit FakeFunctionServer(const std::string& node_id,
                              std::shared_ptr<FakeFunctions> functions = std::make_shared<FakeFunctions>(),
                              int port = 0);
  ~FakeFunctionServer() { Stop(); }

  // Ends at once, calls in flight included. Nobody listens on the port afterwards.
  void Stop();
  void SetHealth(ServingState state) { health_.Set(rpc::v1::FunctionService::service_full_name(), state); }
  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  FakeFunctionService& service() { return service_; }
  FakeFaultService& faults() { return faults_; }

 private:
  FakeFunctionService service_;
  FakeFaultService faults_;
  HealthService health_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_FAKE_FUNCTION_SERVICE_H_
