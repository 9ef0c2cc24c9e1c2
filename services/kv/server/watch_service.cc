#include "services/kv/server/watch_service.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "lamppost/kv/v1/kv_service.pb.h"
#include "services/common/error.h"
#include "services/common/message_bytes.h"

namespace lamppost::kv {

grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchService::Watch(grpc::CallbackServerContext* context,
                                                                const grpc::ByteBuffer* in) {
  const bool is_room = watches_.fetch_add(1) < kWatchesMax;
  std::shared_ptr<WatchStream> stream = WatchStream::Make(
      shell_, context, [this] { pump_.Wake(); }, [this] { watches_.fetch_sub(1); });
  grpc::ServerWriteReactor<grpc::ByteBuffer>* const reactor = stream.get();
  v1::WatchRequest request;
  if (!is_room) {
    stream->End(MakeRetryableError(absl::StatusCode::kResourceExhausted, "WATCHES_EXHAUSTED",
                                   absl::StrCat("there are ", kWatchesMax, " watches already"), 5000));
  } else if (absl::Status denied = stream->CheckPermit(); !denied.ok()) {
    stream->End(denied);
  } else if (absl::Status status = ParseMessage(*in, &request); !status.ok()) {
    stream->End(status);
  } else {
    const absl::Time deadline = absl::FromChrono(context->deadline());
    const absl::StatusOr<WatchSpec> spec = ReadWatch(request);
    const auto begin = [this, stream, deadline, spec] {
      if (!spec.ok()) return stream->End(spec.status());
      Begin(*spec, deadline, stream);
    };
    const auto refuse = [stream](const absl::Status& refusal) { stream->End(refusal); };
    // A session's counters come in with it; one that is malformed is refused, and moves no clock.
    const uint64_t counter = request.clock().counter();
    const bool has_session = spec.ok() && spec->from;
    shell_->Admit(has_session ? std::max(counter, spec->from->Max()) : counter, begin, refuse);
  }
  return reactor;
}

void WatchService::Begin(WatchSpec spec, absl::Time deadline, std::shared_ptr<WatchStream> stream) {
  if (absl::Status status = shell_->CheckReadable(); !status.ok()) return stream->End(status);
  const Heads session = spec.from ? *spec.from : Heads();
  const auto next = [this, spec = std::move(spec), stream](const absl::Status& status) {
    if (!status.ok()) return stream->End(status);
    pump_.Add(spec, stream);
  };
  deadline = std::min(deadline, absl::Now() + kStreamSessionWaitMax);
  shell_->sessions()->Wait(
      session, deadline, [stream] { return stream->IsOver(); }, next);
}

}  // namespace lamppost::kv
