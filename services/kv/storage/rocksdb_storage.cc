#include "services/kv/storage/rocksdb_storage.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "rocksdb/convenience.h"
#include "rocksdb/env.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/options.h"
#include "rocksdb/table.h"
#include "services/common/error.h"
#include "services/kv/storage/data_directory.h"
#include "services/kv/storage/hash_memtable.h"
#include "services/kv/storage/rocksdb_log.h"
#include "services/kv/storage/rocksdb_status.h"
#include "services/kv/storage/salvage_files.h"

namespace lamppost::kv {
namespace {

// A write batch grown beyond this by a large commit gives its memory back.
constexpr size_t kKeptBatchBytesMax = size_t{4} << 20;
// RocksDB's own log, of which the present and the last file are kept.
constexpr uint64_t kInfoLogBytesMax = uint64_t{1} << 20;

rocksdb::Slice ToSlice(absl::string_view text) {
  return rocksdb::Slice(text.data(), text.size());
}

absl::string_view ToView(const rocksdb::Slice& slice) {
  return absl::string_view(slice.data(), slice.size());
}

std::string DbKey(Space space, absl::string_view key) {
  const char letter = static_cast<char>(space);
  return absl::StrCat(absl::string_view(&letter, 1), key);
}

// The first key beyond the space. No letter is 0xff.
std::string DbEnd(Space space) {
  return std::string(1, static_cast<char>(static_cast<char>(space) + 1));
}

rocksdb::ReadOptions Reading(const rocksdb::Snapshot* snapshot) {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  options.snapshot = snapshot;
  return options;
}

rocksdb::CompressionType BestCompression() {
  const std::vector<rocksdb::CompressionType> supported = rocksdb::GetSupportedCompressions();
  const bool lz4 = std::find(supported.begin(), supported.end(), rocksdb::kLZ4Compression) != supported.end();
  return lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
}

rocksdb::Options DbOptions(const std::string& directory, const RocksDbOptions& options,
                           const std::shared_ptr<rocksdb::Cache>& cache, rocksdb::WalFilter* wal_filter) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = true;
  // In parts of a few KiB each. One whole filter is a MiB and more, which a shard of the cache cannot keep:
  // it would be read from disk, and its checksum verified, for each key that is looked up.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.pin_top_level_index_and_filter = true;

  rocksdb::Options db;
  db.create_if_missing = true;
  db.paranoid_checks = true;
  // Point-in-time, RocksDB's default, would drop acknowledged writes behind damage without an error.
  // WalContinuity and CheckDataFiles refuse what this mode still lets pass.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.wal_filter = wal_filter;
  // Together with SyncWAL it refuses sound logs as missing, before RocksDB 7.10.
  db.track_and_verify_wals_in_manifest = false;
  // One thread writes: the preparations for several only cost.
  db.allow_concurrent_memtable_write = false;
  db.enable_write_thread_adaptive_yield = false;
  db.write_buffer_size = options.memtable_bytes;
  db.max_write_buffer_number = 2;
  db.memtable_factory = NewHashMemTableFactory(options.memtable_bytes);
  db.compaction_style = rocksdb::kCompactionStyleLevel;
  db.level_compaction_dynamic_level_bytes = true;
  db.compression = BestCompression();
  db.max_background_jobs = 2;
  db.max_open_files = options.open_files_max;
  db.bytes_per_sync = uint64_t{1} << 20;  // a flush does not pile up one great burst of writing
  db.info_log = std::make_shared<RocksDbLog>(directory, kInfoLogBytesMax);
  db.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return db;
}

absl::Status CheckOptions(const RocksDbOptions& options) {
  if (options.block_cache_bytes >= (uint64_t{1} << 20) && options.memtable_bytes >= (uint64_t{64} << 10) &&
      options.open_files_max >= 16) {
    return absl::OkStatus();
  }
  return MakeError(
      absl::StatusCode::kInvalidArgument, "STORAGE_OPTIONS_INVALID",
      "the block cache takes at least 1 MiB, a memtable 64 KiB, and 16 files must be open at once");
}

// Looks at the files while no other process can change them.
absl::Status CheckDataFilesLocked(const std::string& directory) {
  rocksdb::Env* const env = rocksdb::Env::Default();
  rocksdb::FileLock* lock = nullptr;
  rocksdb::Status status = env->LockFile(directory + "/LOCK", &lock);
  if (!status.ok()) return FromRocksDb(status, directory);
  const absl::Status result = CheckDataFiles(directory);
  status = env->UnlockFile(lock);
  return result.ok() ? FromRocksDb(status, directory) : result;
}

}  // namespace

class RocksDbStorage::DbCursor : public Cursor {
 public:
  DbCursor(const RocksDbStorage* storage, const rocksdb::Snapshot* snapshot, Space space,
           absl::string_view start, absl::string_view end)
      : storage_(storage), end_(end.empty() ? DbEnd(space) : DbKey(space, end)), end_slice_(end_) {
    rocksdb::ReadOptions options = Reading(snapshot);
    options.iterate_upper_bound = &end_slice_;
    iterator_.reset(storage_->db_->NewIterator(options));
    iterator_->Seek(DbKey(space, start));
  }

  bool Valid() const override { return iterator_->Valid(); }
  void Next() override { iterator_->Next(); }
  absl::string_view key() const override { return ToView(iterator_->key()).substr(1); }
  absl::string_view value() const override { return ToView(iterator_->value()); }
  absl::Status status() const override { return storage_->Translate(iterator_->status()); }

 private:
  const RocksDbStorage* const storage_;
  const std::string end_;
  const rocksdb::Slice end_slice_;  // the iterator keeps a pointer to it
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

class RocksDbStorage::DbReverseCursor : public Cursor {
 public:
  DbReverseCursor(const RocksDbStorage* storage, const rocksdb::Snapshot* snapshot, Space space,
                  absl::string_view start, absl::string_view end)
      : storage_(storage),
        start_(DbKey(space, start)),
        end_(end.empty() ? DbEnd(space) : DbKey(space, end)),
        start_slice_(start_),
        end_slice_(end_) {
    if (start_ >= end_) return;  // RocksDB does not say what it makes of swapped bounds
    rocksdb::ReadOptions options = Reading(snapshot);
    options.iterate_lower_bound = &start_slice_;
    options.iterate_upper_bound = &end_slice_;
    iterator_.reset(storage_->db_->NewIterator(options));
    iterator_->SeekToLast();
  }

  bool Valid() const override { return iterator_ != nullptr && iterator_->Valid(); }
  void Next() override { iterator_->Prev(); }
  absl::string_view key() const override { return ToView(iterator_->key()).substr(1); }
  absl::string_view value() const override { return ToView(iterator_->value()); }
  absl::Status status() const override {
    return iterator_ == nullptr ? absl::OkStatus() : storage_->Translate(iterator_->status());
  }

 private:
  const RocksDbStorage* const storage_;
  const std::string start_;
  const std::string end_;
  const rocksdb::Slice start_slice_;  // the iterator keeps pointers to them
  const rocksdb::Slice end_slice_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

class RocksDbStorage::DbSnapshot : public StoreReader {
 public:
  explicit DbSnapshot(const RocksDbStorage* storage)
      : storage_(storage), snapshot_(storage->db_->GetSnapshot()) {}
  ~DbSnapshot() override { storage_->db_->ReleaseSnapshot(snapshot_); }
  DbSnapshot(const DbSnapshot&) = delete;
  DbSnapshot& operator=(const DbSnapshot&) = delete;

  absl::StatusOr<std::optional<std::string>> Get(Space space, absl::string_view key) const override {
    return storage_->GetWith(Reading(snapshot_), space, key);
  }
  std::unique_ptr<Cursor> Scan(Space space, absl::string_view start, absl::string_view end) const override {
    return std::make_unique<DbCursor>(storage_, snapshot_, space, start, end);
  }
  std::unique_ptr<Cursor> ScanReverse(Space space, absl::string_view start,
                                      absl::string_view end) const override {
    return std::make_unique<DbReverseCursor>(storage_, snapshot_, space, start, end);
  }

 private:
  const RocksDbStorage* const storage_;
  const rocksdb::Snapshot* const snapshot_;
};

absl::StatusOr<std::unique_ptr<RocksDbStorage>> RocksDbStorage::Open(const std::string& directory,
                                                                     const RocksDbOptions& options) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  absl::StatusOr<std::string> canonical = PrepareDataDirectory(directory);
  if (!canonical.ok()) return canonical.status();
  if (absl::Status status = CheckDataFilesLocked(*canonical); !status.ok()) return status;

  std::unique_ptr<RocksDbStorage> storage(new RocksDbStorage(*std::move(canonical), options.on_damage));
  storage->block_cache_ = rocksdb::NewLRUCache(options.block_cache_bytes);
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(
      DbOptions(storage->directory_, options, storage->block_cache_, &storage->wal_continuity_),
      storage->directory_, &db);
  if (!status.ok()) return FromRocksDb(status, storage->directory_);
  storage->db_.reset(db);
  return storage;
}

RocksDbStorage::RocksDbStorage(std::string directory, std::function<void(const absl::Status&)> on_damage)
    : directory_(std::move(directory)), on_damage_(std::move(on_damage)) {}

RocksDbStorage::~RocksDbStorage() {
  if (db_ == nullptr) return;
  // There is nobody left to tell; what a failure here loses, Flush had not promised yet.
  Flush().IgnoreError();
  db_->Close().PermitUncheckedError();
}

absl::StatusOr<std::optional<std::string>> RocksDbStorage::Get(Space space, absl::string_view key) const {
  return GetWith(Reading(nullptr), space, key);
}

absl::StatusOr<std::optional<std::string>> RocksDbStorage::GetWith(const rocksdb::ReadOptions& options,
                                                                   Space space, absl::string_view key) const {
  std::string value;
  const rocksdb::Status status = db_->Get(options, DbKey(space, key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return Translate(status);
  return std::optional<std::string>(std::move(value));
}

std::unique_ptr<Cursor> RocksDbStorage::Scan(Space space, absl::string_view start,
                                             absl::string_view end) const {
  return std::make_unique<DbCursor>(this, nullptr, space, start, end);
}

std::unique_ptr<Cursor> RocksDbStorage::ScanReverse(Space space, absl::string_view start,
                                                    absl::string_view end) const {
  return std::make_unique<DbReverseCursor>(this, nullptr, space, start, end);
}

std::unique_ptr<StoreReader> RocksDbStorage::Snapshot() const {
  return std::make_unique<DbSnapshot>(this);
}

absl::Status RocksDbStorage::Commit(const WriteBatch& batch, Durability durability) {
  if (absl::Status status = CheckWritable(); !status.ok()) return status;
  if (batch.empty()) return absl::OkStatus();
  write_batch_.Clear();
  for (const WriteBatch::Operation& operation : batch.operations()) {
    const char letter = static_cast<char>(operation.space);
    const std::array<rocksdb::Slice, 2> key = {rocksdb::Slice(&letter, 1), ToSlice(operation.key)};
    const rocksdb::SliceParts key_parts(key.data(), static_cast<int>(key.size()));
    rocksdb::Status status;
    if (operation.value) {
      const rocksdb::Slice value = ToSlice(*operation.value);
      status = write_batch_.Put(key_parts, rocksdb::SliceParts(&value, 1));
    } else if (operation.space == Space::kIndex) {
      // For keys that were put once: key and removal go as soon as they meet, not only at the last level.
      status = write_batch_.SingleDelete(key_parts);
    } else {
      status = write_batch_.Delete(key_parts);
    }
    if (!status.ok()) return Settle(status);
  }
  rocksdb::WriteOptions options;
  options.sync = durability == Durability::kSync;
  const rocksdb::Status status = db_->Write(options, &write_batch_);
  if (write_batch_.GetDataSize() > kKeptBatchBytesMax) write_batch_ = rocksdb::WriteBatch();
  return Settle(status);
}

absl::Status RocksDbStorage::Flush() {
  if (absl::Status status = CheckWritable(); !status.ok()) return status;
  return Settle(db_->FlushWAL(/*sync=*/true));
}

uint64_t RocksDbStorage::EstimatedMemoryBytes() const {
  uint64_t memtable_bytes = 0;
  uint64_t table_bytes = 0;
  db_->GetIntProperty(rocksdb::DB::Properties::kSizeAllMemTables, &memtable_bytes);
  db_->GetIntProperty(rocksdb::DB::Properties::kEstimateTableReadersMem, &table_bytes);
  return memtable_bytes + table_bytes + block_cache_->GetUsage();
}

RocksDbFacts RocksDbStorage::Facts() const {
  using Properties = rocksdb::DB::Properties;
  const auto read = [this](const std::string& property) {
    uint64_t value = 0;
    db_->GetIntProperty(property, &value);
    return value;
  };
  RocksDbFacts facts;
  facts.block_cache_bytes = block_cache_->GetUsage();
  facts.block_cache_bytes_max = block_cache_->GetCapacity();
  facts.memtable_bytes = read(Properties::kSizeAllMemTables);
  facts.table_reader_bytes = read(Properties::kEstimateTableReadersMem);
  facts.table_file_bytes = read(Properties::kLiveSstFilesSize);
  facts.pending_compaction_bytes = read(Properties::kEstimatePendingCompactionBytes);
  facts.running_compactions = read(Properties::kNumRunningCompactions);
  facts.running_flushes = read(Properties::kNumRunningFlushes);
  facts.writes_stopped = read(Properties::kIsWriteStopped) != 0;
  facts.delayed_write_bytes_per_second = read(Properties::kActualDelayedWriteRate);
  return facts;
}

uint64_t RocksDbStorage::EstimatedDataBytes() const {
  uint64_t memtable_bytes = 0;
  uint64_t live_bytes = 0;
  db_->GetIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &memtable_bytes);
  db_->GetIntProperty(rocksdb::DB::Properties::kEstimateLiveDataSize, &live_bytes);
  return memtable_bytes + live_bytes;
}

absl::Status RocksDbStorage::CheckWritable() const {
  if (!write_failed_.load(std::memory_order_acquire)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "STORAGE_FAILED",
                   absl::StrCat("the store in ", directory_, " takes no more writes after one has failed"));
}

absl::Status RocksDbStorage::Settle(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  write_failed_.store(true, std::memory_order_release);
  return Translate(status);
}

absl::Status RocksDbStorage::Translate(const rocksdb::Status& status) const {
  absl::Status translated = FromRocksDb(status, directory_);
  if (absl::IsDataLoss(translated) && on_damage_) on_damage_(translated);
  return translated;
}

absl::StatusOr<TablesReport> RocksDbStorage::CheckTables(Pace* pace) const {
  TablesReport report;
  std::vector<rocksdb::LiveFileMetaData> tables;
  db_->GetLiveFilesMetaData(&tables);
  for (const rocksdb::LiveFileMetaData& table : tables) {
    const std::string path = directory_ + table.name;  // begins with a slash
    const absl::Status status = CheckTableFile(path, pace);
    if (absl::IsCancelled(status)) return status;
    ++report.tables;
    report.bytes += table.size;
    // One that is not there has been compacted away since, or else whatever reads it will tell.
    if (absl::IsDataLoss(status)) {
      report.damaged.push_back({path, status});
    } else if (!status.ok() && access(path.c_str(), F_OK) == 0) {
      ++report.unchecked;
      report.why_unchecked = status;
    }
  }
  return report;
}

// Removing the derived entries one by one would not do: an entry was put once and is removed by a single
// deletion, which takes away one of the two that there may be now.
absl::Status RocksDbStorage::PrepareSalvage() {
  rocksdb::WriteBatch batch;
  for (const Space space : {Space::kIndex, Space::kTombstones, Space::kExpiries}) {
    batch.DeleteRange(DbKey(space, ""), DbEnd(space));
  }
  for (const auto& [key, value] : ReadLostTables(directory_, DbKey(Space::kMeta, ""))) {
    std::string present;
    const rocksdb::Status status = db_->Get(Reading(nullptr), key, &present);
    if (status.IsNotFound()) {
      batch.Put(key, value);
    } else if (!status.ok()) {
      return Translate(status);
    }
  }
  rocksdb::WriteOptions options;
  options.sync = true;
  return Settle(db_->Write(options, &batch));
}

}  // namespace lamppost::kv
