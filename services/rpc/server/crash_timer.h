// Ends the process by SIGKILL, as a crash would, when it is time.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_CRASH_TIMER_H_
#define LAMPPOST_SERVICES_RPC_SERVER_CRASH_TIMER_H_

#include <grpcpp/alarm.h>

#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace lamppost::rpc {

// Thread-safe. Destroying it calls the crash off.
class CrashTimer {
 public:
  // Crashes in delay_ms, or when it would have crashed anyway if that is sooner.
  void CrashIn(uint64_t delay_ms);

 private:
  absl::Mutex mutex_;
  absl::Time when_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  std::unique_ptr<grpc::Alarm> alarm_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_SERVER_CRASH_TIMER_H_
