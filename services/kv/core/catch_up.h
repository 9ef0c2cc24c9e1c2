// What a peer missed, in chunks: a range scan of the index of live versions over one snapshot.
//
// Entries come in ascending order of their counters, whatever their origin, and all entries of one
// counter in one chunk. So after each chunk the receiver can say how far it has come (`progress`), and
// a catch-up that breaks off goes on from there, on another snapshot: a version that is live in the
// later snapshot and not above the progress was live in the earlier one, and has been sent.
//
// The cost grows with the keys that changed, not with the writes. Not thread-safe.
#ifndef LAMPPOST_SERVICES_KV_CORE_CATCH_UP_H_
#define LAMPPOST_SERVICES_KV_CORE_CATCH_UP_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/kv/core/heads.h"
#include "services/kv/core/record.h"
#include "services/kv/core/store.h"
#include "services/kv/core/version.h"

namespace lamppost::kv {

// What a scan leaves out, and where it pauses.
struct CatchUpOptions {
  // Of the keys; empty: all. Asked before a value is read.
  std::function<bool(absl::string_view key)> wants;
  // Nothing but what this origin wrote.
  std::optional<Origin> only;
  // Whether what `to` does not cover goes along.
  enum class Uncovered { kTaken, kLeftOut };
  Uncovered uncovered = Uncovered::kTaken;
  // A chunk ends after so many entries, and after so many have been looked at, but never within a counter.
  size_t entries_max = std::numeric_limits<size_t>::max();
  size_t visits_max = std::numeric_limits<size_t>::max();
};

class CatchUp {
 public:
  struct Chunk {
    Heads from;  // what the receiver must have, or have been sent
    std::vector<KeyedVersion> entries;
    uint64_t bytes = 0;     // keys and values
    uint64_t progress = 0;  // everything with a counter of at most this has been sent
    Heads visited;          // of each origin, the last entry that was looked at
    bool last = false;
  };

  // Sends what `from` does not cover; `to` is what the snapshot's node has.
  CatchUp(std::unique_ptr<StoreReader> snapshot, Heads from, Heads to, CatchUpOptions options = {});

  // The next chunk, of about bytes_max (more if one event is larger). Not after the last one.
  absl::StatusOr<Chunk> Next(uint64_t bytes_max);

  const Heads& to() const { return to_; }

 private:
  // The index entries of one origin that are still to be sent.
  struct Lane {
    std::unique_ptr<Cursor> cursor;
    IndexKey head;
    uint64_t visited = 0;  // the last counter that was passed
  };

  absl::Status OpenLanes();
  absl::Status OpenLane(const Origin& origin);
  // Reads the lane's next entry; the lane is gone when there is none.
  absl::Status Advance(size_t lane, Chunk* chunk);
  // The lane with the lowest (counter, origin, key).
  size_t Lowest() const;
  absl::Status Take(size_t lane, Chunk* chunk);
  bool Wants(const IndexKey& index) const;

  std::unique_ptr<StoreReader> snapshot_;
  Heads from_;
  Heads to_;
  CatchUpOptions options_;
  bool opened_ = false;
  std::vector<Lane> lanes_;
};

// What a receiver has been sent by a catch-up towards `to` that has come to `progress`.
Heads Reached(const Heads& to, uint64_t progress);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_CATCH_UP_H_
