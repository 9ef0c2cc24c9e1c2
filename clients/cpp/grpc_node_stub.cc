#include "clients/cpp/grpc_node_stub.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>

#include "clients/cpp/grpc_attempt.h"
#include "clients/cpp/ready_link.h"
#include "lamppost/kv/v1/kv_service.grpc.pb.h"

namespace lamppost::client {
namespace {

struct Stubs {
  explicit Stubs(const std::shared_ptr<grpc::Channel>& channel) : kv(v1::KvService::NewStub(channel)) {}

  const std::unique_ptr<v1::KvService::Stub> kv;
};

class GrpcNodeStub final : public NodeStub {
 public:
  GrpcNodeStub(const Address& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials)
      : link_(address.HostPort(), [target = address.Target(), credentials](ReadyLink<Stubs>::Deadline) {
          return OpenChannel(target, LinkArguments(kReceiveBytesMax), credentials);
        }) {}

  AttemptEnd Put(const v1::PutRequest& request, int64_t timeout_ms, v1::PutResponse* response) override {
    return Invoke(&v1::KvService::Stub::Put, request, timeout_ms, response);
  }
  AttemptEnd Get(const v1::GetRequest& request, int64_t timeout_ms, v1::GetResponse* response) override {
    return Invoke(&v1::KvService::Stub::Get, request, timeout_ms, response);
  }
  AttemptEnd Delete(const v1::DeleteRequest& request, int64_t timeout_ms,
                    v1::DeleteResponse* response) override {
    return Invoke(&v1::KvService::Stub::Delete, request, timeout_ms, response);
  }
  AttemptEnd Scan(const v1::ScanRequest& request, int64_t timeout_ms, v1::ScanResponse* response) override {
    return Invoke(&v1::KvService::Stub::Scan, request, timeout_ms, response);
  }
  AttemptEnd Write(const v1::WriteRequest& request, int64_t timeout_ms,
                   v1::WriteResponse* response) override {
    return Invoke(&v1::KvService::Stub::Write, request, timeout_ms, response);
  }
  AttemptEnd Status(const v1::StatusRequest& request, int64_t timeout_ms,
                    v1::StatusResponse* response) override {
    return Invoke(&v1::KvService::Stub::Status, request, timeout_ms, response);
  }

 private:
  template <typename Request, typename Response>
  using Method = grpc::Status (v1::KvService::Stub::*)(grpc::ClientContext*, const Request&, Response*);

  template <typename Request, typename Response>
  AttemptEnd Invoke(Method<Request, Response> method, const Request& request, int64_t timeout_ms,
                    Response* response) {
    return AttemptOver(&link_, timeout_ms, response, [&](Stubs* stubs, grpc::ClientContext* context) {
      return (stubs->kv.get()->*method)(context, request, response);
    });
  }

  ReadyLink<Stubs> link_;
};

}  // namespace

std::unique_ptr<NodeStub> MakeGrpcNodeStub(const Address& address,
                                           const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  return std::make_unique<GrpcNodeStub>(address, credentials);
}

}  // namespace lamppost::client
