#include "clients/cpp/grpc_node_stub.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lamppost/kv/v1/kv_service.grpc.pb.h"
#include "services/common/clock_metadata.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"

namespace lamppost::client {
namespace {

using Deadline = std::chrono::system_clock::time_point;

// A channel and the stub on it.
struct Link {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::KvService::Stub> stub;
};

std::shared_ptr<Link> OpenLink(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kReceiveBytesMax);
  // Only the client retries, so only it counts.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // A node that vanished without a word is noticed while a call waits for it.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  // A new channel to the same node is to connect anew, not to inherit the old one's back-off.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Nodes are named by their addresses; a web proxy has no business between.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  auto link = std::make_shared<Link>();
  link->channel = grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  link->stub = v1::KvService::NewStub(link->channel);
  return link;
}

class GrpcNodeStub final : public NodeStub {
 public:
  explicit GrpcNodeStub(const Address& address)
      : name_(address.HostPort()), target_(address.Target()), link_(OpenLink(target_)) {}

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
    const Deadline deadline = std::chrono::system_clock::now() + std::chrono::milliseconds(timeout_ms);
    const std::shared_ptr<Link> link = CurrentLink();
    AttemptEnd end;
    end.status = Connect(link, deadline, timeout_ms);
    if (!end.status.ok()) {
      end.reach = Reach::kNotSent;
      return end;
    }
    grpc::ClientContext context;
    context.set_deadline(deadline);
    end.status = FromGrpcStatus((link->stub.get()->*method)(&context, request, response));
    if (end.status.ok()) {
      if (response->has_clock()) end.server_clock = response->clock().counter();
    } else if (const auto clock = ClockFromTrailers(context)) {
      end.server_clock = clock->counter;
    }
    return end;
  }

  // Brings the channel to READY. A refused connection ends it at once, and the next attempt gets a new
  // channel: the old one would sit out its back-off, which is the retry policy's business here.
  absl::Status Connect(const std::shared_ptr<Link>& link, Deadline deadline, int64_t timeout_ms) {
    while (true) {
      const grpc_connectivity_state state = link->channel->GetState(/*try_to_connect=*/true);
      if (state == GRPC_CHANNEL_READY) return absl::OkStatus();
      if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN) {
        ReplaceLink(link);
        return MakeError(absl::StatusCode::kUnavailable, "NOT_CONNECTED",
                         absl::StrCat(name_, " cannot be reached"));
      }
      if (!link->channel->WaitForStateChange(state, deadline)) {
        return MakeError(absl::StatusCode::kUnavailable, "NOT_CONNECTED",
                         absl::StrCat(name_, " could not be connected to within ", timeout_ms, " ms"));
      }
    }
  }

  std::shared_ptr<Link> CurrentLink() {
    std::lock_guard<std::mutex> lock(mutex_);
    return link_;
  }

  void ReplaceLink(const std::shared_ptr<Link>& broken) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (link_ == broken) link_ = OpenLink(target_);
  }

  const std::string name_;
  const std::string target_;
  std::mutex mutex_;
  std::shared_ptr<Link> link_;  // guarded by mutex_; what it points to is thread-safe
};

}  // namespace

std::unique_ptr<NodeStub> MakeGrpcNodeStub(const Address& address) {
  return std::make_unique<GrpcNodeStub>(address);
}

}  // namespace lamppost::client
