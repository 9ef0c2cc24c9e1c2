#include "services/kv/server/bulk_stream.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/common/clock_proto.h"
#include "services/common/error.h"
#include "services/common/message_bytes.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/wait_limit.h"

namespace lamppost::kv {
namespace {

// How long a batch may wait for other members if the call has no deadline.
constexpr absl::Duration kReplicasWaitMax = absl::Seconds(60);

// The counter that a batch brings: its clock's, or a higher one of its session's. A session that is malformed
// is refused, so it must not move the clock.
uint64_t HighestCounter(const v1::BulkWriteRequest& request) {
  const absl::StatusOr<Heads> session = FromProto(request.session());
  return session.ok() ? std::max(request.clock().counter(), session->Max()) : request.clock().counter();
}

}  // namespace

// Waits for the driver in the stream's place; deletes itself.
class BulkStream::Waiter : public WriteWaiter {
 public:
  Waiter(std::shared_ptr<BulkStream> stream, uint64_t number) : stream_(std::move(stream)), number_(number) {}

  void Done(const absl::StatusOr<WriteResult>& result) override {
    const std::unique_ptr<Waiter> self(this);
    stream_->Done(number_, result);
  }

 private:
  const std::shared_ptr<BulkStream> stream_;
  const uint64_t number_;
};

std::shared_ptr<BulkStream> BulkStream::Make(const Limits& limits, Shell* shell, BulkBudget* budget,
                                             grpc::CallbackServerContext* context,
                                             std::function<void(BulkStream*)> on_done) {
  std::shared_ptr<BulkStream> stream(new BulkStream(limits, shell, budget, context, std::move(on_done)));
  stream->self_ = stream;
  return stream;
}

void BulkStream::EndWith(const absl::Status& status) {
  const std::shared_ptr<BulkStream> self = shared_from_this();  // beyond Finish
  {
    absl::MutexLock lock(&mutex_);
    if (!end_) end_ = status;
  }
  Advance();
}

void BulkStream::OnReadDone(bool ok) {
  const std::shared_ptr<BulkStream> self = shared_from_this();
  if (!ok) {
    {
      absl::MutexLock lock(&mutex_);
      reading_ = false;
    }
    return EndWith(absl::OkStatus());  // the sender has no more
  }
  if (absl::Status denied = permit_.Check(absl::Now()); !denied.ok()) return EndWith(denied);
  if (absl::Status status = ParseMessage(in_, &request_); !status.ok()) return EndWith(status);
  in_.Clear();
  shell_->Admit(
      HighestCounter(request_), [self] { self->Take(); },
      [self](const absl::Status& status) { self->EndWith(status); });
}

absl::StatusOr<BulkStream::Slot> BulkStream::ToSlot() {
  const uint64_t sequence = request_.sequence();
  if (last_sequence_ && sequence != *last_sequence_ + 1) {
    return MakeError(absl::StatusCode::kInvalidArgument, "SEQUENCE_INVALID",
                     absl::StrCat("batch ", sequence, " came after batch ", *last_sequence_));
  }
  last_sequence_ = sequence;
  Slot slot;
  slot.sequence = sequence;
  slot.bytes = request_.ByteSizeLong();
  // A batch is a Write with a number.
  v1::WriteRequest write;
  write.mutable_operations()->Swap(request_.mutable_operations());
  write.set_request_id(request_.request_id());
  write.set_replicas(request_.replicas());
  if (request_.has_session()) write.mutable_session()->Swap(request_.mutable_session());
  absl::StatusOr<Proposal> proposal = ToProposal(write);
  if (!proposal.ok()) return proposal.status();
  if (absl::Status status = CheckProposal(*proposal, limits_); !status.ok()) return status;
  if (proposal->replicas > 1) {
    const absl::Duration left = deadline_ - absl::Now();
    proposal->replicas_until_ms =
        MonotonicMs() + absl::ToInt64Milliseconds(WaitLimit(left, kReplicasWaitMax));
  }
  slot.proposal = *std::move(proposal);
  return slot;
}

void BulkStream::Take() {
  absl::StatusOr<Slot> slot = ToSlot();
  if (!slot.ok()) return EndWith(slot.status());
  {
    absl::MutexLock lock(&mutex_);
    reading_ = false;
    if (!end_) {
      slot->number = next_number_++;
      bytes_ += slot->bytes;
      budget_->Take(slot->bytes);
      slots_.push_back(*std::move(slot));
      ++held_;
    }
  }
  Advance();
}

void BulkStream::Done(uint64_t number, const absl::StatusOr<WriteResult>& result) {
  {
    absl::MutexLock lock(&mutex_);
    if (slots_.empty() || number < slots_.front().number || number > slots_.back().number) return;
    if (result.ok()) {
      slots_[number - slots_.front().number].result = *result;
    } else {
      // What follows is not answered any more. Whatever was to end the call came after this one.
      Drop(number);
      end_ = result.status();
    }
  }
  Advance();
}

void BulkStream::Drop(uint64_t from_number) {
  while (!slots_.empty() && slots_.back().number >= from_number) {
    const uint64_t bytes = slots_.back().bytes;
    bytes_ -= bytes;
    budget_->GiveBack(bytes);
    if (held_ > 0) --held_;
    slots_.pop_back();
  }
}

void BulkStream::OfferHeld() {
  while (held_ > 0 && !alarm_set_) {
    Slot& slot = slots_[slots_.size() - held_];
    auto waiter = std::make_unique<Waiter>(shared_from_this(), slot.number);
    const absl::Status refusal = shell_->driver()->Offer(&*slot.proposal, slot.bytes, waiter.get());
    if (refusal.ok()) {
      waiter.release();  // it deletes itself
      slot.proposal.reset();
      --held_;
    } else if (refusal.code() == absl::StatusCode::kResourceExhausted) {
      OfferLater();
    } else {
      Drop(slot.number);
      end_ = refusal;
    }
  }
}

void BulkStream::OfferLater() {
  alarm_set_ = true;
  alarm_ = std::make_unique<grpc::Alarm>();
  const auto when = std::chrono::system_clock::now() + std::chrono::milliseconds(budget_->limits().retry_ms);
  alarm_->Set(when, [self = shared_from_this()](bool) {
    std::unique_ptr<grpc::Alarm> alarm;  // it holds this function, and so the stream
    {
      absl::MutexLock lock(&self->mutex_);
      self->alarm_set_ = false;
      alarm = std::move(self->alarm_);
    }
    self->Advance();
  });
}

void BulkStream::Advance() {
  std::optional<std::pair<uint64_t, WriteResult>> answer;
  std::optional<absl::Status> finish;
  {
    absl::MutexLock lock(&mutex_);
    if (finished_) return;
    OfferHeld();
    if (!writing_ && !slots_.empty() && slots_.front().result) {
      writing_ = slots_.front().number;
      answer = {slots_.front().sequence, *slots_.front().result};
    }
    // Under the lock, so that nobody finishes the call in between. gRPC never reacts from within it.
    if (!reading_ && !end_ && budget_->HasRoom(slots_.size(), bytes_)) {
      reading_ = true;
      StartRead(&in_);
    }
    if (end_ && slots_.empty() && !writing_) {
      finish = end_;
      finished_ = true;
    }
  }
  if (answer) Answer(answer->first, answer->second);
  if (finish) Finish(shell_->Failure(context_, *finish));
}

void BulkStream::Answer(uint64_t sequence, const WriteResult& result) {
  v1::BulkWriteResponse response;
  response.set_sequence(sequence);
  lamppost::ToProto(result.version, response.mutable_version());
  response.set_replayed(result.replayed);
  response.set_replicas(static_cast<uint32_t>(result.replicas));
  // The version may be that of an earlier attempt at another node, which the heads do not cover yet.
  Heads session = *shell_->driver()->published()->Now().written;
  session.Raise(result.version.origin, result.version.counter);
  ToProto(session, response.mutable_session());
  shell_->Stamp(response.mutable_clock());
  out_ = MessageBytes(response);
  StartWrite(&out_);
}

void BulkStream::OnWriteDone(bool ok) {
  const std::shared_ptr<BulkStream> self = shared_from_this();
  {
    absl::MutexLock lock(&mutex_);
    if (!slots_.empty() && slots_.front().number == writing_) {
      bytes_ -= slots_.front().bytes;
      budget_->GiveBack(slots_.front().bytes);
      slots_.pop_front();
    }
    writing_.reset();
    if (!ok) {
      Drop(0);
      end_ = absl::CancelledError("the caller has gone");
    }
  }
  Advance();
}

void BulkStream::OnCancel() {
  const std::shared_ptr<BulkStream> self = shared_from_this();
  {
    absl::MutexLock lock(&mutex_);
    Drop(0);
    end_ = absl::CancelledError("the caller has gone");
  }
  Advance();
}

void BulkStream::OnDone() {
  {
    absl::MutexLock lock(&mutex_);
    Drop(0);
  }
  const std::function<void(BulkStream*)> on_done = on_done_;
  BulkStream* const stream = this;
  const std::shared_ptr<BulkStream> self = std::move(self_);
  on_done(stream);
}

}  // namespace lamppost::kv
