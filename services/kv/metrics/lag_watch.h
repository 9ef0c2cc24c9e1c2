// For how long something has been behind: a peer behind this node, or what is stable behind what is written.
//
// Versions carry no wall-clock times, so it is seen from here: as of how long ago is what they have? Looked
// at now and then, each remembers one mark on the way; under a steady load what is told is therefore up to
// twice what it is.
#ifndef LAMPPOST_SERVICES_KV_METRICS_LAG_WATCH_H_
#define LAMPPOST_SERVICES_KV_METRICS_LAG_WATCH_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "services/kv/core/heads.h"
#include "services/kv/core/replica.h"

namespace lamppost::kv {

// Not thread-safe. Times are milliseconds of a clock that never goes back.
template <typename Place>
class LagClock {
 public:
  // `goal` is how far it would be if it were not behind; has(place): it has come at least so far.
  template <typename Has>
  void Look(uint64_t now_ms, Place goal, Has has) {
    if (!mark_ || has(goal)) {
      level_ms_ = now_ms;
    } else if (has(*mark_)) {
      level_ms_ = mark_ms_;
    } else {
      now_ms_ = now_ms;
      return;  // the mark is still to be reached
    }
    if (!mark_) mark_.emplace();
    *mark_ = std::move(goal);
    mark_ms_ = now_ms_ = now_ms;
  }

  // As of the latest look; 0 if it is level.
  uint64_t lag_ms() const { return now_ms_ - level_ms_; }

 private:
  std::optional<Place> mark_;  // the goal at mark_ms_
  uint64_t mark_ms_ = 0;
  uint64_t level_ms_ = 0;  // what it has is at least all that there was then
  uint64_t now_ms_ = 0;
};

// Of the driver's thread.
class LagWatch {
 public:
  // To be called often: that is how exact it is.
  void Look(const Replica& replica, uint64_t now_ms) {
    const Heads written = replica.WrittenHeads();
    const std::vector<Peer>& peers = replica.peers();
    peers_.resize(peers.size());
    for (PeerIndex i = 0; i < peers.size(); ++i) {
      peers_[i].Look(now_ms, written, [&](const Heads& heads) { return heads.IsCoveredBy(peers[i].heads); });
    }
    const uint64_t stable = replica.Stable();
    stable_.Look(now_ms, replica.state().max_write, [stable](uint64_t counter) { return counter <= stable; });
  }

  // Since when a peer lacks something that is here.
  uint64_t PeerLagMs(PeerIndex peer) const { return peer < peers_.size() ? peers_[peer].lag_ms() : 0; }
  // Since when a member lacks, on its disk, something that is here.
  uint64_t StableLagMs() const { return stable_.lag_ms(); }

 private:
  std::vector<LagClock<Heads>> peers_;
  LagClock<uint64_t> stable_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_METRICS_LAG_WATCH_H_
