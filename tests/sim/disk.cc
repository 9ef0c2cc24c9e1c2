#include "tests/sim/disk.h"

#include <algorithm>
#include <vector>

#include "services/common/error.h"
#include "services/kv/core/check.h"
#include "services/kv/core/record.h"
#include "services/kv/core/testing/lose_version.h"

namespace lamppost::sim {
namespace {

absl::Status Damaged() {
  return MakeError(absl::StatusCode::kDataLoss, "DATA_CORRUPT", "a record's checksum does not hold");
}

absl::Status WriteFailed(absl::StatusCode code, absl::string_view what) {
  return MakeError(code, "STORAGE_FAILED", what);
}

}  // namespace

// Ends at a damaged record.
class Disk::DamagedCursor : public kv::Cursor {
 public:
  DamagedCursor(const Disk* disk, kv::Space space, std::unique_ptr<kv::Cursor> inner)
      : disk_(disk), space_(space), inner_(std::move(inner)) {
    Look();
  }
  bool Valid() const override { return !damaged_ && inner_->Valid(); }
  void Next() override {
    inner_->Next();
    Look();
  }
  absl::string_view key() const override { return inner_->key(); }
  absl::string_view value() const override { return inner_->value(); }
  absl::Status status() const override { return damaged_ ? Damaged() : inner_->status(); }

 private:
  void Look() { damaged_ = inner_->Valid() && disk_->Reports(space_, inner_->key()); }

  const Disk* const disk_;
  const kv::Space space_;
  const std::unique_ptr<kv::Cursor> inner_;
  bool damaged_ = false;
};

class Disk::View : public kv::StoreReader {
 public:
  View(const Disk* disk, std::unique_ptr<kv::StoreReader> inner) : disk_(disk), inner_(std::move(inner)) {}

  absl::StatusOr<std::optional<std::string>> Get(kv::Space space, absl::string_view key) const override {
    if (disk_->Reports(space, key)) return Damaged();
    return inner_->Get(space, key);
  }
  std::unique_ptr<kv::Cursor> Scan(kv::Space space, absl::string_view start,
                                   absl::string_view end) const override {
    return std::make_unique<DamagedCursor>(disk_, space, inner_->Scan(space, start, end));
  }
  std::unique_ptr<kv::Cursor> ScanReverse(kv::Space space, absl::string_view start,
                                          absl::string_view end) const override {
    return std::make_unique<DamagedCursor>(disk_, space, inner_->ScanReverse(space, start, end));
  }

 private:
  const Disk* const disk_;
  const std::unique_ptr<kv::StoreReader> inner_;
};

bool Disk::Reports(kv::Space space, absl::string_view key) const {
  return !damaged_.empty() && damaged_.count({static_cast<char>(space), std::string(key)}) > 0;
}

absl::StatusOr<std::optional<std::string>> Disk::Get(kv::Space space, absl::string_view key) const {
  if (Reports(space, key)) return Damaged();
  return content_.Get(space, key);
}

std::unique_ptr<kv::Cursor> Disk::Scan(kv::Space space, absl::string_view start,
                                       absl::string_view end) const {
  std::unique_ptr<kv::Cursor> cursor = content_.Scan(space, start, end);
  if (damaged_.empty()) return cursor;
  return std::make_unique<DamagedCursor>(this, space, std::move(cursor));
}

std::unique_ptr<kv::Cursor> Disk::ScanReverse(kv::Space space, absl::string_view start,
                                              absl::string_view end) const {
  std::unique_ptr<kv::Cursor> cursor = content_.ScanReverse(space, start, end);
  if (damaged_.empty()) return cursor;
  return std::make_unique<DamagedCursor>(this, space, std::move(cursor));
}

std::unique_ptr<kv::StoreReader> Disk::Snapshot() const {
  return std::make_unique<View>(this, content_.Snapshot());
}

kv::WriteBatch Disk::UndoOf(const kv::WriteBatch& batch) const {
  std::vector<kv::WriteBatch::Operation> before;
  for (const kv::WriteBatch::Operation& operation : batch.operations()) {
    const bool again = std::any_of(before.begin(), before.end(), [&](const auto& earlier) {
      return earlier.space == operation.space && earlier.key == operation.key;
    });
    if (again) continue;
    before.push_back({operation.space, operation.key, *content_.Get(operation.space, operation.key)});
  }
  kv::WriteBatch undo;
  for (auto it = before.rbegin(); it != before.rend(); ++it) {
    if (it->value) {
      undo.Put(it->space, std::move(it->key), *std::move(it->value));
    } else {
      undo.Remove(it->space, std::move(it->key));
    }
  }
  return undo;
}

absl::Status Disk::Commit(const kv::WriteBatch& batch, kv::Durability durability) {
  if (write_failed_) {
    return WriteFailed(absl::StatusCode::kFailedPrecondition, "a write has failed before");
  }
  const Failure failure = std::exchange(failure_, Failure::kNone);
  write_failed_ = failure != Failure::kNone;
  if (failure == Failure::kNotWritten) {
    return WriteFailed(absl::StatusCode::kResourceExhausted, "no space left on the disk");
  }
  // What a failed fsync has left in the page cache may still reach the disk, or not.
  const bool is_durable = durability == kv::Durability::kSync && failure == Failure::kNone;
  kv::WriteBatch undo;
  if (!is_durable) undo = UndoOf(batch);
  if (absl::Status refused = content_.Commit(batch, durability); !refused.ok()) {
    ++batches_refused_;  // the replica has broken the store's rules
    write_failed_ = true;
    return refused;
  }
  if (is_durable) {
    first_unflushed_ += unflushed_.size();
    unflushed_.clear();
  } else {
    unflushed_.push_back(std::move(undo));
  }
  for (const kv::WriteBatch::Operation& operation : batch.operations()) {
    if (!damaged_.empty()) damaged_.erase({static_cast<char>(operation.space), operation.key});
  }
  if (failure == Failure::kWritten) return WriteFailed(absl::StatusCode::kUnavailable, "fsync failed");
  return absl::OkStatus();
}

absl::Status Disk::Flush() {
  return FlushUpTo(FlushMark());
}

absl::Status Disk::FlushUpTo(uint64_t mark) {
  if (write_failed_ || std::exchange(failure_, Failure::kNone) != Failure::kNone) {
    write_failed_ = true;
    return WriteFailed(absl::StatusCode::kUnavailable, "fsync failed");
  }
  for (; first_unflushed_ < mark && !unflushed_.empty(); ++first_unflushed_) unflushed_.pop_front();
  return absl::OkStatus();
}

void Disk::LosePower(size_t count) {
  LAMPPOST_CHECK(count <= unflushed_.size(), "more is lost than was at risk");
  for (; count > 0; --count) {
    LAMPPOST_CHECK(content_.Commit(unflushed_.back(), kv::Durability::kSync).ok(), "an undo is refused");
    unflushed_.pop_back();
  }
  first_unflushed_ += unflushed_.size();
  unflushed_.clear();
}

bool Disk::DamageOne(kv::Space space, Random* random) {
  std::vector<std::string> keys;
  for (auto cursor = content_.Scan(space, "", ""); cursor->Valid(); cursor->Next()) {
    keys.emplace_back(cursor->key());
  }
  if (keys.empty()) return false;
  damaged_.insert({static_cast<char>(space), keys[random->Below(keys.size())]});
  return true;
}

std::unique_ptr<Disk> Disk::Copy() const {
  kv::WriteBatch batch;
  for (const kv::Space space : {kv::Space::kMeta, kv::Space::kData, kv::Space::kIndex, kv::Space::kRequests,
                                kv::Space::kTombstones, kv::Space::kExpiries}) {
    for (auto cursor = content_.Scan(space, "", ""); cursor->Valid(); cursor->Next()) {
      batch.Put(space, std::string(cursor->key()), std::string(cursor->value()));
    }
  }
  auto copy = std::make_unique<Disk>();
  LAMPPOST_CHECK(copy->Commit(batch, kv::Durability::kSync).ok(), "a copy of a disk cannot be written");
  copy->damaged_ = damaged_;
  return copy;
}

std::unique_ptr<Disk> Disk::DurableCopy() const {
  std::unique_ptr<Disk> copy = Copy();
  for (auto undo = unflushed_.rbegin(); undo != unflushed_.rend(); ++undo) {
    LAMPPOST_CHECK(copy->Commit(*undo, kv::Durability::kSync).ok(), "an undo is refused");
  }
  return copy;
}

std::unique_ptr<Disk> Disk::WithoutDamage() const {
  std::unique_ptr<Disk> rest = Copy();
  rest->damaged_.clear();
  kv::WriteBatch batch;
  for (const auto& [space, key] : damaged_) {
    const auto there = content_.Get(static_cast<kv::Space>(space), key);
    if (there.ok() && *there) batch.Remove(static_cast<kv::Space>(space), key);
  }
  LAMPPOST_CHECK(rest->content_.Commit(batch, kv::Durability::kSync).ok(), "damage cannot be removed");
  return rest;
}

void Disk::LoseVersion(const std::string& key) {
  const kv::WriteBatch batch = kv::testing::LoseVersion(content_, key);
  LAMPPOST_CHECK(content_.Commit(batch, kv::Durability::kSync).ok(), "a version cannot be lost");
}

}  // namespace lamppost::sim
