#include "services/rpc/server/call_flow.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/common/error.h"
#include "services/rpc/core/engine_errors.h"

namespace lamppost::rpc {
namespace {

absl::Status FaultInjected() {
  return MakeRetryableError(absl::StatusCode::kUnavailable, "FAULT_INJECTED",
                            "a fault that was asked for: nothing has been done", kRefusalRetryDelayMs);
}

}  // namespace

CallFlow::CallFlow(const CallParts& parts, grpc::CallbackServerContext* context)
    : parts_(parts), context_(context), caller_(parts.driver->NextCaller()) {
  parts_.calls_under_way->fetch_add(1, std::memory_order_relaxed);
}

CallFlow::~CallFlow() {
  parts_.calls_under_way->fetch_sub(1, std::memory_order_relaxed);
}

void CallFlow::Begin(uint64_t counter, absl::StatusOr<CallInput> input, size_t bytes) {
  input_ = std::move(input);
  bytes_ = bytes;
  if (parts_.shell->AdmitNow(counter)) return Admitted();
  parts_.shell->Admit(
      counter, [self = shared_from_this()] { self->Admitted(); },
      [self = shared_from_this()](const absl::Status& status) { self->Fail(status); });
}

void CallFlow::Admitted() {
  if (!input_.ok()) return Fail(input_.status());
  if (parts_.calls_under_way->load(std::memory_order_relaxed) > parts_.calls_max)
    return Fail(Overloaded("the server has as many calls under way as it may"));
  if (absl::Status status = CheckDeadline(); !status.ok()) return Fail(status);
  id_ = input_->id;
  strikes_ = parts_.faults->Strike(input_->method);
  if (strikes_.delay_ms > 0) return Hold(strikes_.delay_ms);
  Submit();
}

void CallFlow::Hold(uint64_t delay_ms) {
  {
    absl::MutexLock lock(&mutex_);
    if (!cancelled_) {
      stage_ = Stage::kHeld;
      const gpr_timespec delay = gpr_time_from_millis(static_cast<int64_t>(delay_ms), GPR_TIMESPAN);
      // The alarm keeps the function, and the function this object: until it has been called.
      alarm_ = std::make_unique<grpc::Alarm>();
      alarm_->Set(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), delay),
                  [self = shared_from_this()](bool) mutable { std::exchange(self, nullptr)->Submit(); });
      return;
    }
  }
  Submit();
}

void CallFlow::Submit() {
  if (absl::Status status = HandOver(); !status.ok()) Fail(status);
}

// With the mutex held, so that a cancellation comes before the driver has the call, or after.
absl::Status CallFlow::HandOver() {
  absl::MutexLock lock(&mutex_);
  if (cancelled_) return absl::CancelledError("the caller has gone");
  if (absl::Status status = CheckDeadline(); !status.ok()) return status;
  if (strikes_.fails_before) return FaultInjected();
  if (strikes_.crash_after_ms) parts_.faults->ArmCrash(id_, *strikes_.crash_after_ms);
  CallTerms terms;
  terms.bytes = bytes_;
  terms.deadline = absl::FromChrono(context_->deadline());
  stage_ = Stage::kSubmitted;
  const absl::Status status = parts_.driver->Call(caller_, *std::move(input_), terms, shared_from_this());
  if (!status.ok() && strikes_.crash_after_ms) parts_.faults->DisarmCrash(id_);
  return status;
}

absl::Status CallFlow::CheckDeadline() const {
  if (absl::Now() < absl::FromChrono(context_->deadline())) return absl::OkStatus();
  return MakeError(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED",
                   "the deadline had passed when the call came; nothing has been done");
}

void CallFlow::Done(const absl::StatusOr<CallReply>& reply) {
  if (strikes_.crash_after_ms) parts_.faults->DisarmCrash(id_);
  if (!reply.ok()) return Fail(reply.status());
  if (strikes_.loses_reply) return Break();
  Answer(*reply);
}

void CallFlow::Cancelled() {
  absl::MutexLock lock(&mutex_);
  cancelled_ = true;
  if (stage_ == Stage::kHeld) alarm_->Cancel();
  if (stage_ == Stage::kSubmitted) parts_.driver->Leave(caller_);
}

}  // namespace lamppost::rpc
