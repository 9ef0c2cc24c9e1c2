#include "clients/cpp/trace_feed.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "clients/cpp/ready_link.h"
#include "lamppost/kv/v1/admin_service.grpc.pb.h"
#include "services/common/grpc_status.h"

namespace lamppost::client {
namespace {

constexpr int kReceiveBytesMax = 4 << 20;
constexpr std::chrono::milliseconds kConnectMax{1000};
constexpr std::chrono::milliseconds kPause{100};  // before a stream is opened again

}  // namespace

// A process that has gone is noticed by its closed connection, one that hangs by keepalive.
class TraceFeed::Stream {
 public:
  Stream(size_t node, Address address, std::shared_ptr<grpc::ChannelCredentials> credentials,
         TraceReceiver* receiver)
      : node_(node),
        address_(std::move(address)),
        credentials_(std::move(credentials)),
        receiver_(receiver) {}

  void Start() {
    thread_ = std::thread([this] { Run(); });
  }
  // Join comes after it.
  void Stop() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopped_ = true;
      if (context_ != nullptr) context_->TryCancel();
    }
    changed_.notify_all();
  }
  void Join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Run() {
    while (!IsStopped()) {
      const absl::Status status = Follow();
      if (IsStopped()) return;
      receiver_->OnBroken(node_, status);
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait_for(lock, kPause, [this] { return stopped_; });
    }
  }

  bool IsStopped() {
    std::lock_guard<std::mutex> lock(mutex_);
    return stopped_;
  }

  // From now on Stop can end the call. False if it has come before.
  bool Begin(grpc::ClientContext* context) {
    std::lock_guard<std::mutex> lock(mutex_);
    context_ = stopped_ ? nullptr : context;
    return context_ != nullptr;
  }
  void End() {
    std::lock_guard<std::mutex> lock(mutex_);
    context_ = nullptr;
  }

  absl::Status Follow() {
    const auto channel = OpenChannel(address_.Target(), LinkArguments(kReceiveBytesMax), credentials_);
    const absl::Status ready =
        WaitUntilReady(channel.get(), address_.HostPort(), std::chrono::system_clock::now() + kConnectMax,
                       kConnectMax.count());
    if (!ready.ok()) return ready;
    const auto stub = kv::v1::AdminService::NewStub(channel);
    grpc::ClientContext context;
    if (!Begin(&context)) return absl::OkStatus();
    const auto reader = stub->Trace(&context, kv::v1::TraceRequest());
    kv::v1::TraceResponse message;
    while (reader->Read(&message)) receiver_->OnMessage(node_, message);
    const absl::Status status = FromGrpcStatus(reader->Finish());
    End();
    return status;
  }

  const size_t node_;
  const Address address_;
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  TraceReceiver* const receiver_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  grpc::ClientContext* context_ = nullptr;  // of the call under way
};

TraceFeed::TraceFeed(const std::vector<Address>& nodes,
                     const std::shared_ptr<grpc::ChannelCredentials>& credentials, TraceReceiver* receiver) {
  for (size_t node = 0; node < nodes.size(); ++node) {
    streams_.push_back(std::make_unique<Stream>(node, nodes[node], credentials, receiver));
  }
}

TraceFeed::~TraceFeed() {
  Stop();
}

void TraceFeed::Start() {
  for (const auto& stream : streams_) stream->Start();
}

void TraceFeed::Stop() {
  for (const auto& stream : streams_) stream->Stop();
  for (const auto& stream : streams_) stream->Join();
}

}  // namespace lamppost::client
