#include "services/kv/storage/memory_storage.h"

#include <algorithm>

#include "services/common/error.h"

namespace lamppost::kv {

// Keeps what was visible when it was made, for as long as it lives.
class MemoryStorage::Moment {
 public:
  explicit Moment(const MemoryStorage* storage) : storage_(storage) {
    absl::MutexLock lock(&storage_->mutex_);
    sequence_ = storage_->sequence_;
    storage_->moments_.insert(sequence_);
  }
  ~Moment() {
    absl::MutexLock lock(&storage_->mutex_);
    storage_->moments_.erase(storage_->moments_.find(sequence_));
    storage_->DropUnseen();
  }
  Moment(const Moment&) = delete;
  Moment& operator=(const Moment&) = delete;

  const MemoryStorage* storage() const { return storage_; }
  uint64_t sequence() const { return sequence_; }

 private:
  const MemoryStorage* storage_;
  uint64_t sequence_ = 0;
};

// Asks the map for the next greater key each time, so it holds no lock and no iterator in between.
class MemoryStorage::MomentCursor : public Cursor {
 public:
  MomentCursor(std::shared_ptr<const Moment> moment, Space space, absl::string_view start,
               absl::string_view end)
      : moment_(std::move(moment)), space_(static_cast<char>(space)), end_(end) {
    absl::ReaderMutexLock lock(&moment_->storage()->mutex_);
    Settle(moment_->storage()->values_.lower_bound({space_, std::string(start)}));
  }

  bool Valid() const override { return valid_; }
  void Next() override {
    absl::ReaderMutexLock lock(&moment_->storage()->mutex_);
    Settle(moment_->storage()->values_.upper_bound({space_, key_}));
  }
  absl::string_view key() const override { return key_; }
  absl::string_view value() const override { return value_; }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  // Takes the first key from here on that has a value at this moment.
  void Settle(Values::const_iterator next) ABSL_SHARED_LOCKS_REQUIRED(moment_->storage()->mutex_) {
    const Values& values = moment_->storage()->values_;
    for (; next != values.end() && next->first.first == space_; ++next) {
      const std::string& key = next->first.second;
      if (!end_.empty() && key >= end_) break;
      const std::string* value = VisibleAt(moment_->sequence(), next->second);
      if (value == nullptr) continue;
      key_ = key;
      value_ = *value;
      return;
    }
    valid_ = false;
  }

  const std::shared_ptr<const Moment> moment_;
  const char space_;
  const std::string end_;
  bool valid_ = true;
  std::string key_;
  std::string value_;
};

// The same downwards.
class MemoryStorage::MomentReverseCursor : public Cursor {
 public:
  MomentReverseCursor(std::shared_ptr<const Moment> moment, Space space, absl::string_view start,
                      absl::string_view end)
      : moment_(std::move(moment)), space_(static_cast<char>(space)), start_(start) {
    absl::ReaderMutexLock lock(&moment_->storage()->mutex_);
    const Values& values = moment_->storage()->values_;
    Settle(end.empty() ? values.lower_bound({static_cast<char>(space_ + 1), ""})
                       : values.lower_bound({space_, std::string(end)}));
  }

  bool Valid() const override { return valid_; }
  void Next() override {
    absl::ReaderMutexLock lock(&moment_->storage()->mutex_);
    Settle(moment_->storage()->values_.lower_bound({space_, key_}));
  }
  absl::string_view key() const override { return key_; }
  absl::string_view value() const override { return value_; }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  // Takes the last key before this one that has a value at this moment.
  void Settle(Values::const_iterator after) ABSL_SHARED_LOCKS_REQUIRED(moment_->storage()->mutex_) {
    const Values& values = moment_->storage()->values_;
    while (after != values.begin()) {
      --after;
      const std::string& key = after->first.second;
      if (after->first.first != space_ || key < start_) break;
      const std::string* value = VisibleAt(moment_->sequence(), after->second);
      if (value == nullptr) continue;
      key_ = key;
      value_ = *value;
      return;
    }
    valid_ = false;
  }

  const std::shared_ptr<const Moment> moment_;
  const char space_;
  const std::string start_;
  bool valid_ = true;
  std::string key_;
  std::string value_;
};

class MemoryStorage::View : public StoreReader {
 public:
  explicit View(const MemoryStorage* storage) : moment_(std::make_shared<const Moment>(storage)) {}

  absl::StatusOr<std::optional<std::string>> Get(Space space, absl::string_view key) const override {
    absl::ReaderMutexLock lock(&moment_->storage()->mutex_);
    return moment_->storage()->GetAt(moment_->sequence(), space, key);
  }
  std::unique_ptr<Cursor> Scan(Space space, absl::string_view start, absl::string_view end) const override {
    return std::make_unique<MomentCursor>(moment_, space, start, end);
  }
  std::unique_ptr<Cursor> ScanReverse(Space space, absl::string_view start,
                                      absl::string_view end) const override {
    return std::make_unique<MomentReverseCursor>(moment_, space, start, end);
  }

 private:
  const std::shared_ptr<const Moment> moment_;
};

absl::StatusOr<std::optional<std::string>> MemoryStorage::Get(Space space, absl::string_view key) const {
  absl::ReaderMutexLock lock(&mutex_);
  return GetAt(sequence_, space, key);
}

std::unique_ptr<Cursor> MemoryStorage::Scan(Space space, absl::string_view start,
                                            absl::string_view end) const {
  return std::make_unique<MomentCursor>(std::make_shared<const Moment>(this), space, start, end);
}

std::unique_ptr<Cursor> MemoryStorage::ScanReverse(Space space, absl::string_view start,
                                                   absl::string_view end) const {
  return std::make_unique<MomentReverseCursor>(std::make_shared<const Moment>(this), space, start, end);
}

std::unique_ptr<StoreReader> MemoryStorage::Snapshot() const {
  return std::make_unique<View>(this);
}

absl::Status MemoryStorage::Commit(const WriteBatch& batch, Durability) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status status = CheckWritable(); !status.ok()) return status;
  if (absl::Status status = CheckIndexKeys(batch); !status.ok()) return status;
  const uint64_t sequence = sequence_ + 1;
  for (const WriteBatch::Operation& operation : batch.operations()) Apply(operation, sequence);
  sequence_ = sequence;
  DropUnseen();
  return absl::OkStatus();
}

absl::Status MemoryStorage::Flush() {
  absl::MutexLock lock(&mutex_);
  return CheckWritable();
}

void MemoryStorage::FailNextCommits(absl::Status status) {
  absl::MutexLock lock(&mutex_);
  next_failure_ = std::move(status);
}

void MemoryStorage::ClearFailure() {
  absl::MutexLock lock(&mutex_);
  next_failure_ = absl::OkStatus();
  failed_ = false;
}

size_t MemoryStorage::ValueCount() const {
  absl::ReaderMutexLock lock(&mutex_);
  size_t count = 0;
  for (const auto& [key, values] : values_) count += values.size();
  return count;
}

const std::string* MemoryStorage::VisibleAt(uint64_t sequence, const std::vector<Value>& values) {
  for (auto value = values.rbegin(); value != values.rend(); ++value) {
    if (value->sequence <= sequence) return value->content ? &*value->content : nullptr;
  }
  return nullptr;
}

std::optional<std::string> MemoryStorage::GetAt(uint64_t sequence, Space space, absl::string_view key) const {
  const auto found = values_.find({static_cast<char>(space), std::string(key)});
  if (found == values_.end()) return std::nullopt;
  const std::string* value = VisibleAt(sequence, found->second);
  if (value == nullptr) return std::nullopt;
  return *value;
}

absl::Status MemoryStorage::CheckWritable() {
  if (failed_) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "STORAGE_FAILED",
                     "the store takes no more writes after one has failed");
  }
  if (next_failure_.ok()) return absl::OkStatus();
  failed_ = true;
  return next_failure_;
}

// What RocksDbStorage relies on and cannot afford to check. No batch has an index key twice.
absl::Status MemoryStorage::CheckIndexKeys(const WriteBatch& batch) const {
  for (const WriteBatch::Operation& operation : batch.operations()) {
    if (operation.space != Space::kIndex) continue;
    const bool is_there = GetAt(sequence_, operation.space, operation.key).has_value();
    if (is_there != operation.value.has_value()) continue;
    return MakeError(absl::StatusCode::kInternal, "INDEX_KEY_MISUSED",
                     "an index key that is there was put, or one that is not was removed");
  }
  return absl::OkStatus();
}

void MemoryStorage::Apply(const WriteBatch::Operation& operation, uint64_t sequence) {
  SpaceAndKey key(static_cast<char>(operation.space), operation.key);
  auto found = values_.find(key);
  if (found == values_.end()) {
    if (!operation.value) return;
    found = values_.try_emplace(std::move(key)).first;
    found->second.push_back({sequence, operation.value});
    return;
  }
  std::vector<Value>& values = found->second;
  if (values.back().sequence == sequence) {
    values.back().content = operation.value;
  } else {
    values.push_back({sequence, operation.value});
  }
  overwrites_.push_back({sequence, std::move(key)});
}

void MemoryStorage::DropUnseen() const {
  const uint64_t oldest = moments_.empty() ? sequence_ : *moments_.begin();
  while (!overwrites_.empty() && overwrites_.front().sequence <= oldest) {
    Trim(overwrites_.front().key, oldest);
    overwrites_.pop_front();
  }
}

void MemoryStorage::Trim(const SpaceAndKey& key, uint64_t oldest) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return;
  std::vector<Value>& values = found->second;
  // The oldest view sees the last value at or before it; nothing sees those before that one.
  const auto later = std::find_if(values.begin(), values.end(),
                                  [oldest](const Value& value) { return value.sequence > oldest; });
  if (later - values.begin() > 1) values.erase(values.begin(), later - 1);
  if (values.size() == 1 && values.front().sequence <= oldest && !values.front().content) {
    values_.erase(found);
  }
}

}  // namespace lamppost::kv
