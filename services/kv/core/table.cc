#include "services/kv/core/table.h"

#include <algorithm>
#include <utility>

namespace lamppost::kv {

absl::StatusOr<Table::Slot*> Table::Load(const std::string& key) {
  const auto it = slot_of_.find(key);
  if (it != slot_of_.end()) return &slots_[it->second];
  absl::StatusOr<std::optional<std::string>> bytes = store_->Get(Space::kData, key);
  if (!bytes.ok()) return bytes.status();
  Slot slot;
  slot.key = key;
  if (*bytes) {
    absl::StatusOr<Version> version = DecodeVersion(**bytes);
    if (!version.ok()) return version.status();
    slot.stored = version->timestamp;
    slot.now = *std::move(version);
  }
  slot_of_.emplace(key, slots_.size());
  slots_.push_back(std::move(slot));
  return &slots_.back();
}

absl::StatusOr<const Version*> Table::Find(const std::string& key) {
  absl::StatusOr<Slot*> slot = Load(key);
  if (!slot.ok()) return slot.status();
  return (*slot)->now ? &*(*slot)->now : nullptr;
}

absl::StatusOr<Merge> Table::Apply(const std::string& key, Version version) {
  absl::StatusOr<Slot*> loaded = Load(key);
  if (!loaded.ok()) return loaded.status();
  Slot& slot = **loaded;
  const Merge merge = Decide(version, slot.now ? &*slot.now : nullptr);
  if (merge == Merge::kReplaces || merge == Merge::kReplacesConcurrent) {
    Account(key, slot.now, version);
    slot.now = std::move(version);
    if (!slot.changed) ++changed_;
    slot.changed = true;
  }
  return merge;
}

void Table::Account(const std::string& key, const std::optional<Version>& before, const Version& after) {
  if (before) {
    state_->hash.Remove(key, *before);
    --(before->IsTombstone() ? state_->tombstones : state_->keys);
  }
  state_->hash.Add(key, after);
  ++(after.IsTombstone() ? state_->tombstones : state_->keys);
  state_->max_write = std::max(state_->max_write, after.timestamp.counter);
}

void Table::WriteTo(WriteBatch* batch) const {
  for (const Slot& slot : slots_) {
    if (!slot.changed) continue;
    if (slot.stored) batch->Remove(Space::kIndex, EncodeIndexKey(*slot.stored, slot.key));
    batch->Put(Space::kIndex, EncodeIndexKey(slot.now->timestamp, slot.key), "");
    batch->Put(Space::kData, slot.key, EncodeVersion(*slot.now));
  }
}

void Table::Committed() {
  slot_of_.clear();
  slots_.clear();
  changed_ = 0;
}

}  // namespace lamppost::kv
