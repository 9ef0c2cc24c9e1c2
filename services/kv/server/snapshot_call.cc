#include "services/kv/server/snapshot_call.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "lamppost/kv/v1/admin_service.pb.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"
#include "services/common/message_bytes.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/shutting_down.h"
#include "services/kv/snapshot/snapshot_writer.h"

namespace lamppost::kv {
namespace {

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
      : calls_(calls),
        shell_(calls->shell_),
        context_(context),
        permit_(shell_->PermitFor(context, security::Right::kAdmin)) {}

  void Begin(const grpc::ByteBuffer& bytes) {
    if (absl::Status status = ParseMessage(bytes, &request_); !status.ok()) return Fail(status);
    session_ = FromProto(request_.session());
    // A session's counters come in with it; one that is malformed is refused, and moves no clock.
    const uint64_t counter = request_.clock().counter();
    shell_->Admit(
        session_.ok() ? std::max(counter, session_->Max()) : counter, [this] { AwaitSession(); },
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

  // Lets go of what the store keeps for a caller who has stalled. True if the call is to be broken off, too:
  // then Cancel must follow, and the call does not end before. Never waits.
  bool LetGoIfStalled(uint64_t now_ms) {
    if (!mutex_.TryLock()) return false;
    const SnapshotCallsOptions& options = calls_->options_;
    const uint64_t allowed_ms = options.stall_ms_max + sent_bytes_ * 1000 / options.bytes_per_second_min;
    const bool is_late = begun_ms_ != 0 && now_ms > begun_ms_ + allowed_ms;
    if (writer_ != nullptr && (is_late || now_ms > moved_ms_ + options.stall_ms_max)) {
      writer_.reset();
      let_go_ms_ = now_ms;
    }
    const bool breaks_off =
        let_go_ms_ != 0 && now_ms > let_go_ms_ + options.stall_ms_max && !cancelling_ && !finished_;
    if (breaks_off) cancelling_ = true;
    mutex_.Unlock();
    return breaks_off;
  }

  // gRPC may come back in here from TryCancel, so that runs without the lock.
  void Cancel() {
    context_->TryCancel();
    std::optional<grpc::Status> end;
    {
      absl::MutexLock lock(&mutex_);
      cancelling_ = false;
      let_go_ms_ = 0;
      if (!end_) return;
      finished_ = true;
      end = end_;
    }
    Finish(*end);
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
    if (!session_.ok()) return Fail(session_.status());
    const absl::Time deadline =
        std::min(absl::FromChrono(context_->deadline()), absl::Now() + kStreamSessionWaitMax);
    shell_->sessions()->Wait(
        *session_, deadline, [this] { return context_->IsCancelled(); },
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
    if (replica.IsFilling()) {
      return Fail(MakeRetryableError(absl::StatusCode::kUnavailable, "REFILLING",
                                     "the node fills from its peers, and has not got everything yet", 1000));
    }
    SnapshotHeader header;
    header.cluster = calls_->options_.cluster;
    header.node_id = replica.me().node_id;
    header.created_unix_ms = static_cast<uint64_t>(absl::ToUnixMillis(absl::Now()));
    header.state = replica.state();
    {
      absl::MutexLock lock(&mutex_);
      writer_ = std::make_unique<SnapshotWriter>(std::move(header), calls_->storage_->Snapshot());
      begun_ms_ = moved_ms_ = MonotonicMs();
    }
    StartSendInitialMetadata();
  }

  absl::StatusOr<std::string> NextChunk() {
    absl::MutexLock lock(&mutex_);
    if (writer_ != nullptr) return writer_->Next(calls_->options_.message_bytes_max);
    return MakeError(absl::StatusCode::kAborted, "SNAPSHOT_STALLED",
                     "the caller took nothing for so long that the snapshot was given up");
  }

  void WriteNext() {
    if (ended_) return End(grpc::Status::OK);
    if (calls_->IsDraining()) return Fail(ShuttingDown());
    if (absl::Status denied = permit_.Check(absl::Now()); !denied.ok()) return Fail(denied);
    absl::StatusOr<std::string> chunk = NextChunk();
    if (!chunk.ok()) return Fail(chunk.status());
    {
      absl::MutexLock lock(&mutex_);
      moved_ms_ = MonotonicMs();
      sent_bytes_ += chunk->size();
    }
    v1::SnapshotResponse message;
    shell_->Stamp(message.mutable_clock());
    if (!begun_) message.set_estimated_bytes(calls_->options_.estimate_bytes());
    begun_ = true;
    ended_ = chunk->empty();
    message.set_chunk(*std::move(chunk));
    message_ = MessageBytes(message);
    StartWrite(&message_);
  }

  void Fail(const absl::Status& status) { End(shell_->Failure(context_, status)); }

  void End(const grpc::Status& status) {
    {
      absl::MutexLock lock(&mutex_);
      if (cancelling_) {
        end_ = status;  // Cancel goes on with it
        return;
      }
      finished_ = true;
    }
    Finish(status);
  }

  SnapshotCalls* const calls_;
  Shell* const shell_;
  grpc::CallbackServerContext* const context_;
  v1::SnapshotRequest request_;
  absl::StatusOr<Heads> session_;
  security::Permit permit_;
  absl::Mutex mutex_;
  uint64_t begun_ms_ ABSL_GUARDED_BY(mutex_) = 0;   // 0: it has not
  uint64_t moved_ms_ ABSL_GUARDED_BY(mutex_) = 0;   // when the last message was begun
  uint64_t let_go_ms_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: it has not been
  uint64_t sent_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool cancelling_ ABSL_GUARDED_BY(mutex_) = false;  // the context is in use: no Finish
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<grpc::Status> end_ ABSL_GUARDED_BY(mutex_);  // came while cancelling
  std::unique_ptr<SnapshotWriter> writer_ ABSL_GUARDED_BY(mutex_);
  grpc::ByteBuffer message_;  // of the write under way
  bool begun_ = false;
  bool ended_ = false;
};

grpc::ServerWriteReactor<grpc::ByteBuffer>* SnapshotCalls::Start(grpc::CallbackServerContext* context,
                                                                 const grpc::ByteBuffer* request) {
  SnapshotStream* stream = nullptr;
  absl::Status refusal = shell_->Authorize(*context, security::Right::kAdmin);
  if (refusal.ok()) {
    absl::MutexLock lock(&mutex_);
    if (draining_) {
      refusal = ShuttingDown();
    } else if (streams_.size() >= options_.calls_max) {
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
  std::vector<SnapshotStream*> broken_off;
  {
    absl::MutexLock lock(&mutex_);
    for (SnapshotStream* stream : streams_) {
      if (stream->LetGoIfStalled(now_ms)) broken_off.push_back(stream);
    }
  }
  for (SnapshotStream* stream : broken_off) stream->Cancel();
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
}

bool SnapshotCalls::IsDraining() const {
  absl::MutexLock lock(&mutex_);
  return draining_;
}

}  // namespace lamppost::kv
