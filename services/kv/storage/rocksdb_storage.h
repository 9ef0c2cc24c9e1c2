// Storage on disk, in a RocksDB: what a node runs on.
//
// One column family; a key is its space's letter and then the key (docs/on-disk-format.md).
#ifndef LAMPPOST_SERVICES_KV_STORAGE_ROCKSDB_STORAGE_H_
#define LAMPPOST_SERVICES_KV_STORAGE_ROCKSDB_STORAGE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"
#include "services/kv/storage/storage.h"
#include "services/kv/storage/table_check.h"
#include "services/kv/storage/wal_continuity.h"

namespace lamppost::kv {

struct RocksDbOptions {
  // Blocks of tables kept in memory, their indexes and filters among them.
  uint64_t block_cache_bytes = uint64_t{64} << 20;
  // One of the two memtables: one takes writes while the other goes to disk.
  uint64_t memtable_bytes = uint64_t{64} << 20;
  int open_files_max = 256;
  // Told of everything that turns out to be damaged, by whatever read or write; from any thread, and perhaps
  // often. Must not call back. May be empty.
  std::function<void(const absl::Status&)> on_damage = {};
};

// What a look at all tables has found.
struct TablesReport {
  struct Damaged {
    std::string path;
    absl::Status why;
  };
  size_t tables = 0;
  uint64_t bytes = 0;
  std::vector<Damaged> damaged;
  size_t unchecked = 0;  // could not be read just now, for want of open files, say
  absl::Status why_unchecked;
};

// How RocksDB is doing.
struct RocksDbFacts {
  uint64_t block_cache_bytes = 0;
  uint64_t block_cache_bytes_max = 0;
  uint64_t memtable_bytes = 0;
  uint64_t table_reader_bytes = 0;
  uint64_t table_file_bytes = 0;
  uint64_t pending_compaction_bytes = 0;
  uint64_t running_compactions = 0;
  uint64_t running_flushes = 0;
  bool writes_stopped = false;                  // until compactions have caught up
  uint64_t delayed_write_bytes_per_second = 0;  // 0: writes are not held back
};

// Reading and Flush are thread-safe; one thread at a time commits. Every read checks the checksums of
// what it takes from disk. Snapshots and cursors must be gone before the storage is.
class RocksDbStorage : public Storage {
 public:
  // Opens the directory, and makes it (mode 0700) if it is missing. Two processes cannot open one
  // directory. A log's torn tail is what a crash leaves, and is dropped; nothing else is ever dropped.
  //
  // FAILED_PRECONDITION: DATA_DIR_IN_USE, DATA_DIR_UNUSABLE (no directory, or not ours),
  // DATA_DIR_UNSUPPORTED (a later format). PERMISSION_DENIED: DATA_DIR_UNUSABLE. DATA_LOSS:
  // DATA_CORRUPT. RESOURCE_EXHAUSTED: DISK_FULL. UNAVAILABLE: STORAGE_FAILED. INVALID_ARGUMENT: the options.
  static absl::StatusOr<std::unique_ptr<RocksDbStorage>> Open(const std::string& directory,
                                                              const RocksDbOptions& options);

  const std::string& directory() const { return directory_; }

  // Puts what was committed on stable storage, unless a write has failed.
  ~RocksDbStorage() override;
  RocksDbStorage(const RocksDbStorage&) = delete;
  RocksDbStorage& operator=(const RocksDbStorage&) = delete;

  absl::StatusOr<std::optional<std::string>> Get(Space space, absl::string_view key) const override;
  std::unique_ptr<Cursor> Scan(Space space, absl::string_view start, absl::string_view end) const override;
  std::unique_ptr<Cursor> ScanReverse(Space space, absl::string_view start,
                                      absl::string_view end) const override;
  std::unique_ptr<StoreReader> Snapshot() const override;
  absl::Status Commit(const WriteBatch& batch, Durability durability) override;
  absl::Status Flush() override;

  // Checks every table that the store counts on (CheckTableFile), while reads and writes go on. CANCELLED if
  // the pace is stopped. Thread-safe.
  absl::StatusOr<TablesReport> CheckTables(Pace* pace) const;

  // To be called on a directory from which tables were set aside, before anything else is: makes the spaces
  // empty that are derived from the versions, so that they can be made anew, and puts back what the lost
  // tables still tell of whose directory this is and how far it was, where the rest does not have it.
  absl::Status PrepareSalvage();

  // The bytes that memtables, the block cache and open tables take. Cheap. Thread-safe.
  uint64_t EstimatedMemoryBytes() const;
  // Cheap, but may wait while RocksDB does. Thread-safe.
  RocksDbFacts Facts() const;
  // About how many bytes of keys and values there are, as they are on disk. Cheap. Thread-safe.
  uint64_t EstimatedDataBytes() const;

 private:
  class DbCursor;
  class DbReverseCursor;
  class DbSnapshot;

  RocksDbStorage(std::string directory, std::function<void(const absl::Status&)> on_damage);
  // Tells on_damage if it is damage.
  absl::Status Translate(const rocksdb::Status& status) const;

  absl::StatusOr<std::optional<std::string>> GetWith(const rocksdb::ReadOptions& options, Space space,
                                                     absl::string_view key) const;
  absl::Status CheckWritable() const;
  // Ends writing if this is an error.
  absl::Status Settle(const rocksdb::Status& status);

  const std::string directory_;  // canonical
  const std::function<void(const absl::Status&)> on_damage_;
  std::shared_ptr<rocksdb::Cache> block_cache_;
  WalContinuity wal_continuity_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::WriteBatch write_batch_;  // kept for its memory; the committing thread's
  // After a failed write or fsync nobody knows what is on disk: only opening again finds out.
  std::atomic<bool> write_failed_{false};
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_STORAGE_ROCKSDB_STORAGE_H_
