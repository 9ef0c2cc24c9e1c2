#include "services/kv/server/inbound_link.h"

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"
#include "services/common/logging.h"
#include "services/kv/server/sync_codec.h"

namespace lamppost::kv {

// gRPC's operations must not be started once the call is over, and OnDone may come from another thread
// at any time after Finish. So each operation is marked as under way before it is started, outside the
// lock, and Finish is only called while none is.
class InboundStream : public grpc::ServerBidiReactor<v1::SyncRequest, v1::SyncResponse> {
 public:
  // node_id: the certified one; unset without TLS.
  InboundStream(LinkId link, ReplicationServiceImpl* service, Shell* shell,
                grpc::CallbackServerContext* context, std::optional<std::string> node_id)
      : link_(link),
        service_(service),
        shell_(shell),
        context_(context),
        node_id_(std::move(node_id)),
        permit_(shell->gate(),
                [gate = shell->gate(), context] { return gate->AuthorizeNode(*context).status(); }) {}

  // Before any other call. Initial metadata goes out at once: it tells the peer that it is connected.
  void Begin(std::shared_ptr<InboundStream> self) {
    self_ = std::move(self);
    StartSendInitialMetadata();
    Read();
  }

  void SendAnswer(const SyncAnswer& answer) {
    {
      absl::MutexLock lock(&mutex_);
      if (closing_) return;
      if (queue_.size() >= ReplicationServiceImpl::kQueuedAnswersMax) {
        status_ =
            MakeError(absl::StatusCode::kResourceExhausted, "ANSWERS_UNREAD", "the peer reads no answers");
        closing_ = true;
        return;
      }
      queue_.push_back(answer);
      if (writing_) return;
      writing_ = true;
    }
    WriteNext();
  }

  void Close(const absl::Status& status) {
    {
      absl::MutexLock lock(&mutex_);
      if (status_.ok()) status_ = status;
      closing_ = true;
    }
    FinishIfIdle();
  }

  void OnReadDone(bool ok) override {
    {
      absl::MutexLock lock(&mutex_);
      reading_ = false;
      if (!ok) closing_ = true;
      if (closing_) ok = false;
    }
    if (!ok) return FinishIfIdle();
    // Before the clock is looked at: that of a damaged message must not move this node's.
    absl::StatusOr<SyncMessage> message = FromProto(request_);
    if (!message.ok()) return Close(message.status());
    if (absl::Status denied = permit_.Check(absl::Now()); !denied.ok()) return Close(denied);
    if (absl::Status status = CheckSender(*message); !status.ok()) return Close(status);
    message_ = *std::move(message);
    shell_->Admit(
        message_.clock.counter, [this, self = self_] { Take(); },
        [this, self = self_](const absl::Status& status) { Close(status); });
  }

  void OnWriteDone(bool ok) override {
    bool more = false;
    {
      absl::MutexLock lock(&mutex_);
      queue_.pop_front();
      if (!ok) closing_ = true;
      more = !closing_ && !queue_.empty();
      writing_ = more;
    }
    if (more) {
      WriteNext();
    } else {
      FinishIfIdle();
    }
  }

  void OnCancel() override { Close(absl::CancelledError("the peer has gone")); }

  void OnDone() override {
    shell_->driver()->Post([link = link_](Replica* replica) { replica->InboundDown(link); });
    service_->Remove(link_);
    self_.reset();  // may delete this
  }

 private:
  absl::Status CheckSender(const SyncMessage& message) const {
    if (!node_id_) return absl::OkStatus();
    return shell_->gate()->CheckSender(*context_, *node_id_, message.clock.origin.node_id);
  }

  void Read() {
    bool closing = false;
    {
      absl::MutexLock lock(&mutex_);
      closing = closing_;
      reading_ = !closing;
    }
    if (closing) return FinishIfIdle();
    request_.Clear();
    StartRead(&request_);
  }

  // Hands the message to the driver. The next one is read once the driver has taken this one.
  void Take() {
    shell_->driver()->Post([this, self = self_](Replica* replica) {
      if (shell_->Admits(message_)) replica->Receive(link_, message_);
      Read();
    });
  }

  void WriteNext() {
    const SyncAnswer* next = nullptr;
    {
      absl::MutexLock lock(&mutex_);
      next = &queue_.front();  // stays where it is while others are added behind it
    }
    response_.Clear();
    ToProto(*next, &response_);
    StartWrite(&response_);
  }

  void FinishIfIdle() {
    absl::Status status;
    {
      absl::MutexLock lock(&mutex_);
      if (!closing_ || reading_ || writing_ || finished_) return;
      finished_ = true;
      status = status_;
    }
    Finish(ToGrpcStatus(status));
  }

  const LinkId link_;
  ReplicationServiceImpl* const service_;
  Shell* const shell_;
  grpc::CallbackServerContext* const context_;
  const std::optional<std::string> node_id_;
  security::Permit permit_;  // of the read under way
  std::shared_ptr<InboundStream> self_;
  v1::SyncRequest request_;    // of the read under way
  SyncMessage message_;        // the last one read
  v1::SyncResponse response_;  // of the write under way

  absl::Mutex mutex_;
  std::deque<SyncAnswer> queue_ ABSL_GUARDED_BY(mutex_);
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

namespace {

// A stream that is refused before it has begun.
class RefusedStream : public grpc::ServerBidiReactor<v1::SyncRequest, v1::SyncResponse> {
 public:
  explicit RefusedStream(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerBidiReactor<v1::SyncRequest, v1::SyncResponse>* ReplicationServiceImpl::Sync(
    grpc::CallbackServerContext* context) {
  std::optional<std::string> node_id;
  if (shell_->gate() != nullptr) {
    absl::StatusOr<std::string> certified = shell_->gate()->AuthorizeNode(*context);
    if (!certified.ok()) return new RefusedStream(shell_->Failure(context, certified.status()));
    node_id = *std::move(certified);
  }
  std::shared_ptr<InboundStream> stream;
  {
    absl::MutexLock lock(&mutex_);
    if (draining_) {
      return new RefusedStream(ToGrpcStatus(
          MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "the node is shutting down")));
    }
    if (streams_.size() >= kStreamsMax) {
      return new RefusedStream(
          ToGrpcStatus(MakeRetryableError(absl::StatusCode::kResourceExhausted, "TOO_MANY_LINKS",
                                          "too many replication links are open", 5000)));
    }
    const LinkId link = next_link_++;
    stream = std::make_shared<InboundStream>(link, this, shell_, context, std::move(node_id));
    streams_.emplace(link, stream);
  }
  stream->Begin(stream);
  return stream.get();
}

void ReplicationServiceImpl::SendAnswer(LinkId link, const SyncAnswer& answer) {
  std::shared_ptr<InboundStream> stream;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = streams_.find(link);
    if (it == streams_.end()) return;
    stream = it->second;
  }
  stream->SendAnswer(answer);
}

void ReplicationServiceImpl::Drain() {
  std::vector<std::shared_ptr<InboundStream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
    for (const auto& [link, stream] : streams_) streams.push_back(stream);
  }
  for (const auto& stream : streams) {
    stream->Close(MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "the node is shutting down"));
  }
}

void ReplicationServiceImpl::Remove(LinkId link) {
  absl::MutexLock lock(&mutex_);
  streams_.erase(link);
}

}  // namespace lamppost::kv
