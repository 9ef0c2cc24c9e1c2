#include "clients/cpp/snapshot_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cpp/grpc_node_stub.h"
#include "clients/cpp/random.h"
#include "clients/cpp/ready_link.h"
#include "lamppost/kv/v1/admin_service.grpc.pb.h"
#include "services/common/clock_metadata.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"

namespace lamppost::client {
namespace {

using Clock = std::chrono::system_clock;

struct Stubs {
  explicit Stubs(const std::shared_ptr<grpc::Channel>& channel) : admin(v1::AdminService::NewStub(channel)) {}

  const std::unique_ptr<v1::AdminService::Stub> admin;
};

// A stream of messages, none of which may be longer in coming than allowed.
class Stream {
 public:
  Stream(v1::AdminService::Stub* stub, const v1::SnapshotRequest& request, int64_t silence_ms,
         std::optional<int64_t> timeout_ms)
      : silence_ms_(silence_ms) {
    if (timeout_ms) context_.set_deadline(Clock::now() + std::chrono::milliseconds(*timeout_ms));
    reader_ = stub->AsyncSnapshot(&context_, request, &queue_, this);
    Await();
  }
  ~Stream() {
    queue_.Shutdown();
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  // False at the stream's end.
  bool Read(v1::SnapshotResponse* message) {
    reader_->Read(message, this);
    return Await();
  }
  // The stream's status; if it was called off, or fell silent, that.
  absl::Status Finish() {
    grpc::Status status;
    reader_->Finish(&status, this);
    Await();
    if (!silent_) return FromGrpcStatus(status);
    return absl::DeadlineExceededError(absl::StrCat("no message within ", silence_ms_, " ms"));
  }
  void CallOff() { context_.TryCancel(); }
  const grpc::ClientContext& context() const { return context_; }

 private:
  // One operation is under way at a time: waits for its end.
  bool Await() {
    void* tag;
    bool ok = false;
    const auto until = Clock::now() + std::chrono::milliseconds(silence_ms_);
    if (queue_.AsyncNext(&tag, &ok, until) == grpc::CompletionQueue::TIMEOUT) {
      silent_ = true;
      context_.TryCancel();
      queue_.Next(&tag, &ok);
    }
    return ok;
  }

  const int64_t silence_ms_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientAsyncReader<v1::SnapshotResponse>> reader_;
  bool silent_ = false;
};

ConnectionOptions ConnectionOptionsOf(const ClientOptions& options, ClientEnvironment environment,
                                      std::shared_ptr<TimeSource> time) {
  ConnectionOptions connection;
  for (const Address& address : options.nodes) connection.nodes.push_back(address.HostPort());
  connection.timeout_ms = options.timeout_ms;
  connection.retry = options.retry;
  connection.observer = options.observer;
  connection.time = std::move(time);
  connection.random = environment.random ? std::move(environment.random) : MakeRandomSource();
  return connection;
}

}  // namespace

// One node.
class SnapshotStub {
 public:
  SnapshotStub(const Address& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials)
      : link_(address.HostPort(), [target = address.Target(), credentials](ReadyLink<Stubs>::Deadline) {
          return OpenChannel(target, LinkArguments(kReceiveBytesMax), credentials);
        }) {}

  AttemptEnd Fetch(const v1::SnapshotRequest& request, int64_t silence_ms, std::optional<int64_t> timeout_ms,
                   SnapshotReceiver* receiver, v1::SnapshotResponse* last) {
    const auto stubs = link_.Get(Clock::now() + std::chrono::milliseconds(silence_ms), silence_ms);
    if (!stubs.ok()) return {stubs.status(), Reach::kNotSent};
    AttemptEnd end;
    end.status = receiver->Begin();
    if (!end.status.ok()) return end;
    Stream stream((*stubs)->admin.get(), request, silence_ms, timeout_ms);
    bool whole = false;
    uint64_t estimated_bytes = 0;
    while (end.status.ok() && !whole && stream.Read(last)) {
      end.server_clock = std::max(end.server_clock, std::optional<uint64_t>(last->clock().counter()));
      estimated_bytes = std::max(estimated_bytes, last->estimated_bytes());
      whole = last->chunk().empty();
      if (!whole) end.status = receiver->Take(last->chunk(), estimated_bytes);
    }
    if (!end.status.ok()) stream.CallOff();
    const absl::Status status = stream.Finish();
    if (end.status.ok()) end.status = status;
    if (end.status.ok() && !whole) end.status = absl::UnavailableError("the snapshot ended before its end");
    if (const auto clock = ClockFromTrailers(stream.context())) {
      end.server_clock = std::max(end.server_clock, std::optional<uint64_t>(clock->counter));
    }
    return end;
  }

 private:
  ReadyLink<Stubs> link_;
};

SnapshotClient::SnapshotClient(const ClientOptions& options, ClientEnvironment environment)
    : time_(environment.time ? environment.time : std::make_shared<SteadyTimeSource>()),
      timeout_ms_(options.timeout_ms),
      connection_(ConnectionOptionsOf(options, std::move(environment), time_)) {
  for (const Address& address : options.nodes)
    stubs_.push_back(std::make_unique<SnapshotStub>(address, options.credentials));
}

SnapshotClient::~SnapshotClient() = default;

Result<v1::SnapshotResponse> SnapshotClient::Fetch(const v1::Session& session, SnapshotReceiver* receiver,
                                                   const CallOptions& call) {
  v1::SnapshotRequest request;
  *request.mutable_session() = session;
  const std::optional<int64_t> timeout_ms = call.timeout_ms ? call.timeout_ms : timeout_ms_;
  const int64_t started_ms = time_->NowMs();
  Result<v1::SnapshotResponse> result;
  const CallSpec spec{"Snapshot", CallKind::kRead, "", timeout_ms};
  CallEnd end = connection_.Call(spec, [&](size_t node, uint64_t clock, int64_t silence_ms) {
    request.mutable_clock()->set_counter(clock);
    std::optional<int64_t> remaining_ms;
    if (timeout_ms) remaining_ms = std::max<int64_t>(1, *timeout_ms - (time_->NowMs() - started_ms));
    return stubs_[node]->Fetch(request, silence_ms, remaining_ms, receiver, &result.response);
  });
  result.status = std::move(end.status);
  result.outcome = end.outcome;
  result.node = std::move(end.node);
  result.attempts = end.attempts;
  return result;
}

}  // namespace lamppost::client
