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
    slot.stored_is_tombstone = !cached->part;
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
  slot->stored_is_tombstone = version->IsTombstone();
  slot->expires = slot->stored_expires = version->expires_unix_ms;
  slot->part = ContentHash::PartOf(slot->key, *version);
  slot->now = *std::move(version);
  return absl::OkStatus();
}

absl::StatusOr<const Version*> Table::Find(const std::string& key) {
  absl::StatusOr<Slot*> slot = Load(key);
  if (!slot.ok()) return slot.status();
  if (!(*slot)->now && (*slot)->HasVersion()) {
    if (absl::Status status = ReadWhole(*slot); !status.ok()) return status;
  }
  return (*slot)->now ? &*(*slot)->now : nullptr;
}

absl::StatusOr<bool> Table::HasValue(const std::string& key, uint64_t now_unix_ms) {
  absl::StatusOr<Slot*> slot = Load(key);
  if (!slot.ok()) return slot.status();
  return (*slot)->part.has_value() && ((*slot)->expires == 0 || (*slot)->expires > now_unix_ms);
}

absl::StatusOr<std::optional<Timestamp>> Table::TimestampOf(const std::string& key) {
  const absl::StatusOr<Slot*> slot = Load(key);
  if (!slot.ok()) return slot.status();
  if (!(*slot)->HasVersion()) return std::optional<Timestamp>();
  return std::optional<Timestamp>((*slot)->now ? (*slot)->now->timestamp : *(*slot)->stored);
}

std::vector<std::string> Table::ChangedKeys(absl::string_view start, absl::string_view end) const {
  std::vector<std::string> keys;
  for (const Slot& slot : slots_) {
    if (slot.changed && slot.key >= start && (end.empty() || slot.key < end)) keys.push_back(slot.key);
  }
  return keys;
}

absl::StatusOr<const Version*> Table::FindBeyondHeads(const std::string& key) {
  const absl::StatusOr<Slot*> slot = Load(key);
  if (!slot.ok()) return slot.status();
  if (!(*slot)->HasVersion()) return nullptr;
  if (!(*slot)->now && (*slot)->reach == Reach::kWithinHeads) return nullptr;
  const absl::StatusOr<const Version*> version = Find(key);
  if (!version.ok() || *version == nullptr) return version;
  return IsWithin(state_->heads, **version) ? nullptr : *version;
}

absl::StatusOr<Merge> Table::Apply(const std::string& key, Version version, std::optional<Version>* rival) {
  absl::StatusOr<Slot*> loaded = Load(key);
  if (!loaded.ok()) return loaded.status();
  Slot& slot = **loaded;
  Version header;  // of a version that loses, only the timestamp counts
  const Version* current = slot.now ? &*slot.now : nullptr;
  if (current == nullptr && slot.HasVersion()) {
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
  const bool is_concurrent = merge == Merge::kReplacesConcurrent || merge == Merge::kLosesConcurrent;
  if (is_concurrent && rival != nullptr) {
    if (!slot.now) {
      if (absl::Status status = ReadWhole(&slot); !status.ok()) return status;
    }
    *rival = slot.now;
  }
  if (merge == Merge::kReplaces || merge == Merge::kReplacesConcurrent) {
    Replace(&slot, std::move(version));
  }
  return merge;
}

absl::StatusOr<bool> Table::Repair(const std::string& key, Version version) {
  const absl::StatusOr<const Version*> present = Find(key);
  if (!present.ok()) return present.status();
  const Merge merge = Decide(version, *present);
  bool wins = merge == Merge::kReplaces || merge == Merge::kReplacesConcurrent;
  if (merge == Merge::kSame) wins = EncodeVersion(version) > EncodeVersion(**present);
  if (wins) Replace(*Load(key), std::move(version));
  return wins;
}

absl::Status Table::Drop(const std::string& key) {
  absl::StatusOr<Slot*> loaded = Load(key);
  if (!loaded.ok()) return loaded.status();
  Slot& slot = **loaded;
  if (!slot.HasVersion()) return absl::OkStatus();
  Discount(slot);
  slot.now.reset();
  slot.part.reset();
  slot.expires = 0;
  slot.dropped = true;
  if (IsSystemKey(key)) changed_system_keys_.push_back(key);
  if (!slot.changed) ++changed_;
  slot.changed = true;
  return absl::OkStatus();
}

void Table::Discount(const Slot& slot) {
  if (!slot.HasVersion()) return;
  if (slot.part) state_->hash.Remove(slot.key, *slot.part);
  if (!IsSystemKey(slot.key)) --(IsTombstone(slot) ? state_->tombstones : state_->keys);
}

void Table::Replace(Slot* slot, Version after) {
  Discount(*slot);
  slot->part = ContentHash::PartOf(slot->key, after);
  if (slot->part) state_->hash.Add(slot->key, *slot->part);
  if (!IsSystemKey(slot->key)) ++(after.IsTombstone() ? state_->tombstones : state_->keys);
  state_->max_write = std::max(state_->max_write, after.timestamp.counter);
  slot->now = std::move(after);
  slot->expires = slot->now->expires_unix_ms;
  if (IsSystemKey(slot->key)) changed_system_keys_.push_back(slot->key);
  slot->dropped = false;
  if (!slot->changed) ++changed_;
  slot->changed = true;
}

void Table::WriteTo(WriteBatch* batch) const {
  std::vector<std::string> removed;
  std::vector<std::string> added;
  std::vector<std::string> tombstones_removed;
  std::vector<std::string> tombstones_added;
  std::vector<const Slot*> changed;
  for (const Slot& slot : slots_) {
    if (!slot.changed || (!slot.stored && !slot.now)) continue;
    changed.push_back(&slot);
    const bool same = slot.stored && slot.now && *slot.stored == slot.now->timestamp;  // repaired
    if (slot.stored && !same) removed.push_back(EncodeIndexKey(*slot.stored, slot.key));
    if (slot.now && !same) added.push_back(EncodeIndexKey(slot.now->timestamp, slot.key));
    if (slot.stored && slot.stored_is_tombstone)
      tombstones_removed.push_back(EncodeTombstoneKey(slot.stored->counter, slot.key));
    if (slot.now && slot.now->IsTombstone())
      tombstones_added.push_back(EncodeTombstoneKey(slot.now->timestamp.counter, slot.key));
  }
  for (auto* keys : {&removed, &added, &tombstones_removed, &tombstones_added})
    std::sort(keys->begin(), keys->end());
  std::sort(changed.begin(), changed.end(), [](const Slot* a, const Slot* b) { return a->key < b->key; });
  for (std::string& key : removed) batch->Remove(Space::kIndex, std::move(key));
  for (std::string& key : added) batch->Put(Space::kIndex, std::move(key), "");
  for (std::string& key : tombstones_removed) batch->Remove(Space::kTombstones, std::move(key));
  for (std::string& key : tombstones_added) batch->Put(Space::kTombstones, std::move(key), "");
  for (const Slot* slot : changed) {
    if (slot->now) batch->Put(Space::kData, slot->key, EncodeStored(*slot->now));
    if (!slot->now) batch->Remove(Space::kData, slot->key);
  }
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
    if (!slot.changed || !slot.now || slot.now->expires_unix_ms == 0) continue;
    const Version& now = *slot.now;
    batch->Put(Space::kExpiries, EncodeExpiryKey(now.timestamp.origin.node_id, now.expires_unix_ms, slot.key),
               "");
  }
}

void Table::Committed() {
  for (Slot& slot : slots_) {
    if (slot.dropped) cache_.Erase(slot.key);
    if (!slot.now) continue;
    const Reach reach = IsWithin(state_->heads, *slot.now) ? Reach::kWithinHeads : Reach::kBeyondHeads;
    cache_.Put(slot.key, {std::move(slot.now->timestamp), slot.part, reach, slot.expires});
  }
  slot_of_.clear();
  slots_.clear();
  changed_ = 0;
}

}  // namespace lamppost::kv
