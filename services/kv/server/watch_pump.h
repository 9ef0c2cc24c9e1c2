// The one thread that serves all watches.
//
// It goes round: whoever can take a message gets the next chunk of its round, or begins one if the heads have
// risen, or hears that all is well if it has heard nothing for long. A chunk a turn, so a watch that has much
// to catch up with does not hold up the others; and one thread, so all watches together take one processor at
// most from those who write. Between two rounds of a watch a moment passes, in which changes gather.
//
// A caller that does not take its messages costs nothing but the one that gRPC still has: the snapshot of its
// round is let go, and the feed goes on later from where it was.
#ifndef LAMPPOST_SERVICES_KV_SERVER_WATCH_PUMP_H_
#define LAMPPOST_SERVICES_KV_SERVER_WATCH_PUMP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "services/kv/core/change_feed.h"
#include "services/kv/core/store.h"
#include "services/kv/server/published_heads.h"
#include "services/kv/server/watch_request.h"
#include "services/kv/server/watch_stream.h"

namespace lamppost::kv {

struct WatchPumpOptions {
  ChangeFeedOptions feed;
  uint64_t round_gap_ms = 10;          // from the end of a watch's round to its next one, at least
  uint64_t idle_gap_ms = 1;            // from one look at all watches to the next, if there was nothing to do
  uint64_t snapshot_age_max_ms = 500;  // of a round whose caller does not take its messages
  uint64_t end_grace_ms = 200;  // a call that is to end, and whose caller takes nothing, is cancelled then
};

// Thread-safe.
class WatchPump {
 public:
  // All must outlive the pump.
  WatchPump(const Store* store, const PublishedHeads* heads, WatchPumpOptions options = {});
  // Drains, and waits for that.
  ~WatchPump();
  WatchPump(const WatchPump&) = delete;
  WatchPump& operator=(const WatchPump&) = delete;

  // The watch begins. Its session is within the published heads.
  void Add(WatchSpec spec, std::shared_ptr<WatchStream> stream);
  // A stream has changed; the heads have. Cheap; they do not block.
  void Wake();
  void HeadsChanged() {
    if (has_watches_.load(std::memory_order_relaxed)) Wake();
  }
  // Ends all watches, and those that are added later, with UNAVAILABLE (SHUTTING_DOWN). Does not wait.
  void Drain();

 private:
  struct Watch {
    WatchSpec spec;
    std::shared_ptr<WatchStream> stream;
    std::unique_ptr<ChangeFeed> feed;
    uint64_t heads_number = 0;  // of the heads that its last round went up to
    uint64_t round_began_ms = 0;
    uint64_t round_due_ms = 0;
    uint64_t message_due_ms = 0;
    uint64_t cancel_due_ms = 0;  // of a call that is over, while its caller takes nothing
  };
  enum class Turn {
    kOver,    // gRPC has been told that the call is over
    kIdle,    // nothing to do, or the caller has not taken the message before
    kWorked,  // something was read or sent
  };

  void Run();
  void TakeNew();
  Turn ServeAll();
  Turn Serve(Watch* watch, const PublishedHeads::View& view, uint64_t now_ms);
  Turn ServeUnready(Watch* watch, uint64_t now_ms);
  absl::Status BeginRound(Watch* watch, const PublishedHeads::View& view, uint64_t now_ms);
  // Whether a round is due; one ends where the heads stood when it began.
  static bool IsBehind(const Watch& watch, const PublishedHeads::View& view);
  // When the watch has to be looked at next, if nothing happens before.
  uint64_t DueMs(const Watch& watch, const PublishedHeads::View& view, uint64_t now_ms) const;
  void AwaitWork();

  const Store* const store_;
  const PublishedHeads* const heads_;
  const WatchPumpOptions options_;
  std::atomic<bool> has_watches_{false};

  // Of the pump's thread.
  std::vector<Watch> watches_;
  uint64_t due_ms_ = 0;
  bool is_draining_ = false;

  absl::Mutex mutex_;
  std::vector<std::pair<WatchSpec, std::shared_ptr<WatchStream>>> new_ ABSL_GUARDED_BY(mutex_);
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_WATCH_PUMP_H_
