// Faults on the way from one node to others, for tests, lessons and the simulator: what is to become of each
// message that the node sends. It decides and nothing more; who carries the messages does what it says.
//
// Deterministic: with the same seed and the same calls it says the same. Not thread-safe. Times are
// milliseconds of a clock that never goes back.
#ifndef LAMPPOST_SERVICES_KV_FAULTS_LINK_FAULTS_H_
#define LAMPPOST_SERVICES_KV_FAULTS_LINK_FAULTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace lamppost::kv {

// Of one direction of a link. Several effects may hold at once.
struct LinkFault {
  static constexpr uint64_t kDelayMsMax = 3'600'000;

  bool cut = false;        // nothing arrives
  uint64_t delay_ms = 0;   // each message takes so much longer
  uint64_t jitter_ms = 0;  // and up to so much more, drawn for each; messages may overtake each other
  // Of each message, from 0 to 1.
  double drop = 0;
  double duplicate = 0;
  double reorder = 0;     // held until later ones may have come before it
  uint64_t until_ms = 0;  // ends then by itself; 0: it stays until it is cleared

  bool IsNone() const {
    return !cut && delay_ms == 0 && jitter_ms == 0 && drop == 0 && duplicate == 0 && reorder == 0;
  }
};

// INVALID_ARGUMENT (FAULT_INVALID): a probability that is none, a delay of more than an hour, or no effect at
// all.
absl::Status CheckFault(const LinkFault& fault);

// What becomes of one message.
struct Fate {
  std::vector<uint64_t> delays_ms;  // one for each copy that is to arrive; none: it is lost
  bool delayed = false;             // some copy takes longer than without the fault

  bool IsLost() const { return delays_ms.empty(); }
};

class LinkFaults {
 public:
  explicit LinkFaults(uint64_t seed) : random_(seed) {}

  // The fault on the way to this node from now on, in the place of the one before.
  void Set(const std::string& to, LinkFault fault) { faults_[to] = fault; }
  // Whether there was one.
  bool Clear(const std::string& to) { return faults_.erase(to) > 0; }
  void ClearAll() { faults_.clear(); }

  // Those that still hold, by the node that they lead to.
  const std::map<std::string, LinkFault>& At(uint64_t now_ms);

  Fate Draw(const std::string& to, uint64_t now_ms);

 private:
  static constexpr uint64_t kReorderMs = 100;  // a message that is held takes up to so much longer

  void Expire(uint64_t now_ms);
  uint64_t Below(uint64_t bound);
  bool Strikes(double probability);

  uint64_t random_;
  std::map<std::string, LinkFault> faults_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_FAULTS_LINK_FAULTS_H_
