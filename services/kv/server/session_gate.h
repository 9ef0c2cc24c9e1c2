// Where calls wait until the node has what their session asks for.
//
// A call goes on at once if the published heads cover its session. Else it waits, without a thread of its
// own, until they do; if that does not happen shortly before its deadline it is told so, early enough that
// its client hears why instead of running into its own timeout. How many wait is bounded.
//
// Thread-safe. Calls that have waited go on on the gate's own thread, never on the driver's.
#ifndef LAMPPOST_SERVICES_KV_SERVER_SESSION_GATE_H_
#define LAMPPOST_SERVICES_KV_SERVER_SESSION_GATE_H_

#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/kv/core/heads.h"
#include "services/kv/server/published_heads.h"

namespace lamppost::kv {

// How long a streaming call waits for its session at most: rather than hear nothing for long, its client is
// to try another node.
constexpr absl::Duration kStreamSessionWaitMax = absl::Milliseconds(1500);

struct SessionGateOptions {
  size_t heads_max = 200000;  // of all sessions that wait together; beyond: RESOURCE_EXHAUSTED, OVERLOADED
  size_t waiters_max = 4096;  // beyond: RESOURCE_EXHAUSTED, OVERLOADED
  absl::Duration wait_max = absl::Seconds(30);   // of a call without a deadline, or with a later one
  absl::Duration look = absl::Milliseconds(20);  // so often deadlines and cancellations are looked at
};

class SessionGate {
 public:
  // Called once: OK, UNAVAILABLE (SESSION_AHEAD, with a delay; SHUTTING_DOWN), RESOURCE_EXHAUSTED
  // (OVERLOADED) or CANCELLED. It may take its time reading the store, but must not wait for anything else.
  using Next = std::function<void(absl::Status)>;
  using IsCancelled = std::function<bool()>;

  // The heads must outlive the gate.
  explicit SessionGate(const PublishedHeads* heads, SessionGateOptions options = {});
  ~SessionGate();
  SessionGate(const SessionGate&) = delete;
  SessionGate& operator=(const SessionGate&) = delete;

  // Calls `next` on the calling thread if it need not wait. deadline: the call's; may be infinite.
  // is_cancelled: looked at now and then while the call waits; may be null.
  void Wait(Heads session, absl::Time deadline, IsCancelled is_cancelled, Next next);

  // Tells all that wait, and whoever comes later, that the node is shutting down. May be called again.
  void Drain();
  // After Drain: waits until all have been told, and nobody is told anything any more.
  void AwaitEnd();

 private:
  struct Waiter {
    Heads session;
    absl::Time until;
    IsCancelled is_cancelled;
    Next next;
  };
  struct Ended {
    Next next;
    absl::Status status;
  };

  void Run();
  // Takes out those that need not wait any longer.
  std::vector<Ended> TakeEnded(const Heads& committed) ABSL_LOCKS_EXCLUDED(mutex_);

  const PublishedHeads* const heads_;
  const SessionGateOptions options_;
  absl::Mutex mutex_;
  std::vector<Waiter> waiters_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_heads_ ABSL_GUARDED_BY(mutex_) = 0;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_SESSION_GATE_H_
