#include "services/rpc/server/crash_timer.h"

#include <signal.h>
#include <unistd.h>

#include "absl/time/clock.h"

namespace lamppost::rpc {

void CrashTimer::CrashIn(uint64_t delay_ms) {
  if (delay_ms == 0) kill(getpid(), SIGKILL);
  absl::MutexLock lock(&mutex_);
  const absl::Time when = absl::Now() + absl::Milliseconds(delay_ms);
  if (when >= when_) return;
  when_ = when;
  alarm_ = std::make_unique<grpc::Alarm>();  // the one before is called off
  const gpr_timespec delay = gpr_time_from_millis(static_cast<int64_t>(delay_ms), GPR_TIMESPAN);
  alarm_->Set(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), delay), [](bool in_time) {
    if (in_time) kill(getpid(), SIGKILL);
  });
}

}  // namespace lamppost::rpc
