// All versions of a snapshot, or those of some buckets of the content hash, in the order of their keys and in
// chunks: for a peer that gets everything (a full Sync), and for a repair.
//
// A chunk says which range of keys it covers completely. The ranges of all chunks follow each other without a
// gap, so that after each the receiver knows up to which key it has come; a course that breaks off can go on
// from there on a later snapshot (docs/protocol.md, "Full Sync").
//
// Not thread-safe.
#ifndef LAMPPOST_SERVICES_KV_CORE_FULL_SYNC_H_
#define LAMPPOST_SERVICES_KV_CORE_FULL_SYNC_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/kv/core/content_hash.h"
#include "services/kv/core/messages.h"
#include "services/kv/core/store.h"
#include "services/kv/core/version.h"

namespace lamppost::kv {

class FullSync {
 public:
  // Keys that a chunk looks at, at most; of a repair it may send few of them.
  static constexpr size_t kKeysMax = 10000;
  static constexpr uint64_t kAllBuckets = UINT64_MAX;

  struct Chunk {
    KeyRange range;
    std::vector<KeyedVersion> entries;  // of the buckets asked for; tombstones as well
    uint64_t bytes = 0;                 // keys and values
    bool last = false;
  };

  // Begins at the key `start`. Bit i of `buckets`: those of bucket i.
  FullSync(std::unique_ptr<StoreReader> snapshot, std::string start, uint64_t buckets);

  // The next chunk, of about bytes_max. Not after the last one.
  absl::StatusOr<Chunk> Next(uint64_t bytes_max);

  // The content hash of what the chunks have sent so far.
  const ContentHash& found() const { return found_; }

 private:
  const std::unique_ptr<StoreReader> snapshot_;
  const uint64_t buckets_;
  std::string position_;
  std::unique_ptr<Cursor> cursor_;  // goes before the snapshot
  ContentHash found_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_FULL_SYNC_H_
