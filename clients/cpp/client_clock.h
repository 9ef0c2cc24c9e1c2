// A client's Lamport counter. It stamps no writes, so it needs neither a reservation nor a disk: it
// only carries what one node said to the next, so that a write through B that follows an answer of A
// gets the higher timestamp. Thread-safe and lock-free.
#ifndef LAMPPOST_CLIENTS_CPP_CLIENT_CLOCK_H_
#define LAMPPOST_CLIENTS_CPP_CLIENT_CLOCK_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "services/clock/lamport_clock.h"

namespace lamppost::client {

class ClientClock {
 public:
  // A message is about to be sent: its counter.
  uint64_t Tick() { return counter_.fetch_add(1, std::memory_order_acq_rel) + 1; }

  // A message came: max(local, remote) + 1. A counter further ahead than nodes accept from each other
  // is taken for a forgery and counts as any event.
  void Observe(uint64_t remote) {
    uint64_t now = counter_.load(std::memory_order_relaxed);
    uint64_t next;
    do {
      const bool forged = remote > now && remote - now > LamportClock::kDefaultJumpMax;
      next = (forged ? now : std::max(now, remote)) + 1;
    } while (!counter_.compare_exchange_weak(now, next, std::memory_order_acq_rel));
  }

  uint64_t now() const { return counter_.load(std::memory_order_acquire); }

 private:
  std::atomic<uint64_t> counter_{0};
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_CLIENT_CLOCK_H_
