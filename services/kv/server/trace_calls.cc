#include "services/kv/server/trace_calls.h"

#include <deque>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"
#include "services/common/message_bytes.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/shutting_down.h"
#include "services/kv/server/trace_codec.h"
#include "services/kv/server/wall_clock.h"

namespace lamppost::kv {
namespace {

// Well below what a client takes.
constexpr size_t kMessageBytesMax = size_t{1} << 20;

class RefusedStream : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  explicit RefusedStream(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

// gRPC's operations must not be started once the call is over. So a write is marked as under way before it is
// started, outside the lock, and Finish is only called while none is.
class TraceStream : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  TraceStream(TraceCalls* calls, grpc::CallbackServerContext* context)
      : calls_(calls),
        shell_(calls->shell_),
        context_(context),
        permit_(shell_->PermitFor(context, security::Right::kAdmin)) {}

  // Before any other call.
  void Begin(const grpc::ByteBuffer& bytes, std::shared_ptr<TraceStream> self) {
    self_ = std::move(self);
    v1::TraceRequest request;
    if (absl::Status status = ParseMessage(bytes, &request); !status.ok()) return Close(status);
    shell_->Admit(
        request.clock().counter(), [this, self = self_] { Open(); },
        [this, self = self_](const absl::Status& status) { Close(status); });
  }

  void Offer(const std::vector<v1::TraceEvent>& events, uint64_t left_out) {
    absl::MutexLock lock(&mutex_);
    left_out_ += left_out;
    for (const v1::TraceEvent& event : events) {
      queue_.push_back(event);
      queued_bytes_ += event.ByteSizeLong();
    }
    while (queued_bytes_ > calls_->options_.queued_bytes_max) {
      TakeFirst();
      ++left_out_;
    }
  }

  // Sends what there is, or, after a while, that there is nothing.
  void Flush(uint64_t now_ms) {
    {
      absl::MutexLock lock(&mutex_);
      const bool is_due = !queue_.empty() || now_ms >= moved_ms_ + calls_->options_.quiet_ms_max;
      if (!open_ || writing_ || closing_ || !is_due) return;
      writing_ = true;
      moved_ms_ = now_ms;
    }
    WriteNext();
  }

  void Close(const absl::Status& status) {
    {
      absl::MutexLock lock(&mutex_);
      if (closing_) return;
      closing_ = true;
      status_ = status;
    }
    FinishIfIdle();
  }

  void OnWriteDone(bool ok) override {
    {
      absl::MutexLock lock(&mutex_);
      writing_ = false;
    }
    if (!ok) Close(absl::CancelledError("the caller has gone"));
    FinishIfIdle();
    Flush(MonotonicMs());
  }

  void OnCancel() override { Close(absl::CancelledError("the caller has gone")); }

  void OnDone() override {
    calls_->Remove(this);
    self_.reset();  // may delete this
  }

 private:
  // The first message goes out at once: from it on, events are told.
  void Open() {
    {
      absl::MutexLock lock(&mutex_);
      if (closing_) return;
      open_ = true;
      writing_ = true;
      moved_ms_ = MonotonicMs();
    }
    WriteNext();
  }

  void WriteNext() {
    if (absl::Status denied = permit_.Check(absl::Now()); !denied.ok()) {
      {
        absl::MutexLock lock(&mutex_);
        writing_ = false;
      }
      Close(denied);
      return FinishIfIdle();
    }
    v1::TraceResponse message;
    shell_->Stamp(message.mutable_clock());
    message.set_node_id(calls_->options_.node_id);
    message.set_boot_id(calls_->options_.boot_id);
    ToProto(calls_->options_.started_unix_ms, message.mutable_started_at());
    {
      absl::MutexLock lock(&mutex_);
      message.set_left_out(std::exchange(left_out_, 0));
      size_t bytes = 0;
      while (!queue_.empty() &&
             message.events_size() < static_cast<int>(calls_->options_.message_events_max)) {
        bytes += queue_.front().ByteSizeLong();
        if (bytes > kMessageBytesMax && message.events_size() > 0) break;
        *message.add_events() = TakeFirst();
      }
    }
    message_ = MessageBytes(message);
    StartWrite(&message_);
  }

  v1::TraceEvent TakeFirst() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    v1::TraceEvent first = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= first.ByteSizeLong();
    return first;
  }

  void FinishIfIdle() {
    absl::Status status;
    {
      absl::MutexLock lock(&mutex_);
      if (!closing_ || writing_ || finished_) return;
      finished_ = true;
      status = status_;
    }
    Finish(shell_->Failure(context_, status));
  }

  TraceCalls* const calls_;
  Shell* const shell_;
  grpc::CallbackServerContext* const context_;
  std::shared_ptr<TraceStream> self_;
  security::Permit permit_;   // as the next
  grpc::ByteBuffer message_;  // of the write under way

  absl::Mutex mutex_;
  std::deque<v1::TraceEvent> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t left_out_ ABSL_GUARDED_BY(mutex_) = 0;  // before the first of the queue
  uint64_t moved_ms_ ABSL_GUARDED_BY(mutex_) = 0;  // when the last message was begun
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

grpc::ServerWriteReactor<grpc::ByteBuffer>* TraceCalls::Start(grpc::CallbackServerContext* context,
                                                              const grpc::ByteBuffer* request) {
  std::shared_ptr<TraceStream> stream;
  absl::Status refusal = shell_->Authorize(*context, security::Right::kAdmin);
  if (refusal.ok()) {
    absl::MutexLock lock(&mutex_);
    if (draining_) {
      refusal = ShuttingDown();
    } else if (streams_.size() >= options_.calls_max) {
      refusal = MakeRetryableError(absl::StatusCode::kResourceExhausted, "TOO_MANY_TRACES",
                                   "this node is being traced by as many as it may", 5000);
    } else {
      stream = std::make_shared<TraceStream>(this, context);
      streams_.emplace(stream.get(), stream);
    }
  }
  if (stream == nullptr) return new RefusedStream(shell_->Failure(context, refusal));
  Follow();
  TraceStream* const reactor = stream.get();
  stream->Begin(*request, stream);
  return reactor;
}

TraceCalls::Streams TraceCalls::streams() const {
  absl::MutexLock lock(&mutex_);
  return streams_;
}

void TraceCalls::Follow() {
  shell_->driver()->Post([this](Replica* replica) {
    if (streams().empty()) {
      replica->StopTrace();
    } else {
      replica->StartTrace();
    }
  });
}

void TraceCalls::Publish(const Tracer::Points& points) {
  std::vector<v1::TraceEvent> events(points.points.size());
  const uint64_t now_unix_ms = UnixMs();
  for (size_t i = 0; i < events.size(); ++i) {
    ToProto(points.points[i], &events[i]);
    ToProto(now_unix_ms, events[i].mutable_at());
  }
  for (const auto& [raw, stream] : streams()) stream->Offer(events, points.left_out);
}

void TraceCalls::Poll(uint64_t now_ms) {
  for (const auto& [raw, stream] : streams()) stream->Flush(now_ms);
}

void TraceCalls::Drain() {
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
  }
  for (const auto& [raw, stream] : streams()) stream->Close(ShuttingDown());
}

void TraceCalls::Remove(TraceStream* stream) {
  {
    absl::MutexLock lock(&mutex_);
    streams_.erase(stream);
  }
  Follow();
}

}  // namespace lamppost::kv
