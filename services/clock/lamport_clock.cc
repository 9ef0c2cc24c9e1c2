#include "services/clock/lamport_clock.h"

#include <algorithm>

#include "services/common/mutation.h"

namespace lamppost {

std::optional<uint64_t> LamportClock::Tick() {
  uint64_t now = now_.load(std::memory_order_relaxed);
  do {
    if (now >= limit_.load(std::memory_order_acquire)) return std::nullopt;
  } while (!now_.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel));
  return now + 1;
}

LamportClock::Observed LamportClock::Observe(uint64_t remote) {
  uint64_t now = now_.load(std::memory_order_relaxed);
  uint64_t next;
  do {
    const bool too_far_ahead = remote > now && remote - now > jump_max_;
    if (too_far_ahead && !LAMPPOST_MUTATION(kNoJumpLimit)) return Observed::kTooFarAhead;
    next = std::max(now, LAMPPOST_MUTATION(kObserveWithoutRaise) ? 0 : remote) + 1;
    if (next + kHeadroom > limit_.load(std::memory_order_acquire)) return Observed::kNeedsReservation;
  } while (!now_.compare_exchange_weak(now, next, std::memory_order_acq_rel));
  return Observed::kOk;
}

void LamportClock::Reserve(uint64_t limit) {
  uint64_t old = limit_.load(std::memory_order_relaxed);
  while (old < limit && !limit_.compare_exchange_weak(old, limit, std::memory_order_acq_rel)) {
  }
}

}  // namespace lamppost
