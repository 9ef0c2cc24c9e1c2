#include "services/rpc/server/store_watch.h"

#include <algorithm>

namespace lamppost::rpc {

void StoreWatch::Submitted(size_t operations, uint64_t now_ms) {
  under_way_ += operations;
  if (!doubtful_since_ms_) doubtful_since_ms_ = now_ms;
}

void StoreWatch::Answered(uint64_t number, AnswerKind kind, uint64_t now_ms) {
  --under_way_;
  if (number == probe_) {
    probe_.reset();
    next_probe_ms_ = now_ms + kProbeIntervalMs;
  }
  if (kind == AnswerKind::kUnavailable) return;
  doubtful_since_ms_.reset();
  if (under_way_ > 0) doubtful_since_ms_ = now_ms;
}

bool StoreWatch::TakeProbe(uint64_t number, uint64_t now_ms) {
  if (probe_ || now_ms < next_probe_ms_) return false;
  probe_ = number;
  Submitted(1, now_ms);
  return true;
}

StoreState StoreWatch::StateAt(uint64_t now_ms) const {
  const bool gone = doubtful_since_ms_ && now_ms >= *doubtful_since_ms_ + kPatienceMs;
  return gone ? StoreState::kUnavailable : StoreState::kAvailable;
}

uint64_t StoreWatch::NextMs(uint64_t now_ms) const {
  return probe_ ? now_ms + kProbeIntervalMs : std::max(now_ms, next_probe_ms_);
}

}  // namespace lamppost::rpc
