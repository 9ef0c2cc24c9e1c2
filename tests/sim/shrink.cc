#include "tests/sim/shrink.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace lamppost::sim {
namespace {

class Shrinker {
 public:
  Shrinker(Plan plan, const StillBad& still_bad, uint64_t plays_max)
      : best_(std::move(plan)), still_bad_(still_bad), plays_left_(plays_max) {}

  Plan Run() {
    bool smaller = true;
    while (smaller && plays_left_ > 0) {
      smaller = DropNodes();
      smaller |= DropRates();
      smaller |= DropStrikes();
      smaller |= DropErrands();
      smaller |= EndEarlier();
    }
    return best_;
  }

 private:
  // Keeps the plan if it still shows what is looked for.
  bool Try(Plan plan) {
    if (plays_left_ == 0) return false;
    --plays_left_;
    if (!still_bad_(plan)) return false;
    best_ = std::move(plan);
    return true;
  }

  // Leaves out halves of the list, then quarters, down to single ones.
  template <typename Item>
  bool DropFrom(std::vector<Item> Plan::*list) {
    bool smaller = false;
    for (size_t size = std::max<size_t>(1, (best_.*list).size() / 2); size > 0; size /= 2) {
      for (size_t at = 0; at < (best_.*list).size() && plays_left_ > 0;) {
        Plan plan = best_;
        auto& items = plan.*list;
        const auto begin = items.begin() + static_cast<std::ptrdiff_t>(at);
        items.erase(begin, begin + static_cast<std::ptrdiff_t>(std::min(size, items.size() - at)));
        if (Try(std::move(plan))) {
          smaller = true;
        } else {
          at += size;
        }
      }
    }
    return smaller;
  }
  bool DropStrikes() { return DropFrom(&Plan::strikes); }
  bool DropErrands() { return DropFrom(&Plan::errands); }

  // One node after the other, with all that concerns it; those behind it move up.
  bool DropNodes() {
    bool smaller = false;
    for (NodeIndex node = best_.nodes; node-- > 0 && best_.nodes > 2;) smaller |= Try(Without(node));
    return smaller;
  }
  Plan Without(NodeIndex gone) const {
    Plan plan = best_;
    --plan.nodes;
    const auto concerns = [gone](const auto& item) { return item.node == gone; };
    plan.errands.erase(std::remove_if(plan.errands.begin(), plan.errands.end(), concerns),
                       plan.errands.end());
    plan.strikes.erase(std::remove_if(plan.strikes.begin(), plan.strikes.end(), concerns),
                       plan.strikes.end());
    const auto move_up = [gone](NodeIndex* node) { *node -= *node > gone || *node == gone ? *node > 0 : 0; };
    for (Errand& errand : plan.errands) move_up(&errand.node);
    for (Strike& strike : plan.strikes) {
      move_up(&strike.node);
      move_up(&strike.other);
    }
    return plan;
  }

  bool DropRates() {
    bool smaller = false;
    for (size_t i = 0; i < kRates; ++i) {
      if (best_.rates[i] == 0) continue;
      Plan plan = best_;
      plan.rates[i] = 0;
      smaller |= Try(std::move(plan));
    }
    return smaller;
  }

  bool EndEarlier() {
    uint64_t latest_ms = 0;
    for (const Errand& errand : best_.errands) latest_ms = std::max(latest_ms, errand.at_ms);
    for (const Strike& strike : best_.strikes) latest_ms = std::max(latest_ms, strike.at_ms);
    bool smaller = false;
    for (const uint64_t end_ms : {latest_ms + 1, latest_ms + 1000}) {
      if (end_ms >= best_.faults_end_ms) continue;
      Plan plan = best_;
      plan.faults_end_ms = end_ms;
      smaller |= Try(std::move(plan));
    }
    return smaller;
  }

  Plan best_;
  const StillBad& still_bad_;
  uint64_t plays_left_;
};

}  // namespace

Plan Shrink(Plan plan, const StillBad& still_bad, uint64_t plays_max) {
  return Shrinker(std::move(plan), still_bad, plays_max).Run();
}

}  // namespace lamppost::sim
