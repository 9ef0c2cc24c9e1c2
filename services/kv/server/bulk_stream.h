// One BulkWrite: reads batches while there is room, has the driver apply them in the order they came, and
// answers in that order.
//
// A driver that has too much to do refuses the first batch that does not fit; that one and those behind it
// are held, and tried again a moment later. Any other refusal ends the call, once the batches before it have
// been answered.
//
// Thread-safe: gRPC's threads, the driver's and the alarm's come in here.
#ifndef LAMPPOST_SERVICES_KV_SERVER_BULK_STREAM_H_
#define LAMPPOST_SERVICES_KV_SERVER_BULK_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/alarm.h"
#include "grpcpp/grpcpp.h"
#include "lamppost/kv/v1/kv_service.pb.h"
#include "services/kv/core/limits.h"
#include "services/kv/server/bulk_budget.h"
#include "services/kv/server/shell.h"

namespace lamppost::kv {

class BulkStream : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                   public std::enable_shared_from_this<BulkStream> {
 public:
  // The budget has been entered for it. on_done: the last that is called.
  static std::shared_ptr<BulkStream> Make(const Limits& limits, Shell* shell, BulkBudget* budget,
                                          grpc::CallbackServerContext* context,
                                          std::function<void(BulkStream*)> on_done);

  void Begin() { Advance(); }
  // Takes no further batch; ends the call with this once those that it has are answered. The first one
  // counts.
  void EndWith(const absl::Status& status);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  class Waiter;

  // A batch on its way. It holds its place until it is answered, so that answers come in order.
  struct Slot {
    uint64_t number = 0;  // of the stream, from 0
    uint64_t sequence = 0;
    uint64_t bytes = 0;
    std::optional<Proposal> proposal;  // until the driver has it
    std::optional<WriteResult> result;
  };

  BulkStream(const Limits& limits, Shell* shell, BulkBudget* budget, grpc::CallbackServerContext* context,
             std::function<void(BulkStream*)> on_done)
      : limits_(limits),
        shell_(shell),
        budget_(budget),
        context_(context),
        on_done_(std::move(on_done)),
        deadline_(absl::FromChrono(context->deadline())),
        permit_(shell->PermitFor(context, security::Right::kWrite)) {}

  // What was read, as a batch with a place.
  void Take();
  absl::StatusOr<Slot> ToSlot();
  void Done(uint64_t number, const absl::StatusOr<WriteResult>& result);
  // Does whatever can be done now: hands batches to the driver, answers, reads on, finishes. To be called
  // after every change.
  void Advance() ABSL_LOCKS_EXCLUDED(mutex_);
  void OfferHeld() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OfferLater() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes the slots from this number on away.
  void Drop(uint64_t from_number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Answer(uint64_t sequence, const WriteResult& result);

  const Limits limits_;
  Shell* const shell_;
  BulkBudget* const budget_;
  grpc::CallbackServerContext* const context_;
  const std::function<void(BulkStream*)> on_done_;
  const absl::Time deadline_;         // the context may be gone when a batch is taken
  security::Permit permit_;           // as in_
  std::shared_ptr<BulkStream> self_;  // until gRPC is done
  grpc::ByteBuffer in_;               // of the read under way
  grpc::ByteBuffer out_;              // of the write under way
  v1::BulkWriteRequest request_;      // the last one read
  std::optional<uint64_t> last_sequence_;

  absl::Mutex mutex_;
  std::deque<Slot> slots_ ABSL_GUARDED_BY(mutex_);  // with ascending numbers
  size_t held_ ABSL_GUARDED_BY(mutex_) = 0;         // the last so many, which the driver has not got yet
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;             // or at work on what was read
  std::optional<uint64_t> writing_ ABSL_GUARDED_BY(mutex_);  // the number of the slot
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);  // no further batch is taken
  std::unique_ptr<grpc::Alarm> alarm_ ABSL_GUARDED_BY(mutex_);
  bool alarm_set_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_BULK_STREAM_H_
