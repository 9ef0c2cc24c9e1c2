// A node's Lamport counter.
//
// Every event ticks it; every message received first raises it above the sender's counter. A counter
// is only ever issued below a limit that has been made durable beforehand, so that a restart, which
// goes on from that limit, cannot issue one twice. Making the limit durable is the owner's business
// (Replica puts it into its batches); the clock itself touches no disk.
//
// Thread-safe and lock-free: Tick and Observe may be called from any thread, Reserve too.
#ifndef LAMPPOST_SERVICES_CLOCK_LAMPORT_CLOCK_H_
#define LAMPPOST_SERVICES_CLOCK_LAMPORT_CLOCK_H_

#include <atomic>
#include <cstdint>
#include <optional>

namespace lamppost {

class LamportClock {
 public:
  // How many counters a reservation should cover. At 200,000 events a second a block lasts 5 s.
  static constexpr uint64_t kBlock = uint64_t{1} << 20;
  // What Observe leaves below the limit: what has been observed is followed by ticks (an answer, the
  // writes of the same group), which must not find the reservation used up. Jumps to just below the limit
  // are not rare: members reserve alike, and one that restarts goes on from its limit.
  static constexpr uint64_t kHeadroom = kBlock / 4;
  // The default bound on jumps: far more than a cluster counts in years, and so small that forged
  // counters cannot use up 64 bits.
  static constexpr uint64_t kDefaultJumpMax = uint64_t{1} << 44;

  enum class Observed {
    kOk,                // the clock is now above the remote counter
    kTooFarAhead,       // more than jump_max ahead: the message is to be refused; nothing changed
    kNeedsReservation,  // first reserve up to the remote counter + kBlock; nothing changed
  };

  // Starts at `start`, a counter that no earlier event of this life exceeds. Nothing can be issued
  // before the first Reserve.
  explicit LamportClock(uint64_t start, uint64_t jump_max = kDefaultJumpMax)
      : now_(start), limit_(start), jump_max_(jump_max) {}
  LamportClock(const LamportClock&) = delete;
  LamportClock& operator=(const LamportClock&) = delete;

  // A new event's counter, or nothing if the reservation is used up.
  std::optional<uint64_t> Tick();

  // A message with counter `remote` has been received: max(local, remote) + 1, which is that event's
  // own counter. 0 means that the sender keeps no clock; it counts as an event like any other.
  Observed Observe(uint64_t remote);

  // Counters up to and including `limit` may now be issued; call it once that is durable. A limit
  // below the present one changes nothing.
  void Reserve(uint64_t limit);

  // The last counter issued.
  uint64_t now() const { return now_.load(std::memory_order_acquire); }
  uint64_t limit() const { return limit_.load(std::memory_order_acquire); }
  // True when less than half a block is left.
  bool RunsLow() const { return limit() - now() < kBlock / 2; }

 private:
  std::atomic<uint64_t> now_;  // never above limit_
  std::atomic<uint64_t> limit_;
  const uint64_t jump_max_;
};

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_CLOCK_LAMPORT_CLOCK_H_
