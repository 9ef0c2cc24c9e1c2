// What systemd is told of a service of Type=notify: when it is ready, what it does, and that it still moves.
// Without systemd (no NOTIFY_SOCKET) all of it does nothing.
//
//   ServiceNotices notices;               // before any thread starts
//   notices.Alive(kReady, now_ms, "");    // often, by the thread that must not get stuck
//
// Source: sd_notify(3). Thread-safe.
#ifndef LAMPPOST_SERVICES_COMMON_SERVICE_NOTICES_H_
#define LAMPPOST_SERVICES_COMMON_SERVICE_NOTICES_H_

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace lamppost {

class ServiceNotices {
 public:
  enum class Readiness { kNotYet, kReady };

  // Reads the environment.
  ServiceNotices();
  ServiceNotices(const ServiceNotices&) = delete;
  ServiceNotices& operator=(const ServiceNotices&) = delete;

  // The thread that calls this moves. Feeds the watchdog four times in its time; while the service is not
  // ready yet, asks for more time to start in the same rhythm. The first kReady makes the service active, for
  // good. A status that has changed is told at once. now_ms: of a clock that never goes back. Does not block
  // but for systemd.
  void Alive(Readiness readiness, uint64_t now_ms, absl::string_view status) ABSL_LOCKS_EXCLUDED(mutex_);

  // From here to the next Alive nobody will call it, and that is in order: the watchdog waits.
  void Rest(absl::string_view status) ABSL_LOCKS_EXCLUDED(mutex_);

  // The service ends in an orderly way, which may take stop_ms.
  void Stopping(uint64_t stop_ms) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // What goes to systemd, an assignment a line.
  std::string News(Readiness readiness, uint64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string StatusNews(absl::string_view status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  bool heard_ = false;        // somebody listens
  uint64_t watchdog_us_ = 0;  // 0: there is none

  absl::Mutex mutex_;
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;
  bool resting_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t next_ms_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_SERVICE_NOTICES_H_
