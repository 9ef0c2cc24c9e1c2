// The gRPC side of one watch: sends one message at a time, and ends the call.
//
// gRPC's operations must not be started once the call has been finished, and it is finished only while no
// write is under way. The stream keeps that; whoever follows the changes (watch_pump.h) looks at IsReady and
// IsOver, and is woken when they may have changed.
//
// Thread-safe, but Send is for one thread. Lives until gRPC is done with it and nobody else holds it.
#ifndef LAMPPOST_SERVICES_KV_SERVER_WATCH_STREAM_H_
#define LAMPPOST_SERVICES_KV_SERVER_WATCH_STREAM_H_

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "grpcpp/grpcpp.h"
#include "lamppost/kv/v1/kv_service.pb.h"
#include "services/common/call_shell.h"

namespace lamppost::kv {

class WatchStream : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                    public std::enable_shared_from_this<WatchStream> {
 public:
  // Its caller needs the right to read. on_change: what IsReady and the others say may have changed. on_done:
  // the last that is called. Neither may block.
  static std::shared_ptr<WatchStream> Make(CallShell* shell, grpc::CallbackServerContext* context,
                                           std::function<void()> on_change, std::function<void()> on_done);

  // True if gRPC has taken the message before, and the call is not over.
  bool IsReady() const;
  // True once the call has been ended, by either side; the write under way may still hold that up.
  bool IsOver() const;
  // True once gRPC has been told so.
  bool IsFinished() const;

  // Whether the caller may watch. Before the first Send.
  absl::Status CheckPermit() { return permit_.Check(absl::Now()); }
  // Only if IsReady. The message is stamped on the way. Ends the call instead if the caller may not watch any
  // more.
  void Send(v1::WatchResponse message);
  // Ends the call, after the write under way. The first one counts.
  void End(const absl::Status& status);
  // Ends it even if the caller takes nothing any more. For the thread of Send.
  void Cancel();

  void OnWriteDone(bool ok) override;
  void OnCancel() override { End(absl::CancelledError("the caller has gone")); }
  void OnDone() override;

 private:
  WatchStream(CallShell* shell, grpc::CallbackServerContext* context, std::function<void()> on_change,
              std::function<void()> on_done)
      : shell_(shell),
        context_(context),
        on_change_(std::move(on_change)),
        on_done_(std::move(on_done)),
        permit_(shell->PermitFor(context, security::Right::kRead)) {}
  void FinishIfIdle();

  CallShell* const shell_;
  grpc::CallbackServerContext* const context_;
  const std::function<void()> on_change_;
  const std::function<void()> on_done_;
  security::Permit permit_;
  std::shared_ptr<WatchStream> self_;  // until gRPC is done
  grpc::ByteBuffer message_;           // of the write under way

  mutable absl::Mutex mutex_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelling_ ABSL_GUARDED_BY(mutex_) = false;  // the context is in use: no Finish
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_WATCH_STREAM_H_
