#include "services/kv/storage/sorted_runs.h"

#include <endian.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <utility>

namespace lamppost::kv {
namespace {

using KeyComparator = SortedRuns::KeyComparator;

// Sorts by the keys' first eight bytes as numbers, then those that agree by the next eight, and so on: a
// multikey sort (Bentley and Sedgewick, "Fast algorithms for sorting and searching strings", 1997) on
// words. An entry is fetched from memory once for each of these rounds, and not for each comparison.
class EntrySorter {
 public:
  EntrySorter(const KeyComparator& comparator, std::vector<const char*>* entries)
      : comparator_(comparator), entries_(*entries), words_(entries->size()) {}

  void Sort() { SortRange(0, entries_.size(), 0); }

 private:
  struct Word {
    uint64_t number;
    const char* entry;
  };
  static constexpr size_t kWordBytes = 8;
  static constexpr size_t kFewEntries = 12;  // not worth a round

  // Entries [begin, end), whose user keys agree in their first `depth` bytes and have no fewer.
  void SortRange(size_t begin, size_t end, size_t depth) {
    if (end - begin <= kFewEntries) return SortByComparison(begin, end);
    for (size_t i = begin; i < end; ++i) words_[i] = {WordOf(entries_[i], depth), entries_[i]};
    const auto less = [](const Word& a, const Word& b) { return a.number < b.number; };
    std::sort(words_.begin() + begin, words_.begin() + end, less);
    for (size_t i = begin; i < end; ++i) entries_[i] = words_[i].entry;
    for (size_t same = begin; same < end;) {
      size_t next = same + 1;
      while (next < end && words_[next].number == words_[same].number) ++next;
      if (next - same > 1) SortEqualWords(same, next, depth + kWordBytes);
      same = next;
    }
  }

  // Keys that end here come before those that go on with NULs.
  void SortEqualWords(size_t begin, size_t end, size_t depth) {
    const auto ends = [&](const char* entry) { return UserKeyBytes(entry) < depth; };
    const auto middle = std::partition(entries_.begin() + begin, entries_.begin() + end, ends);
    const size_t longer = middle - entries_.begin();
    SortByComparison(begin, longer);
    SortRange(longer, end, depth);
  }

  size_t UserKeyBytes(const char* entry) const { return comparator_.decode_key(entry).size() - kTagBytes; }

  // The user key's bytes from `depth` on, as a number that sorts as they do; NULs if it has no more.
  uint64_t WordOf(const char* entry, size_t depth) const {
    const rocksdb::Slice key = comparator_.decode_key(entry);
    const size_t left = key.size() - kTagBytes - depth;
    uint64_t word = 0;
    std::memcpy(&word, key.data() + depth, std::min(left, kWordBytes));
    return be64toh(word);
  }

  void SortByComparison(size_t begin, size_t end) {
    const auto less = [this](const char* a, const char* b) { return comparator_(a, b) < 0; };
    std::sort(entries_.begin() + begin, entries_.begin() + end, less);
  }

  const KeyComparator& comparator_;
  std::vector<const char*>& entries_;
  std::vector<Word> words_;
};

}  // namespace

void SortedRuns::Add(std::vector<const char*> entries) {
  if (entries.empty()) return;
  const auto less = [this](const char* a, const char* b) { return Less(a, b); };
  EntrySorter(*comparator_, &entries).Sort();
  while (!runs_.empty() && runs_.back()->size() < 2 * entries.size()) {
    const std::shared_ptr<const Run> last = std::move(runs_.back());
    runs_.pop_back();
    Run merged;
    merged.reserve(last->size() + entries.size());
    std::merge(last->begin(), last->end(), entries.begin(), entries.end(), std::back_inserter(merged), less);
    entries = std::move(merged);
  }
  runs_.push_back(std::make_shared<const Run>(std::move(entries)));
}

SortedRuns::Iterator::Iterator(SortedRuns view) : view_(std::move(view)), positions_(view_.runs_.size(), 0) {}

// The least of the entries at the positions.
void SortedRuns::Iterator::FindCurrent() {
  current_ = nullptr;
  for (size_t i = 0; i < positions_.size(); ++i) {
    const Run& run = *view_.runs_[i];
    if (positions_[i] == run.size()) continue;
    const char* const entry = run[positions_[i]];
    if (current_ != nullptr && !view_.Less(entry, current_)) continue;
    current_ = entry;
    current_run_ = i;
  }
}

void SortedRuns::Iterator::Next() {
  ++positions_[current_run_];
  FindCurrent();
}

// The greatest of the entries before the positions. The other positions stay right: what is before them
// is before that one, too.
void SortedRuns::Iterator::Prev() {
  current_ = nullptr;
  for (size_t i = 0; i < positions_.size(); ++i) {
    if (positions_[i] == 0) continue;
    const char* const entry = (*view_.runs_[i])[positions_[i] - 1];
    if (current_ != nullptr && !view_.Less(current_, entry)) continue;
    current_ = entry;
    current_run_ = i;
  }
  if (current_ != nullptr) --positions_[current_run_];
}

void SortedRuns::Iterator::Seek(const rocksdb::Slice& internal_key, const char* /*memtable_key*/) {
  for (size_t i = 0; i < positions_.size(); ++i) {
    const Run& run = *view_.runs_[i];
    const auto before = [this](const char* entry, const rocksdb::Slice& key) {
      return (*view_.comparator_)(entry, key) < 0;
    };
    positions_[i] = std::lower_bound(run.begin(), run.end(), internal_key, before) - run.begin();
  }
  FindCurrent();
}

void SortedRuns::Iterator::SeekForPrev(const rocksdb::Slice& internal_key, const char* memtable_key) {
  Seek(internal_key, memtable_key);
  if (current_ == nullptr || (*view_.comparator_)(current_, internal_key) != 0) Prev();
}

void SortedRuns::Iterator::SeekToFirst() {
  std::fill(positions_.begin(), positions_.end(), 0);
  FindCurrent();
}

void SortedRuns::Iterator::SeekToLast() {
  for (size_t i = 0; i < positions_.size(); ++i) positions_[i] = view_.runs_[i]->size();
  Prev();
}

}  // namespace lamppost::kv
