// Storage in memory, for tests and the simulator: deterministic, and able to fail on request.
#ifndef LAMPPOST_SERVICES_KV_STORAGE_MEMORY_STORAGE_H_
#define LAMPPOST_SERVICES_KV_STORAGE_MEMORY_STORAGE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "services/kv/storage/storage.h"

namespace lamppost::kv {

// Each key holds its recent values, numbered by the commit that wrote them. A snapshot or a cursor is
// no more than such a number; what none of them needs any longer is dropped at the next commit or when
// the last one in need goes.
//
// Commit and Flush keep nothing beyond the process. Everything but Commit is thread-safe.
class MemoryStorage : public Storage {
 public:
  MemoryStorage() = default;
  MemoryStorage(const MemoryStorage&) = delete;
  MemoryStorage& operator=(const MemoryStorage&) = delete;

  absl::StatusOr<std::optional<std::string>> Get(Space space, absl::string_view key) const override;
  std::unique_ptr<Cursor> Scan(Space space, absl::string_view start, absl::string_view end) const override;
  std::unique_ptr<Cursor> ScanReverse(Space space, absl::string_view start,
                                      absl::string_view end) const override;
  std::unique_ptr<StoreReader> Snapshot() const override;
  absl::Status Commit(const WriteBatch& batch, Durability durability) override;
  absl::Status Flush() override;

  // The next Commit or Flush returns this status, and its batch is not applied. After it the store
  // refuses writes as a broken one does, until ClearFailure: the process has started again.
  void FailNextCommits(absl::Status status);
  void ClearFailure();

  // The values held for all keys, removals and values kept for snapshots included.
  size_t ValueCount() const;

 private:
  class Moment;
  class View;
  class MomentCursor;
  class MomentReverseCursor;

  using SpaceAndKey = std::pair<char, std::string>;
  struct Value {
    uint64_t sequence;
    std::optional<std::string> content;  // nothing: removed
  };
  // A key whose earlier values no view from this sequence on can see.
  struct Overwrite {
    uint64_t sequence;
    SpaceAndKey key;
  };
  using Values = std::map<SpaceAndKey, std::vector<Value>>;  // each vector ascends by sequence

  static const std::string* VisibleAt(uint64_t sequence, const std::vector<Value>& values);
  std::optional<std::string> GetAt(uint64_t sequence, Space space, absl::string_view key) const;

  absl::Status CheckIndexKeys(const WriteBatch& batch) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::Status CheckWritable() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Apply(const WriteBatch::Operation& operation, uint64_t sequence) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropUnseen() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Trim(const SpaceAndKey& key, uint64_t oldest) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  // Mutable: a reader that goes away lets old values go.
  mutable Values values_ ABSL_GUARDED_BY(mutex_);
  mutable std::deque<Overwrite> overwrites_ ABSL_GUARDED_BY(mutex_);  // ascends by sequence
  mutable std::multiset<uint64_t> moments_ ABSL_GUARDED_BY(mutex_);
  uint64_t sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status next_failure_ ABSL_GUARDED_BY(mutex_);
  bool failed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_STORAGE_MEMORY_STORAGE_H_
