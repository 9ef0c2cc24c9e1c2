// Makes a node's data directory of a snapshot file.
#ifndef LAMPPOST_SERVICES_KV_SNAPSHOT_RESTORE_DIRECTORY_H_
#define LAMPPOST_SERVICES_KV_SNAPSHOT_RESTORE_DIRECTORY_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "services/kv/snapshot/snapshot_format.h"

namespace lamppost::kv {

struct RestorePlan {
  std::string file;
  std::string data_directory;
  std::string node_id;
  std::string cluster;  // empty: the snapshot's
  // Told how many bytes have been read, of the file's size; may be empty.
  std::function<void(uint64_t done, uint64_t total)> on_progress = {};
};

struct SnapshotFacts {
  SnapshotHeader header;
  uint64_t records = 0;  // deleted keys included
  uint64_t bytes = 0;
};

// Reads the whole file and checks it (SnapshotCheck). INVALID_ARGUMENT (FILE_UNREADABLE) if it cannot be
// opened or is no regular file; UNAVAILABLE (FILE_UNREADABLE) if reading fails.
absl::StatusOr<SnapshotFacts> VerifySnapshotFile(
    const std::string& file, const std::function<void(uint64_t done, uint64_t total)>& on_progress = {});

// First checks the whole file, then builds the directory. Whatever fails, what was there before is as it was.
// FAILED_PRECONDITION (DATA_DIR_NOT_EMPTY) unless the directory is missing or empty; INVALID_ARGUMENT
// (NODE_ID_INVALID, CLUSTER_INVALID); else VerifySnapshotFile's and RocksDbStorage's errors.
absl::StatusOr<SnapshotFacts> RestoreDirectory(const RestorePlan& plan);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SNAPSHOT_RESTORE_DIRECTORY_H_
