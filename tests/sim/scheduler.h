// Virtual time: what is to happen, and when. Of two things at the same time the one planned first comes
// first, so a run depends on nothing but what was planned.
//
// Not thread-safe.
#ifndef LAMPPOST_TESTS_SIM_SCHEDULER_H_
#define LAMPPOST_TESTS_SIM_SCHEDULER_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace lamppost::sim {

class Scheduler {
 public:
  using Action = std::function<void()>;

  static constexpr uint64_t kEventsMax = 100'000'000;  // a seed in 10,000 has 5 million, one in 50,000 has 30

  explicit Scheduler(uint64_t events_max = kEventsMax) : events_max_(events_max) {}

  // Microseconds since the beginning of the run.
  uint64_t now_us() const { return now_us_; }
  uint64_t now_ms() const { return now_us_ / 1000; }
  // Actions that have been run.
  uint64_t events() const { return events_; }
  // With too many, run or planned, nothing happens any more: so a run that goes in a circle ends.
  bool IsExhausted() const { return events_ >= events_max_ || queue_.size() >= kPlannedMax; }

  void After(uint64_t delay_us, Action action) { At(now_us_ + delay_us, std::move(action)); }
  void AfterMs(uint64_t delay_ms, Action action) { After(delay_ms * 1000, std::move(action)); }
  // A time that has passed means now.
  void At(uint64_t time_us, Action action) {
    queue_.push_back({std::max(time_us, now_us_), next_number_++, std::move(action)});
    std::push_heap(queue_.begin(), queue_.end(), Later);
  }

  // Runs everything that is due up to this time, which is then the present one.
  void RunUntil(uint64_t time_us) {
    while (!queue_.empty() && queue_.front().time_us <= time_us && !IsExhausted()) RunNext();
    now_us_ = std::max(now_us_, time_us);
  }

 private:
  static constexpr size_t kPlannedMax = 1'000'000;

  struct Planned {
    uint64_t time_us;
    uint64_t number;
    Action action;
  };
  static bool Later(const Planned& a, const Planned& b) {
    return a.time_us != b.time_us ? a.time_us > b.time_us : a.number > b.number;
  }

  void RunNext() {
    std::pop_heap(queue_.begin(), queue_.end(), Later);
    Planned next = std::move(queue_.back());
    queue_.pop_back();
    now_us_ = next.time_us;
    ++events_;
    next.action();
  }

  const uint64_t events_max_;
  uint64_t now_us_ = 0;
  uint64_t next_number_ = 0;
  uint64_t events_ = 0;
  std::vector<Planned> queue_;  // a heap, the earliest in front
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_SCHEDULER_H_
