#include "services/kv/server/watch_stream.h"

#include "services/common/message_bytes.h"

namespace lamppost::kv {

std::shared_ptr<WatchStream> WatchStream::Make(CallShell* shell, grpc::CallbackServerContext* context,
                                               std::function<void()> on_change,
                                               std::function<void()> on_done) {
  std::shared_ptr<WatchStream> stream(
      new WatchStream(shell, context, std::move(on_change), std::move(on_done)));
  stream->self_ = stream;
  return stream;
}

bool WatchStream::IsReady() const {
  absl::MutexLock lock(&mutex_);
  return !writing_ && !end_;
}

bool WatchStream::IsOver() const {
  absl::MutexLock lock(&mutex_);
  return end_.has_value();
}

bool WatchStream::IsFinished() const {
  absl::MutexLock lock(&mutex_);
  return finished_;
}

void WatchStream::Send(v1::WatchResponse message) {
  {
    absl::MutexLock lock(&mutex_);
    if (end_) return;
    writing_ = true;  // so the context stays
  }
  if (absl::Status denied = permit_.Check(absl::Now()); !denied.ok()) {
    {
      absl::MutexLock lock(&mutex_);
      writing_ = false;
    }
    return End(denied);
  }
  shell_->Stamp(message.mutable_clock());
  message_ = MessageBytes(message);
  StartWrite(&message_);
}

void WatchStream::OnWriteDone(bool ok) {
  const std::shared_ptr<WatchStream> self = shared_from_this();  // beyond Finish
  {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok && !end_) end_ = absl::CancelledError("the caller has gone");
  }
  message_.Clear();
  FinishIfIdle();
  on_change_();
}

void WatchStream::End(const absl::Status& status) {
  const std::shared_ptr<WatchStream> self = shared_from_this();  // beyond Finish
  {
    absl::MutexLock lock(&mutex_);
    if (!end_) end_ = status;
  }
  FinishIfIdle();
  on_change_();
}

// gRPC may come back in here from TryCancel, so that runs without the lock.
void WatchStream::Cancel() {
  {
    absl::MutexLock lock(&mutex_);
    if (finished_ || cancelled_) return;
    cancelled_ = cancelling_ = true;
  }
  context_->TryCancel();
  {
    absl::MutexLock lock(&mutex_);
    cancelling_ = false;
  }
  FinishIfIdle();
}

void WatchStream::FinishIfIdle() {
  absl::Status status;
  {
    absl::MutexLock lock(&mutex_);
    if (!end_ || writing_ || cancelling_ || finished_) return;
    finished_ = true;
    status = *end_;
  }
  Finish(shell_->Failure(context_, status));
}

void WatchStream::OnDone() {
  const std::function<void()> on_done = on_done_;
  self_.reset();  // may delete this
  on_done();
}

}  // namespace lamppost::kv
