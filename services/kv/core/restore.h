// Makes a store's records of what a snapshot holds: the way back into an empty data directory.
//
// Versions go through the same table as every other write, so that indexes, counts and the content hash come
// out as if the node had written them itself. What comes out is a node without a life: at its first start it
// takes a new one, and joins its cluster as any node that was away, with the heads that the snapshot had.
//
//   Restoration restoration(identity, snapshot_state);
//   restoration.Add(key, version);  ...                   // in ascending order of the keys
//   store.Commit(restoration.TakeBatch());                // now and then: bounds the memory
//   store.Commit(restoration.Finish());                   // makes a node's directory of it
//
// Until Finish's batch is committed, no node opens the store (FORMAT_UNKNOWN). Not thread-safe.
#ifndef LAMPPOST_SERVICES_KV_CORE_RESTORE_H_
#define LAMPPOST_SERVICES_KV_CORE_RESTORE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/kv/core/record.h"
#include "services/kv/core/store.h"
#include "services/kv/core/table.h"

namespace lamppost::kv {

class Restoration {
 public:
  // `snapshot`: the state of the node that the snapshot was taken of, at that moment.
  Restoration(Identity identity, State snapshot);

  // DATA_LOSS (SNAPSHOT_DAMAGED) if the keys do not ascend or a version cannot be among that state's.
  absl::Status Add(const std::string& key, Version version);
  // Keys and values added since the last batch, about.
  size_t pending_bytes() const { return pending_bytes_; }
  // Puts what was added into the store.
  WriteBatch TakeBatch();
  // The last batch, to be put on stable storage. DATA_LOSS (SNAPSHOT_DAMAGED) if what was added is not what
  // the state counts and hashes.
  absl::StatusOr<WriteBatch> Finish();

 private:
  class NothingStored;

  const Identity identity_;
  const State snapshot_;
  const std::unique_ptr<StoreReader> nothing_;
  State state_;
  Table table_;
  std::string last_key_;
  size_t pending_bytes_ = 0;
  bool begun_ = false;  // the store is marked as unfinished
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_RESTORE_H_
