// Writes a store's snapshot as a file, piece by piece.
//
// Pure but for what it reads from the store. Not thread-safe; holds one block of records in memory.
#ifndef LAMPPOST_SERVICES_KV_SNAPSHOT_SNAPSHOT_WRITER_H_
#define LAMPPOST_SERVICES_KV_SNAPSHOT_SNAPSHOT_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/kv/core/store.h"
#include "services/kv/snapshot/snapshot_format.h"

namespace lamppost::kv {

class SnapshotWriter {
 public:
  // The header's state must be that of the snapshot's moment, both taken between two groups of the replica.
  SnapshotWriter(SnapshotHeader header, std::unique_ptr<StoreReader> snapshot);

  // The next bytes of the file, at most bytes_max; nothing at its end. Errors are the store's.
  absl::StatusOr<std::string> Next(size_t bytes_max);

 private:
  enum class Part { kBeginning, kRecords, kEnded };

  void AppendBeginning();
  absl::Status AppendBlock();
  void AppendFooter();
  void AppendFrame(SnapshotFrame kind, absl::string_view payload);

  const SnapshotHeader header_;
  std::unique_ptr<StoreReader> snapshot_;
  std::unique_ptr<Cursor> cursor_;  // goes before what it was opened on
  Part part_ = Part::kBeginning;
  std::string pending_;  // written, from `given_` on not yet given out
  size_t given_ = 0;
  uint64_t checksum_ = 0;
  uint64_t records_ = 0;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SNAPSHOT_SNAPSHOT_WRITER_H_
