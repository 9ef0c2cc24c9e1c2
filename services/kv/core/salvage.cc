#include "services/kv/core/salvage.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "services/kv/core/limits.h"

namespace lamppost::kv {
namespace {

constexpr size_t kOperationsPerBatch = 1000;
constexpr size_t kBytesPerBatch = size_t{4} << 20;

bool IsFull(const WriteBatch& batch) {
  return batch.operations().size() >= kOperationsPerBatch || batch.bytes() >= kBytesPerBatch;
}

}  // namespace

void Salvage::NextStep() {
  step_ = static_cast<Step>(static_cast<int>(step_) + 1);
  position_.clear();
}

absl::StatusOr<bool> Salvage::Next(WriteBatch* batch) {
  while (batch->empty() && step_ != Step::kDone) {
    absl::Status status;
    switch (step_) {
      case Step::kBegin:
        status = Begin(batch);
        break;
      case Step::kIndex:
        status = Clear(Space::kIndex, batch);
        break;
      case Step::kTombstones:
        status = Clear(Space::kTombstones, batch);
        break;
      case Step::kExpiries:
        status = Clear(Space::kExpiries, batch);
        break;
      case Step::kRequests:
        // What came of a request may be lost: its retry has to write again.
        status = Clear(Space::kRequests, batch);
        break;
      case Step::kVersions:
        status = Rebuild(batch);
        break;
      case Step::kEnd:
        batch->Put(Space::kMeta, std::string(kStateKey), EncodeState(state_));
        batch->Remove(Space::kMeta, std::string(kSalvageKey));
        NextStep();
        break;
      case Step::kDone:
        break;
    }
    if (!status.ok()) return status;
  }
  return !batch->empty();
}

// What the state says of itself stays: which counters are used up, what was forgotten, whether the node was
// removed. If it is gone, the versions tell the least that they must have been.
absl::Status Salvage::Begin(WriteBatch* batch) {
  const absl::StatusOr<std::optional<std::string>> identity_bytes = store_->Get(Space::kMeta, kIdentityKey);
  if (!identity_bytes.ok()) return identity_bytes.status();
  const absl::StatusOr<Identity> identity = DecodeIdentity(identity_bytes->value_or(""));
  if (!identity.ok()) return identity.status();
  node_id_ = identity->node_id;
  const absl::StatusOr<std::optional<std::string>> state_bytes = store_->Get(Space::kMeta, kStateKey);
  if (state_bytes.ok() && *state_bytes) {
    if (absl::StatusOr<State> state = DecodeState(**state_bytes); state.ok()) state_ = *std::move(state);
  }
  state_.heads = Heads();
  state_.keys = state_.tombstones = 0;
  state_.hash = ContentHash();
  state_.refilling = true;
  batch->Put(Space::kMeta, std::string(kFormatKey), std::to_string(kFormatVersion));
  batch->Put(Space::kMeta, std::string(kSalvageKey), "");
  NextStep();
  return absl::OkStatus();
}

// From the beginning each time, until nothing is left: what a lost file had removed may come to light when
// what covered it is removed.
absl::Status Salvage::Clear(Space space, WriteBatch* batch) {
  const std::unique_ptr<Cursor> cursor = store_->Scan(space, "", "");
  for (; cursor->Valid() && !IsFull(*batch); cursor->Next()) batch->Remove(space, std::string(cursor->key()));
  if (batch->empty() && cursor->status().ok()) NextStep();
  return cursor->status();
}

absl::Status Salvage::Rebuild(WriteBatch* batch) {
  const std::unique_ptr<Cursor> cursor = store_->Scan(Space::kData, position_, "");
  for (; cursor->Valid() && !IsFull(*batch); cursor->Next()) {
    const std::string key(cursor->key());
    position_ = key + '\0';
    const absl::StatusOr<Version> version = DecodeVersion(cursor->value());
    if (version.ok() && CheckStoredKey(key).ok()) {
      Count(key, *version, batch);
    } else {
      batch->Remove(Space::kData, key);
      ++removed_;
    }
  }
  if (!cursor->Valid() && cursor->status().ok()) NextStep();
  return cursor->status();
}

void Salvage::Count(const std::string& key, const Version& version, WriteBatch* batch) {
  const Timestamp& timestamp = version.timestamp;
  batch->Put(Space::kIndex, EncodeIndexKey(timestamp, key), "");
  if (version.IsTombstone()) batch->Put(Space::kTombstones, EncodeTombstoneKey(timestamp.counter, key), "");
  if (version.expires_unix_ms != 0) {
    batch->Put(Space::kExpiries, EncodeExpiryKey(timestamp.origin.node_id, version.expires_unix_ms, key), "");
  }
  if (!IsSystemKey(key)) ++(version.IsTombstone() ? state_.tombstones : state_.keys);
  if (const auto part = ContentHash::PartOf(key, version)) state_.hash.Add(key, *part);
  state_.max_write = std::max(state_.max_write, timestamp.counter);
  state_.clock_limit = std::max(state_.clock_limit, timestamp.counter);
  if (timestamp.origin.node_id != node_id_) return;
  state_.incarnation = std::max(state_.incarnation, timestamp.origin.incarnation);
  if (state_.birth == 0 || timestamp.origin.incarnation < state_.birth)
    state_.birth = timestamp.origin.incarnation;
}

}  // namespace lamppost::kv
