#include "services/kv/core/table.h"

#include <algorithm>
#include <utility>

#include "services/common/error.h"
#include "services/common/mutation.h"
#include "services/kv/core/limits.h"

namespace lamppost::kv {

// The key's slot, with the present version or what the cache has of it.
absl::StatusOr<Table::Slot*> Table::Load(const std::string& key) {
  const auto it = slot_of_.find(key);
  if (it != slot_of_.end()) return &slots_[it->second];
  Slot slot;
  slot.key = key;
  if (const CachedVersion* cached = cache_.Find(key)) {
    slot.stored = cached->timestamp;
    slot.part = cached->part;
    slot.expires = slot.stored_expires = cached->expires_unix_ms;
    slot.reach = cached->reach;
  } else if (absl::Status status = ReadWhole(&slot); !status.ok()) {
    return status;
  }
  slot_of_.emplace(key, slots_.size());
  slots_.push_back(std::move(slot));
  return &slots_.back();
}

absl::Status Table::ReadWhole(Slot* slot) const {
  absl::StatusOr<std::optional<std::string>> bytes = store_->Get(Space::kData, slot->key);
  if (LAMPPOST_MUTATION(kDamageTakenForAbsence) && absl::IsDataLoss(bytes.status())) {
    bytes = std::optional<std::string>();
    slot->stored.reset();
    slot->stored_expires = 0;
  }
  if (!bytes.ok()) return bytes.status();
  if (!*bytes) {
    if (slot->stored) {
      return MakeError(absl::StatusCode::kDataLoss, "DATA_CORRUPT",
                       "the store has lost a version that it held");
    }
    return absl::OkStatus();
  }
  absl::StatusOr<Version> version = DecodeVersion(**bytes);
  if (!version.ok()) return version.status();
  slot->stored = version->timestamp;
  slot->expires = slot->stored_expires = version->expires_unix_ms;
  slot->part = ContentHash::PartOf(slot->key, *version);
  slot->now = *std::move(version);
  return absl::OkStatus();
}

absl::StatusOr<const Version*> Table::Find(const std::string& key) {
  absl::StatusOr<Slot*> slot = Load(key);
  if (!slot.ok()) return slot.status();
  if (!(*slot)->now && (*slot)->stored) {
    if (absl::Status status = ReadWhole(*slot); !status.ok()) return status;
  }
  return (*slot)->now ? &*(*slot)->now : nullptr;
}

absl::StatusOr<bool> Table::HasValue(const std::string& key, uint64_t now_unix_ms) {
  absl::StatusOr<Slot*> slot = Load(key);
  if (!slot.ok()) return slot.status();
  return (*slot)->part.has_value() && ((*slot)->expires == 0 || (*slot)->expires > now_unix_ms);
}

absl::StatusOr<const Version*> Table::FindBeyondHeads(const std::string& key) {
  const absl::StatusOr<Slot*> slot = Load(key);
  if (!slot.ok()) return slot.status();
  if (!(*slot)->now && (*slot)->reach == Reach::kWithinHeads) return nullptr;
  const absl::StatusOr<const Version*> version = Find(key);
  if (!version.ok() || *version == nullptr) return version;
  return IsWithin(state_->heads, **version) ? nullptr : *version;
}

absl::StatusOr<Merge> Table::Apply(const std::string& key, Version version) {
  absl::StatusOr<Slot*> loaded = Load(key);
  if (!loaded.ok()) return loaded.status();
  Slot& slot = **loaded;
  Version header;  // of a version that loses, only the timestamp counts
  const Version* current = slot.now ? &*slot.now : nullptr;
  if (current == nullptr && slot.stored) {
    if (version.timestamp < *slot.stored) {
      if (absl::Status status = ReadWhole(&slot); !status.ok()) return status;
      current = slot.now ? &*slot.now : nullptr;
    } else {
      header.timestamp = *slot.stored;
      current = &header;
    }
  }
  if (LAMPPOST_MUTATION(kTombstoneByAge) && current != nullptr && !slot.part &&
      current->timestamp != version.timestamp && current->timestamp.counter + 50 < state_->max_write) {
    current = nullptr;
  }
  const Merge merge = Decide(version, current);
  if (merge == Merge::kReplaces || merge == Merge::kReplacesConcurrent) {
    Account(&slot, version);
    slot.now = std::move(version);
    slot.expires = slot.now->expires_unix_ms;
    if (IsSystemKey(key)) changed_system_keys_.push_back(key);
    if (!slot.changed) ++changed_;
    slot.changed = true;
  }
  return merge;
}

void Table::Account(Slot* slot, const Version& after) {
  const bool counts = !IsSystemKey(slot->key);
  if (slot->now || slot->stored) {
    if (slot->part) state_->hash.Remove(slot->key, *slot->part);
    if (counts) --(slot->part ? state_->keys : state_->tombstones);
  }
  slot->part = ContentHash::PartOf(slot->key, after);
  if (slot->part) state_->hash.Add(slot->key, *slot->part);
  if (counts) ++(slot->part ? state_->keys : state_->tombstones);
  state_->max_write = std::max(state_->max_write, after.timestamp.counter);
}

void Table::WriteTo(WriteBatch* batch) const {
  std::vector<std::string> removed;
  std::vector<std::string> added;
  std::vector<const Slot*> changed;
  for (const Slot& slot : slots_) {
    if (!slot.changed) continue;
    if (slot.stored) removed.push_back(EncodeIndexKey(*slot.stored, slot.key));
    added.push_back(EncodeIndexKey(slot.now->timestamp, slot.key));
    changed.push_back(&slot);
  }
  std::sort(removed.begin(), removed.end());
  std::sort(added.begin(), added.end());
  std::sort(changed.begin(), changed.end(), [](const Slot* a, const Slot* b) { return a->key < b->key; });
  for (std::string& key : removed) batch->Remove(Space::kIndex, std::move(key));
  for (std::string& key : added) batch->Put(Space::kIndex, std::move(key), "");
  for (const Slot* slot : changed) batch->Put(Space::kData, slot->key, EncodeVersion(*slot->now));
  WriteExpiriesTo(batch);
}

// Removals first: two versions of a key may expire in the same moment.
void Table::WriteExpiriesTo(WriteBatch* batch) const {
  for (const Slot& slot : slots_) {
    if (!slot.changed || slot.stored_expires == 0) continue;
    batch->Remove(Space::kExpiries,
                  EncodeExpiryKey(slot.stored->origin.node_id, slot.stored_expires, slot.key));
  }
  for (const Slot& slot : slots_) {
    if (!slot.changed || slot.now->expires_unix_ms == 0) continue;
    const Version& now = *slot.now;
    batch->Put(Space::kExpiries, EncodeExpiryKey(now.timestamp.origin.node_id, now.expires_unix_ms, slot.key),
               "");
  }
}

void Table::Committed() {
  for (Slot& slot : slots_) {
    if (!slot.now) continue;
    const Reach reach = IsWithin(state_->heads, *slot.now) ? Reach::kWithinHeads : Reach::kBeyondHeads;
    cache_.Put(slot.key, {std::move(slot.now->timestamp), slot.part, reach, slot.expires});
  }
  slot_of_.clear();
  slots_.clear();
  changed_ = 0;
}

}  // namespace lamppost::kv
