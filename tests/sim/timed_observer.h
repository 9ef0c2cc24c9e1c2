// An observer that knows when things happen.
#ifndef LAMPPOST_TESTS_SIM_TIMED_OBSERVER_H_
#define LAMPPOST_TESTS_SIM_TIMED_OBSERVER_H_

#include <cstdint>

#include "tests/sim/observer.h"
#include "tests/sim/scheduler.h"

namespace lamppost::sim {

class TimedObserver : public Observer {
 public:
  // Null: there is no time any more, or not yet.
  void Watch(const Scheduler* scheduler) { scheduler_ = scheduler; }

 protected:
  // Virtual, since the beginning of the run.
  uint64_t now_us() const { return scheduler_ == nullptr ? 0 : scheduler_->now_us(); }

 private:
  const Scheduler* scheduler_ = nullptr;
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_TIMED_OBSERVER_H_
