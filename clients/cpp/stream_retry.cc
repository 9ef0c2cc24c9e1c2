#include "clients/cpp/stream_retry.h"

#include <limits>
#include <utility>

#include "services/common/error.h"

namespace lamppost::client {
namespace {

RetryOptions WithoutBound(RetryOptions options) {
  options.attempts_max = std::numeric_limits<int>::max();
  return options;
}

}  // namespace

StreamRetry::StreamRetry(const RetryOptions& options, CallKind kind, size_t nodes, RandomSource random)
    : options_(WithoutBound(options)),
      kind_(kind),
      nodes_(nodes),
      random_(std::move(random)),
      budget_(std::numeric_limits<double>::max(), 1) {}

void StreamRetry::Begin(int64_t until_ms) {
  policy_.emplace(options_, kind_, until_ms, &budget_, random_);
  attempts_ = 0;
  ambiguous_in_row_ = 0;
  removed_ = 0;
}

RetryDecision StreamRetry::OnFailure(const absl::Status& status, Reach reach, int64_t now_ms) {
  ++attempts_;
  RetryDecision decision = policy_->OnFailure(status, reach, now_ms);
  if (NodeIsRemoved(status)) {
    node_ = (node_ + 1) % nodes_;
    if (++removed_ < nodes_) decision = {RetryDecision::Action::kRetry, 0, ""};
    return decision;
  }
  // A node that may have taken something knows its request id for certain, so it is asked first.
  const bool ambiguous = EffectOf(kind_, reach, status) == Effect::kPossible;
  if (ambiguous && ++ambiguous_in_row_ == 1) return decision;
  ambiguous_in_row_ = 0;
  if (NodeIsInTrouble(status)) node_ = (node_ + 1) % nodes_;
  return decision;
}

}  // namespace lamppost::client
