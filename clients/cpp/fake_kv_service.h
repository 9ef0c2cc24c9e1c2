// For tests: a node in memory behind a real gRPC server on a free port of loopback.
#ifndef LAMPPOST_CLIENTS_CPP_FAKE_KV_SERVICE_H_
#define LAMPPOST_CLIENTS_CPP_FAKE_KV_SERVICE_H_

#include <grpcpp/server.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "lamppost/kv/v1/kv_service.grpc.pb.h"

namespace lamppost::client {

// Keeps the rules of kv_service.proto as far as a client can see them. Thread-safe.
class FakeKvService final : public kv::v1::KvService::Service {
 public:
  struct Entry {
    kv::v1::Value value;
    uint64_t counter = 0;
  };

  explicit FakeKvService(std::string node_id) : node_id_(std::move(node_id)) {}

  // The next calls, of whatever kind, are refused with these before anything is done.
  void RefuseNext(absl::Status status);
  // Called after a write has been applied and before it is answered, outside of the lock.
  void SetAfterApply(std::function<void()> hook);
  // At most so many keys a page, whatever was asked for; 0: as asked.
  void SetPageKeysMax(uint32_t page_keys_max);

  std::map<std::string, Entry> entries() const;
  int writes_applied() const;
  int calls() const;
  uint64_t clock() const;

  grpc::Status Put(grpc::ServerContext* context, const kv::v1::PutRequest* request,
                   kv::v1::PutResponse* response) override;
  grpc::Status Get(grpc::ServerContext* context, const kv::v1::GetRequest* request,
                   kv::v1::GetResponse* response) override;
  grpc::Status Delete(grpc::ServerContext* context, const kv::v1::DeleteRequest* request,
                      kv::v1::DeleteResponse* response) override;
  grpc::Status Scan(grpc::ServerContext* context, const kv::v1::ScanRequest* request,
                    kv::v1::ScanResponse* response) override;
  grpc::Status Write(grpc::ServerContext* context, const kv::v1::WriteRequest* request,
                     kv::v1::WriteResponse* response) override;
  grpc::Status Status(grpc::ServerContext* context, const kv::v1::StatusRequest* request,
                      kv::v1::StatusResponse* response) override;
  // A refusal of RefuseNext counts for the batch that is next.
  grpc::Status BulkWrite(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<kv::v1::BulkWriteResponse, kv::v1::BulkWriteRequest>* stream) override;
  // Says nothing until the caller leaves.
  grpc::Status Watch(grpc::ServerContext* context, const kv::v1::WatchRequest* request,
                     grpc::ServerWriter<kv::v1::WatchResponse>* writer) override;

 private:
  struct Seen {
    uint64_t counter = 0;
    bool found = false;
  };

  // Observes the clock; a scripted refusal becomes a status with a clock in its trailers.
  grpc::Status Admit(grpc::ServerContext* context, const clock::v1::Timestamp& clock);
  void Stamp(uint64_t counter, clock::v1::Timestamp* message) const;
  // Runs `apply` once a request id; gives the write's counter.
  Seen Once(const std::string& request_id, bool* replayed, const std::function<bool(uint64_t)>& apply);
  // Applies the operations once a request id.
  Seen ApplyOnce(const std::string& request_id,
                 const google::protobuf::RepeatedPtrField<kv::v1::WriteOperation>& operations,
                 bool* replayed);
  void RunHook();

  const std::string node_id_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, Seen> request_ids_;
  std::deque<absl::Status> refusals_;
  std::function<void()> after_apply_;
  uint32_t page_keys_max_ = 0;
  uint64_t clock_ = 0;
  int writes_applied_ = 0;
  int calls_ = 0;
};

// The service, served until destruction: on a free port, or on one that another fake node has left.
class FakeNode {
 public:
  explicit FakeNode(const std::string& node_id, int port = 0);
  ~FakeNode() { Stop(); }

  // Ends at once, calls in flight included. Nobody listens on the port afterwards.
  void Stop();
  int port() const { return port_; }
  FakeKvService& service() { return service_; }

 private:
  FakeKvService service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_FAKE_KV_SERVICE_H_
