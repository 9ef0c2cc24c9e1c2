// One node, one attempt at a time: what the retry loop calls. grpc_node_stub.h is the real one; tests
// script their own.
#ifndef LAMPPOST_CLIENTS_CPP_NODE_STUB_H_
#define LAMPPOST_CLIENTS_CPP_NODE_STUB_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "clients/cpp/attempt.h"
#include "lamppost/kv/v1/kv_service.pb.h"
#include "services/common/listen_address.h"

namespace lamppost::client {

namespace v1 = ::lamppost::kv::v1;

// Each call blocks until it has an answer or timeout_ms has passed, and never repeats anything by
// itself. Implementations must be thread-safe.
class NodeStub {
 public:
  virtual ~NodeStub() = default;
  virtual AttemptEnd Put(const v1::PutRequest& request, int64_t timeout_ms, v1::PutResponse* response) = 0;
  virtual AttemptEnd Get(const v1::GetRequest& request, int64_t timeout_ms, v1::GetResponse* response) = 0;
  virtual AttemptEnd Delete(const v1::DeleteRequest& request, int64_t timeout_ms,
                            v1::DeleteResponse* response) = 0;
  virtual AttemptEnd Scan(const v1::ScanRequest& request, int64_t timeout_ms, v1::ScanResponse* response) = 0;
  virtual AttemptEnd Write(const v1::WriteRequest& request, int64_t timeout_ms,
                           v1::WriteResponse* response) = 0;
  virtual AttemptEnd Status(const v1::StatusRequest& request, int64_t timeout_ms,
                            v1::StatusResponse* response) = 0;
};

using NodeStubFactory = std::function<std::unique_ptr<NodeStub>(const Address&)>;

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_NODE_STUB_H_
