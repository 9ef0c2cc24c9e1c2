#include "services/rpc/server/store_watch.h"

#include <algorithm>

namespace lamppost::rpc {

void StoreWatch::Answered(uint64_t number, AnswerKind kind, uint64_t now_ms) {
  under_way_.erase(number);
  if (number == probe_) {
    probe_ = 0;
    next_probe_ms_ = now_ms + kProbeIntervalMs;
  }
  if (kind == AnswerKind::kGood) {
    last_good_ms_ = now_ms;
    failing_since_ms_ = 0;
  } else if (failing_since_ms_ == 0) {
    failing_since_ms_ = now_ms;
  }
}

bool StoreWatch::TakeProbe(uint64_t number, uint64_t now_ms) {
  if (probe_ != 0 || now_ms < next_probe_ms_) return false;
  probe_ = number;
  Submitted(number, now_ms);
  return true;
}

StoreState StoreWatch::StateAt(uint64_t now_ms) const {
  const bool failing = failing_since_ms_ != 0 && now_ms >= failing_since_ms_ + kPatienceMs;
  // One operation may take long for reasons of its own; it says something if nothing came after it, either.
  const uint64_t oldest_ms = under_way_.empty() ? now_ms : under_way_.begin()->second;
  const bool silent = now_ms >= std::max(oldest_ms, last_good_ms_) + kPatienceMs;
  return failing || silent ? StoreState::kUnavailable : StoreState::kAvailable;
}

uint64_t StoreWatch::NextMs(uint64_t now_ms) const {
  return probe_ == 0 ? std::max(now_ms, next_probe_ms_) : now_ms + kProbeIntervalMs;
}

}  // namespace lamppost::rpc
