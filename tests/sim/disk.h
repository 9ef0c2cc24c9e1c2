// A node's disk: the storage that its replica stands on, with a model of what fsync promises and of how
// disks fail.
//
// What is committed with kInterval stays in the page cache until a flush: it survives the process and not
// the machine. A commit with kSync makes all before it durable too, as one log does. A loss of power takes a
// suffix of what was not flushed, whole batches: a torn record at the end of a log is one that is not there.
//
// Not thread-safe.
#ifndef LAMPPOST_TESTS_SIM_DISK_H_
#define LAMPPOST_TESTS_SIM_DISK_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "services/kv/storage/memory_storage.h"
#include "services/kv/storage/storage.h"
#include "tests/sim/random.h"

namespace lamppost::sim {

class Disk : public kv::Storage {
 public:
  // What happens to a batch whose commit fails.
  enum class Failure { kNone, kNotWritten, kWritten };

  Disk() = default;

  // DATA_LOSS for a record that is damaged.
  absl::StatusOr<std::optional<std::string>> Get(kv::Space space, absl::string_view key) const override;
  std::unique_ptr<kv::Cursor> Scan(kv::Space space, absl::string_view start,
                                   absl::string_view end) const override;
  std::unique_ptr<kv::Cursor> ScanReverse(kv::Space space, absl::string_view start,
                                          absl::string_view end) const override;
  std::unique_ptr<kv::StoreReader> Snapshot() const override;
  absl::Status Commit(const kv::WriteBatch& batch, kv::Durability durability) override;
  absl::Status Flush() override;

  // A flush that takes time: what was committed before it began is durable once it has ended.
  uint64_t FlushMark() const { return first_unflushed_ + unflushed_.size(); }
  absl::Status FlushUpTo(uint64_t mark);

  // The next commit, or flush, fails.
  void FailNext(Failure failure) { failure_ = failure; }
  bool IsFailing() const { return failure_ != Failure::kNone; }

  // Batches that break the rules of a store (store.h).
  uint64_t batches_refused() const { return batches_refused_; }
  // Batches that a loss of power could take.
  size_t unflushed() const { return unflushed_.size(); }
  // The machine loses power: the last `count` of them are gone, and the others turn out to be durable.
  void LosePower(size_t count);
  // A process starts on it: a failed commit is forgotten.
  void Restarted() { write_failed_ = false; }

  // Damages a record, as a bit flip that a checksum finds; false if there is no record to choose from.
  bool DamageOne(kv::Space space, Random* random);
  bool IsDamaged() const { return !damaged_.empty(); }

  // What is there, damaged or not, for those who watch; Scan is what a reader gets.
  std::unique_ptr<kv::Cursor> ScanUndamaged(kv::Space space) const { return content_.Scan(space, "", ""); }
  // An image of what it holds now, on a disk of its own; and one of what of that is on stable storage.
  std::unique_ptr<Disk> Copy() const;
  std::unique_ptr<Disk> DurableCopy() const;
  // What is left when damaged records are thrown away.
  std::unique_ptr<Disk> WithoutDamage() const;
  // Loses the version of a key, and all that the store knew of it, so that nothing tells.
  void LoseVersion(const std::string& key);

 private:
  class DamagedCursor;
  class View;
  using Record = std::pair<char, std::string>;

  bool Reports(kv::Space space, absl::string_view key) const;
  kv::WriteBatch UndoOf(const kv::WriteBatch& batch) const;

  kv::MemoryStorage content_;
  std::deque<kv::WriteBatch> unflushed_;  // how to undo each batch that is not durable, oldest first
  uint64_t first_unflushed_ = 0;          // its number
  Failure failure_ = Failure::kNone;
  bool write_failed_ = false;
  uint64_t batches_refused_ = 0;
  std::set<Record> damaged_;
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_DISK_H_
