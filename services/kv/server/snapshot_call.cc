#include "services/kv/server/snapshot_call.h"

#include <atomic>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "lamppost/kv/v1/admin_service.pb.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"
#include "services/common/message_bytes.h"
#include "services/kv/server/codec.h"
#include "services/kv/snapshot/snapshot_writer.h"

namespace lamppost::kv {
namespace {

absl::Status ShuttingDown() {
  return MakeRetryableError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "the node is shutting down",
                            1000);
}

class RefusedStream : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  explicit RefusedStream(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

// One call. Its steps follow each other: what is asked for is checked, waited for and taken; then each
// message is started when the one before is done. So nothing here is done by two threads at a time, and every
// call comes to its end by itself: a broken one with its next message.
class SnapshotStream : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  SnapshotStream(SnapshotCalls* calls, grpc::CallbackServerContext* context)
      : calls_(calls), shell_(calls->shell_), context_(context) {
    Moved();
  }

  void Begin(const grpc::ByteBuffer& bytes) {
    if (absl::Status status = ParseMessage(bytes, &request_); !status.ok()) return Fail(status);
    shell_->Admit(
        request_.clock().counter(), [this] { AwaitSession(); },
        [this](const absl::Status& status) { Fail(status); });
  }

  void OnSendInitialMetadataDone(bool ok) override {
    if (!ok) return Fail(absl::CancelledError("the caller has gone"));
    // What the snapshot holds must not be lost to a power failure at this node: if the snapshot were restored
    // later, some would have those writes and others not.
    if (absl::Status status = calls_->storage_->Flush(); !status.ok()) return Fail(status);
    WriteNext();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Fail(absl::CancelledError("the caller has gone"));
    WriteNext();
  }

  void OnDone() override {
    {
      absl::MutexLock lock(&mutex_);
      writer_.reset();
    }
    calls_->Remove(this);
    delete this;
  }

  // True if the caller has taken nothing for too long, and what the store keeps for him has been let go now:
  // the call fails when he takes his next message. Never waits.
  bool LetGoIfStalled(uint64_t now_ms) {
    if (now_ms <= moved_ms_.load(std::memory_order_relaxed) + calls_->options_.stall_ms_max) return false;
    if (!mutex_.TryLock()) return false;
    const bool had_one = writer_ != nullptr;
    writer_.reset();
    mutex_.Unlock();
    return had_one;
  }

 private:
  // A call in the driver's hands. Tasks are copied, hence shared; one that a stopping driver drops ends the
  // call.
  struct Turn {
    explicit Turn(SnapshotStream* waiting) : stream(waiting) {}
    ~Turn() {
      if (stream != nullptr) stream->Fail(ShuttingDown());
    }
    SnapshotStream* stream;
  };

  void AwaitSession() {
    const absl::StatusOr<Heads> session = FromProto(request_.session());
    if (!session.ok()) return Fail(session.status());
    shell_->sessions()->Wait(
        *session, absl::FromChrono(context_->deadline()), [this] { return context_->IsCancelled(); },
        [this](const absl::Status& status) {
          if (!status.ok()) return Fail(status);
          auto turn = std::make_shared<Turn>(this);
          shell_->driver()->PostBetweenGroups(
              [turn](Replica* replica) { std::exchange(turn->stream, nullptr)->Take(*replica); });
        });
  }

  // On the driver's thread; the rest is done on gRPC's.
  void Take(const Replica& replica) {
    if (absl::Status status = shell_->CheckReadable(); !status.ok()) return Fail(status);
    SnapshotHeader header;
    header.cluster = calls_->options_.cluster;
    header.node_id = replica.me().node_id;
    header.created_unix_ms = static_cast<uint64_t>(absl::ToUnixMillis(absl::Now()));
    header.state = replica.state();
    absl::MutexLock lock(&mutex_);
    writer_ = std::make_unique<SnapshotWriter>(std::move(header), calls_->storage_->Snapshot());
    StartSendInitialMetadata();
  }

  absl::StatusOr<std::string> NextChunk() {
    absl::MutexLock lock(&mutex_);
    if (writer_ != nullptr) return writer_->Next(calls_->options_.message_bytes_max);
    return MakeError(absl::StatusCode::kAborted, "SNAPSHOT_STALLED",
                     "the caller took nothing for so long that the snapshot was given up");
  }

  void WriteNext() {
    if (ended_) return Finish(grpc::Status::OK);
    if (calls_->IsDraining()) return Fail(ShuttingDown());
    absl::StatusOr<std::string> chunk = NextChunk();
    if (!chunk.ok()) return Fail(chunk.status());
    Moved();
    v1::SnapshotResponse message;
    shell_->Stamp(message.mutable_clock());
    if (!begun_) message.set_estimated_bytes(calls_->options_.estimate_bytes());
    begun_ = true;
    ended_ = chunk->empty();
    message.set_chunk(*std::move(chunk));
    message_ = MessageBytes(message);
    StartWrite(&message_);
  }

  void Fail(const absl::Status& status) { Finish(shell_->Failure(context_, status)); }

  void Moved() { moved_ms_.store(MonotonicMs(), std::memory_order_relaxed); }

  SnapshotCalls* const calls_;
  Shell* const shell_;
  grpc::CallbackServerContext* const context_;
  std::atomic<uint64_t> moved_ms_{0};
  v1::SnapshotRequest request_;
  absl::Mutex mutex_;
  std::unique_ptr<SnapshotWriter> writer_ ABSL_GUARDED_BY(mutex_);
  grpc::ByteBuffer message_;  // of the write under way
  bool begun_ = false;
  bool ended_ = false;
};

grpc::ServerWriteReactor<grpc::ByteBuffer>* SnapshotCalls::Start(grpc::CallbackServerContext* context,
                                                                 const grpc::ByteBuffer* request) {
  SnapshotStream* stream = nullptr;
  absl::Status refusal;
  {
    absl::MutexLock lock(&mutex_);
    if (draining_) {
      refusal = ShuttingDown();
    } else if (streams_.size() - let_go_.size() >= options_.calls_max) {
      refusal = MakeRetryableError(absl::StatusCode::kResourceExhausted, "TOO_MANY_SNAPSHOTS",
                                   "this node is sending as many snapshots as it may", 5000);
    } else {
      stream = new SnapshotStream(this, context);
      streams_.insert(stream);
    }
  }
  if (stream == nullptr) return new RefusedStream(shell_->Failure(context, refusal));
  stream->Begin(*request);
  return stream;
}

void SnapshotCalls::Poll(uint64_t now_ms) {
  absl::MutexLock lock(&mutex_);
  for (SnapshotStream* stream : streams_) {
    if (stream->LetGoIfStalled(now_ms)) let_go_.insert(stream);
  }
}

void SnapshotCalls::Drain() {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
}

void SnapshotCalls::AwaitEnd() {
  const auto ended = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return streams_.empty(); };
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&ended));
}

void SnapshotCalls::Remove(SnapshotStream* stream) {
  absl::MutexLock lock(&mutex_);
  streams_.erase(stream);
  let_go_.erase(stream);
}

bool SnapshotCalls::IsDraining() const {
  absl::MutexLock lock(&mutex_);
  return draining_;
}

}  // namespace lamppost::kv
