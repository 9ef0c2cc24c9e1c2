// The order of a memtable's entries, made bit by bit: each time it is wanted, what has come since is
// sorted into a run of its own, and runs of like size are merged, as in an LSM tree. So an entry is
// compared O(log n) times in all, and there are O(log n) runs.
#ifndef LAMPPOST_SERVICES_KV_STORAGE_SORTED_RUNS_H_
#define LAMPPOST_SERVICES_KV_STORAGE_SORTED_RUNS_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "rocksdb/memtablerep.h"
#include "rocksdb/slice.h"

namespace lamppost::kv {

// What RocksDB appends to a key: its sequence number and type.
constexpr size_t kTagBytes = 8;

// Entries are RocksDB's: a length-prefixed internal key, and the value behind it. No two are equal.
// A copy is a view that later additions do not change. Not thread-safe, but copies are independent.
class SortedRuns {
 public:
  using KeyComparator = rocksdb::MemTableRep::KeyComparator;

  // The comparator must outlive this and all copies and iterators.
  explicit SortedRuns(const KeyComparator& comparator) : comparator_(&comparator) {}

  // In any order.
  void Add(std::vector<const char*> entries);

  class Iterator;

 private:
  using Run = std::vector<const char*>;

  bool Less(const char* a, const char* b) const { return (*comparator_)(a, b) < 0; }

  const KeyComparator* comparator_;
  std::vector<std::shared_ptr<const Run>> runs_;  // each at least twice as long as the next
};

// Goes through all runs as through one. Iterator semantics are RocksDB's.
class SortedRuns::Iterator : public rocksdb::MemTableRep::Iterator {
 public:
  explicit Iterator(SortedRuns view);

  bool Valid() const override { return current_ != nullptr; }
  const char* key() const override { return current_; }
  void Next() override;
  void Prev() override;
  void Seek(const rocksdb::Slice& internal_key, const char* memtable_key) override;
  void SeekForPrev(const rocksdb::Slice& internal_key, const char* memtable_key) override;
  void SeekToFirst() override;
  void SeekToLast() override;

 private:
  void FindCurrent();

  const SortedRuns view_;
  // Of each run, the first entry that is not before the current one.
  std::vector<size_t> positions_;
  size_t current_run_ = 0;
  const char* current_ = nullptr;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_STORAGE_SORTED_RUNS_H_
