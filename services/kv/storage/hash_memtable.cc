#include "services/kv/storage/hash_memtable.h"

#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <random>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/numeric/bits.h"
#include "absl/synchronization/mutex.h"
#include "rocksdb/slice.h"
#include "services/kv/storage/sorted_runs.h"

namespace lamppost::kv {
namespace {

// An internal key is the user's key and a little-endian tag: sequence number and type. Of one user key the
// greatest tag comes first, so the latest version.
uint64_t TagOf(const rocksdb::Slice& internal_key) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(internal_key.data()) + internal_key.size();
  uint64_t tag = 0;
  for (size_t i = 1; i <= kTagBytes; ++i) tag = tag << 8 | bytes[-static_cast<std::ptrdiff_t>(i)];
  return tag;
}

rocksdb::Slice UserKeyOf(const rocksdb::Slice& internal_key) {
  return rocksdb::Slice(internal_key.data(), internal_key.size() - kTagBytes);
}

// What stands in front of each entry in RocksDB's arena. An entry never moves, and only `next` changes.
struct Entry {
  std::atomic<Entry*> next;  // the latest entry of another key in the bucket
  Entry* older;              // the version before of the same key
  Entry* before;             // the entry inserted before this one
  uint64_t hash;             // of the user key

  const char* encoded() const { return reinterpret_cast<const char*>(this + 1); }
};

class HashMemTable : public rocksdb::MemTableRep {
 public:
  HashMemTable(const KeyComparator& comparator, rocksdb::Allocator* allocator, size_t buckets, uint64_t seed)
      : MemTableRep(allocator),
        comparator_(comparator),
        mask_(buckets - 1),
        seed_(seed),
        buckets_(new std::atomic<Entry*>[buckets]()),
        sorted_(comparator) {}

  rocksdb::KeyHandle Allocate(size_t bytes, char** encoded) override {
    char* memory = nullptr;
    MemTableRep::Allocate(sizeof(Entry) + alignof(Entry) - 1 + bytes, &memory);
    const auto misaligned = reinterpret_cast<uintptr_t>(memory) % alignof(Entry);
    if (misaligned != 0) memory += alignof(Entry) - misaligned;
    *encoded = memory + sizeof(Entry);
    return memory;
  }

  // The next version of a key takes the place of the one before in the bucket's chain. A reader who
  // stands on an entry that is replaced goes on by its `next`, to what was there when it came: all that
  // it may see, for what comes later has a later sequence number than any read that has begun.
  void Insert(rocksdb::KeyHandle handle) override {
    auto* const entry = new (handle) Entry;
    const rocksdb::Slice user_key = UserKeyOf(comparator_.decode_key(entry->encoded()));
    entry->hash = HashOf(user_key);
    std::atomic<Entry*>* link = &buckets_[entry->hash & mask_];
    std::atomic<Entry*>* const bucket = link;
    Entry* same = link->load(std::memory_order_relaxed);
    while (same != nullptr && !IsOf(*same, entry->hash, user_key)) {
      link = &same->next;
      same = link->load(std::memory_order_relaxed);
    }
    if (same == nullptr) link = bucket;  // a new key comes first
    const std::atomic<Entry*>& rest = same == nullptr ? *bucket : same->next;
    entry->older = same;
    entry->before = latest_.load(std::memory_order_relaxed);
    entry->next.store(rest.load(std::memory_order_relaxed), std::memory_order_relaxed);
    link->store(entry, std::memory_order_release);
    latest_.store(entry, std::memory_order_release);
    entries_.store(entries_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  bool Contains(const char* encoded) const override {
    const rocksdb::Slice internal_key = comparator_.decode_key(encoded);
    const Entry* entry = FindLatest(UserKeyOf(internal_key));
    while (entry != nullptr && comparator_(entry->encoded(), encoded) != 0) entry = entry->older;
    return entry != nullptr;
  }

  // The order is counted before it is made: RocksDB wants a memtable that is full to grow no more.
  size_t ApproximateMemoryUsage() override {
    return (mask_ + 1) * sizeof(buckets_[0]) + entries_.load(std::memory_order_relaxed) * sizeof(const char*);
  }

  // In order, as RocksDB wants it for scans and for the flush. What is inserted from now on is not in
  // it, and has later sequence numbers than the reader may see.
  //
  // An iterator of an arena is destroyed without being freed, and RocksDB's arena is not public. So each
  // gets a small frame of ours, to be used again when it has been destroyed.
  MemTableRep::Iterator* GetIterator(rocksdb::Arena* arena) override {
    absl::MutexLock lock(&order_mutex_);
    SortAddedEntries();
    auto iterator = std::make_unique<SortedRuns::Iterator>(sorted_);
    if (arena == nullptr) return iterator.release();
    Frame* const frame = TakeFrame();
    return new (static_cast<void*>(frame->place)) FramedIterator({this, frame}, std::move(iterator));
  }

  // MemTableRep::Get asks for one, to read the versions of one key, and does not free it (as of RocksDB
  // 7.8). It reads on one thread and one key at a time, so one for each thread is enough; should a later
  // RocksDB delete it, that frees nothing. Who else would ask has a prefix extractor; we have none.
  MemTableRep::Iterator* GetDynamicPrefixIterator(rocksdb::Arena* arena) override {
    if (arena != nullptr) return GetIterator(arena);
    alignas(VersionIterator) thread_local char place[sizeof(VersionIterator)];
    return new (static_cast<void*>(place)) VersionIterator(this);
  }

 private:
  // Through the versions of one key, from the one sought to older ones.
  class VersionIterator : public MemTableRep::Iterator {
   public:
    explicit VersionIterator(const HashMemTable* table) : table_(*table) {}

    bool Valid() const override { return entry_ != nullptr; }
    const char* key() const override { return entry_->encoded(); }
    void Next() override { entry_ = entry_->older; }
    void Seek(const rocksdb::Slice& internal_key, const char* /*memtable_key*/) override {
      const uint64_t tag = TagOf(internal_key);
      entry_ = table_.FindLatest(UserKeyOf(internal_key));
      while (entry_ != nullptr && TagOf(table_.comparator_.decode_key(entry_->encoded())) > tag) {
        entry_ = entry_->older;
      }
    }

    // Not within one key's versions.
    void Prev() override { entry_ = nullptr; }
    void SeekForPrev(const rocksdb::Slice&, const char*) override { entry_ = nullptr; }
    void SeekToFirst() override { entry_ = nullptr; }
    void SeekToLast() override { entry_ = nullptr; }

    // Lives in memory of its thread; see GetDynamicPrefixIterator.
    static void* operator new(size_t, void* place) { return place; }
    static void operator delete(void*) {}
    static void operator delete(void*, void*) {}

   private:
    const HashMemTable& table_;
    const Entry* entry_ = nullptr;
  };

  struct Frame;

  // Gives the frame back.
  class FrameLease {
   public:
    FrameLease(HashMemTable* table, Frame* frame) : table_(table), frame_(frame) {}
    FrameLease(FrameLease&& other) noexcept
        : table_(other.table_), frame_(std::exchange(other.frame_, nullptr)) {}
    ~FrameLease() {
      if (frame_ != nullptr) table_->ReturnFrame(frame_);
    }

   private:
    HashMemTable* const table_;
    Frame* frame_;
  };

  // Passes everything on to an iterator on the heap. The lease is the first base and so the last to be
  // destroyed: when the frame is free, nothing of this touches it any more.
  class FramedIterator : private FrameLease, public MemTableRep::Iterator {
   public:
    FramedIterator(FrameLease lease, std::unique_ptr<MemTableRep::Iterator> framed)
        : FrameLease(std::move(lease)), framed_(std::move(framed)) {}
    bool Valid() const override { return framed_->Valid(); }
    const char* key() const override { return framed_->key(); }
    void Next() override { framed_->Next(); }
    void Prev() override { framed_->Prev(); }
    void Seek(const rocksdb::Slice& internal_key, const char* memtable_key) override {
      framed_->Seek(internal_key, memtable_key);
    }
    void SeekForPrev(const rocksdb::Slice& internal_key, const char* memtable_key) override {
      framed_->SeekForPrev(internal_key, memtable_key);
    }
    void SeekToFirst() override { framed_->SeekToFirst(); }
    void SeekToLast() override { framed_->SeekToLast(); }

   private:
    std::unique_ptr<MemTableRep::Iterator> framed_;
  };
  struct Frame {
    alignas(FramedIterator) char place[sizeof(FramedIterator)];
  };

  uint64_t HashOf(const rocksdb::Slice& user_key) const {
    return XXH3_64bits_withSeed(user_key.data(), user_key.size(), seed_);
  }

  bool IsOf(const Entry& entry, uint64_t hash, const rocksdb::Slice& user_key) const {
    return entry.hash == hash && UserKeyOf(comparator_.decode_key(entry.encoded())) == user_key;
  }

  const Entry* FindLatest(const rocksdb::Slice& user_key) const {
    const uint64_t hash = HashOf(user_key);
    const Entry* entry = buckets_[hash & mask_].load(std::memory_order_acquire);
    while (entry != nullptr && !IsOf(*entry, hash, user_key)) {
      entry = entry->next.load(std::memory_order_acquire);
    }
    return entry;
  }

  void SortAddedEntries() ABSL_EXCLUSIVE_LOCKS_REQUIRED(order_mutex_) {
    const Entry* const latest = latest_.load(std::memory_order_acquire);
    std::vector<const char*> added;
    for (const Entry* entry = latest; entry != latest_sorted_; entry = entry->before) {
      added.push_back(entry->encoded());
    }
    latest_sorted_ = latest;
    sorted_.Add(std::move(added));
  }

  Frame* TakeFrame() ABSL_EXCLUSIVE_LOCKS_REQUIRED(order_mutex_) {
    if (free_frames_.empty()) {
      frames_.push_back(std::make_unique<Frame>());
      return frames_.back().get();
    }
    Frame* const frame = free_frames_.back();
    free_frames_.pop_back();
    return frame;
  }

  void ReturnFrame(Frame* frame) ABSL_LOCKS_EXCLUDED(order_mutex_) {
    absl::MutexLock lock(&order_mutex_);
    free_frames_.push_back(frame);
  }

  const KeyComparator& comparator_;
  const uint64_t mask_;
  const uint64_t seed_;
  const std::unique_ptr<std::atomic<Entry*>[]> buckets_;
  std::atomic<Entry*> latest_{nullptr};  // the end of the chain of all entries
  std::atomic<size_t> entries_{0};

  absl::Mutex order_mutex_;
  SortedRuns sorted_ ABSL_GUARDED_BY(order_mutex_);
  const Entry* latest_sorted_ ABSL_GUARDED_BY(order_mutex_) = nullptr;
  std::vector<std::unique_ptr<Frame>> frames_
      ABSL_GUARDED_BY(order_mutex_);  // as many as were in use at once
  std::vector<Frame*> free_frames_ ABSL_GUARDED_BY(order_mutex_);
};

class HashMemTableFactory : public rocksdb::MemTableRepFactory {
 public:
  explicit HashMemTableFactory(size_t buckets) : buckets_(buckets) {}

  const char* Name() const override { return "lamppost.HashMemTable"; }

  using MemTableRepFactory::CreateMemTableRep;
  rocksdb::MemTableRep* CreateMemTableRep(const rocksdb::MemTableRep::KeyComparator& comparator,
                                          rocksdb::Allocator* allocator, const rocksdb::SliceTransform*,
                                          rocksdb::Logger*) override {
    return new HashMemTable(comparator, allocator, buckets_, seed_);
  }

 private:
  const size_t buckets_;
  // Unknown to whoever chooses the keys, so that nobody fills one bucket with all of them.
  const uint64_t seed_ = std::random_device()();
};

}  // namespace

std::shared_ptr<rocksdb::MemTableRepFactory> NewHashMemTableFactory(size_t memtable_bytes) {
  // A bucket for each 256 bytes: about what a small write takes with its entries of the index.
  constexpr size_t kBytesPerBucket = 256;
  return std::make_shared<HashMemTableFactory>(
      absl::bit_ceil(std::max<size_t>(memtable_bytes / kBytesPerBucket, 64)));
}

}  // namespace lamppost::kv
