// What one watch of changes is told: rounds of scans over the index of live versions, each from where the
// one before came to (`reached`) to what the node has now.
//
// There is no buffer. A version that is replaced before its turn is left out, and one that the node's heads
// do not cover yet waits for the round whose heads do; so a version is told of at most once. `reached` rises
// with each chunk and covers all that has been told, here or at the node where the watch was before: with it
// as `from`, a feed at any node that has as much goes on where this one stopped.
//
// Between its rounds a feed holds nothing of the store, and a round can be abandoned at any time: the next
// one goes on from `reached`. So a slow reader pins no snapshot.
//
// Pure; not thread-safe.
#ifndef LAMPPOST_SERVICES_KV_CORE_CHANGE_FEED_H_
#define LAMPPOST_SERVICES_KV_CORE_CHANGE_FEED_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/kv/core/catch_up.h"
#include "services/kv/core/heads.h"
#include "services/kv/core/store.h"
#include "services/kv/core/version.h"

namespace lamppost::kv {

// Which keys a watch is about. The store's own keys are in none, but for the entries of the conflict ledger.
struct WatchScope {
  enum class Of { kKeys, kConflicts };

  std::string prefix;              // empty: all keys
  std::optional<std::string> key;  // this one alone; then prefix is empty
  Of of = Of::kKeys;               // or of conflicts
  std::string conflict_key_end;    // of kConflicts: empty for those of all keys, or ConflictKeyEnd of one

  bool Includes(absl::string_view candidate) const;
};

struct ChangeFeedOptions {
  uint64_t bytes_max = 64u << 10;  // of a chunk's keys and values, about
  size_t events_max = 500;         // of a chunk, about
  size_t visits_max = 10000;       // index entries looked at for a chunk, about
};

class ChangeFeed {
 public:
  // from: what the watcher has been told of. If it is empty the watcher knows nothing, so deletions that were
  // forgotten before, up to `forgotten`, are nothing to it; as far as `heads`, the node's, cover them: while
  // it is being given everything it may hold what they removed.
  ChangeFeed(WatchScope scope, Heads from, const Heads& heads, const Heads& forgotten,
             ChangeFeedOptions options = {});

  ChangeFeed(const ChangeFeed&) = delete;
  ChangeFeed& operator=(const ChangeFeed&) = delete;

  // Whether there is something that the watcher has not been told of, if the node's heads are these.
  bool IsBehind(const Heads& heads) const { return !heads.IsCoveredBy(reached_); }
  bool IsInRound() const { return scan_ != nullptr; }
  const Heads& reached() const { return reached_; }

  // OUT_OF_RANGE (WATCH_TOO_OLD) if a deletion that the watcher has not been told of has been forgotten.
  // UNAVAILABLE (REFILLING) if the node does not have all that it has forgotten, and the watcher begins.
  // forgotten: State::forgotten, of the snapshot or later.
  absl::Status CheckForgotten(const Heads& forgotten) const;

  // Begins a round, not within one. The snapshot holds at least what `to` covers; forgotten: as above.
  absl::Status Begin(std::unique_ptr<StoreReader> snapshot, const Heads& to, const Heads& forgotten);
  // The round's next versions, in ascending order of their counters; maybe none. The round ends with its last
  // chunk, or with an error (DATA_LOSS).
  absl::StatusOr<std::vector<KeyedVersion>> Next();
  void Abandon() { scan_ = nullptr; }

 private:
  const WatchScope scope_;
  const ChangeFeedOptions options_;
  Heads reached_;
  Heads forgotten_before_;
  bool is_filling_ = false;
  std::unique_ptr<CatchUp> scan_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_CHANGE_FEED_H_
