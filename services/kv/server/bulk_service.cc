#include "services/kv/server/bulk_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/kv/server/shutting_down.h"

namespace lamppost::kv {
namespace {

using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

// A stream that is refused before it has begun.
class RefusedStream : public Reactor {
 public:
  explicit RefusedStream(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

Reactor* BulkService::BulkWrite(grpc::CallbackServerContext* context) {
  if (absl::Status denied = shell_->Authorize(*context, security::Right::kWrite); !denied.ok())
    return new RefusedStream(shell_->Failure(context, denied));
  if (!budget_.Enter()) {
    return new RefusedStream(shell_->Failure(
        context,
        MakeRetryableError(absl::StatusCode::kResourceExhausted, "BULK_WRITES_EXHAUSTED",
                           absl::StrCat("there are ", budget_.limits().streams_max, " bulk writes already"),
                           1000)));
  }
  std::shared_ptr<BulkStream> stream =
      BulkStream::Make(limits_, shell_, &budget_, context, [this](BulkStream* done) { Remove(done); });
  bool draining = false;
  {
    absl::MutexLock lock(&mutex_);
    draining = draining_;
    streams_.emplace(stream.get(), stream);
  }
  if (draining) {
    stream->EndWith(ShuttingDown());
  } else {
    stream->Begin();
  }
  return stream.get();
}

void BulkService::Drain() {
  std::vector<std::shared_ptr<BulkStream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
    for (const auto& [key, weak] : streams_) {
      if (std::shared_ptr<BulkStream> stream = weak.lock()) streams.push_back(std::move(stream));
    }
  }
  for (const auto& stream : streams) stream->EndWith(ShuttingDown());
}

void BulkService::Remove(BulkStream* stream) {
  {
    absl::MutexLock lock(&mutex_);
    streams_.erase(stream);
  }
  budget_.Leave();
}

}  // namespace lamppost::kv
