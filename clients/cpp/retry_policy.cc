#include "clients/cpp/retry_policy.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost::client {

bool NodeIsInTrouble(const absl::Status& status) {
  const absl::StatusCode code = status.code();
  return (code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kDeadlineExceeded ||
          code == absl::StatusCode::kCancelled) &&
         ErrorReason(status) != "REPLICAS_PENDING";
}

bool NodeIsRemoved(const absl::Status& status) {
  return ErrorReason(status) == "NODE_REMOVED";
}

void RetryBudget::OnSuccess() {
  std::lock_guard<std::mutex> lock(mutex_);
  tokens_ = std::min(tokens_max_, tokens_ + tokens_per_success_);
}

bool RetryBudget::OnFailure() {
  std::lock_guard<std::mutex> lock(mutex_);
  tokens_ = std::max(0.0, tokens_ - 1);
  return tokens_ >= tokens_max_ / 2;
}

double RetryBudget::tokens() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return tokens_;
}

RetryPolicy::RetryPolicy(const RetryOptions& options, CallKind kind, int64_t deadline_ms, RetryBudget* budget,
                         RandomSource random)
    : options_(options),
      kind_(kind),
      deadline_ms_(deadline_ms),
      budget_(budget),
      random_(std::move(random)),
      backoff_ms_(static_cast<double>(options.backoff_initial_ms)) {}

int64_t RetryPolicy::AttemptTimeoutMs(int64_t now_ms) const {
  if (deadline_ms_ == kNoDeadline) return options_.attempt_timeout_ms;
  return std::max<int64_t>(0, std::min(options_.attempt_timeout_ms, deadline_ms_ - now_ms));
}

void RetryPolicy::OnSuccess() {
  budget_->OnSuccess();
}

bool RetryPolicy::MayRepeat(const absl::Status& status, Reach reach) const {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:  // this side cancels nothing: it was a server that shuts down
      // Without a request id a repetition must not follow an attempt that may have landed.
      return kind_ != CallKind::kSingleWrite || EffectOf(kind_, reach, status) == Effect::kNone;
    case absl::StatusCode::kResourceExhausted:
      return RetryDelayMs(status).has_value();
    case absl::StatusCode::kDeadlineExceeded:
      return kind_ != CallKind::kSingleWrite;
    default:
      return false;
  }
}

bool RetryPolicy::HasOnlyWaited(const absl::Status& status, Reach reach) const {
  if (ErrorReason(status) == "REPLICAS_PENDING") return true;  // the next one waits on under the same id
  return options_.slow_attempt == SlowAttempt::kWait && reach == Reach::kSent &&
         status.code() == absl::StatusCode::kDeadlineExceeded;
}

int64_t RetryPolicy::NextDelayMs(const absl::Status& status) {
  const int64_t jitter_ms = static_cast<int64_t>(random_() * backoff_ms_);
  backoff_ms_ = std::min(backoff_ms_ * options_.backoff_factor, static_cast<double>(options_.backoff_max_ms));
  const int64_t asked_ms = std::max<int64_t>(0, RetryDelayMs(status).value_or(0));
  return asked_ms + jitter_ms;
}

RetryDecision RetryPolicy::OnFailure(const absl::Status& status, Reach reach, int64_t now_ms) {
  ++attempts_;
  RetryDecision decision;
  if (!MayRepeat(status, reach)) {
    decision.why = "a repetition would not help or would not be safe";
    return decision;
  }
  // Only failures that would be repeated say something about the servers' health.
  const bool has_only_waited = HasOnlyWaited(status, reach);
  const bool budget_allows = has_only_waited || budget_->OnFailure();
  const int64_t delay_ms =
      has_only_waited ? static_cast<int64_t>(random_() * static_cast<double>(options_.backoff_initial_ms))
                      : NextDelayMs(status);
  if (deadline_ms_ != kNoDeadline && delay_ms >= deadline_ms_ - now_ms) {
    decision.why = "the timeout leaves no time for another attempt";
  } else if (attempts_ >= options_.attempts_max) {
    decision.why =
        attempts_ == 1 ? "no repetition was allowed" : absl::StrCat("all ", attempts_, " attempts failed");
  } else if (!budget_allows) {
    decision.why = "too many attempts failed of late";
  } else {
    decision.action = RetryDecision::Action::kRetry;
    decision.delay_ms = delay_ms;
  }
  return decision;
}

}  // namespace lamppost::client
