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

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "services/kv/core/heads.h"
#include "services/kv/core/record.h"
#include "services/kv/core/store.h"
#include "services/kv/core/version.h"

namespace lamppost::kv {

class CatchUp {
 public:
  struct Chunk {
    Heads from;  // what the receiver must have, or have been sent
    std::vector<KeyedVersion> entries;
    uint64_t bytes = 0;     // keys and values
    uint64_t progress = 0;  // everything with a counter of at most this has been sent
    bool last = false;
  };

  // Sends what `from` does not cover; `to` is what the snapshot's node has. With `only`, nothing but what
  // this origin wrote.
  CatchUp(std::unique_ptr<StoreReader> snapshot, Heads from, Heads to, std::optional<Origin> only = {});

  // The next chunk, of about bytes_max (more if one event is larger). Not after the last one.
  absl::StatusOr<Chunk> Next(uint64_t bytes_max);

  const Heads& to() const { return to_; }

 private:
  // The index entries of one origin that are still to be sent.
  struct Lane {
    std::unique_ptr<Cursor> cursor;
    IndexKey head;
  };

  absl::Status OpenLanes();
  absl::Status OpenLane(const Origin& origin);
  // Reads the lane's next entry; the lane is gone when there is none.
  absl::Status Advance(size_t lane);
  // The lane with the lowest (counter, origin, key).
  size_t Lowest() const;
  absl::Status Take(size_t lane, Chunk* chunk);

  std::unique_ptr<StoreReader> snapshot_;
  Heads from_;
  Heads to_;
  std::optional<Origin> only_;
  bool opened_ = false;
  std::vector<Lane> lanes_;
};

// What a receiver has been sent by a catch-up towards `to` that has come to `progress`.
Heads Reached(const Heads& to, uint64_t progress);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_CATCH_UP_H_
