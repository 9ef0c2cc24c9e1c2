#include "services/kv/core/catch_up.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/mutation.h"

namespace lamppost::kv {

Heads Reached(const Heads& to, uint64_t progress) {
  Heads reached;
  for (const auto& [origin, counter] : to) reached.Raise(origin, std::min(counter, progress));
  return reached;
}

CatchUp::CatchUp(std::unique_ptr<StoreReader> snapshot, Heads from, Heads to, std::optional<Origin> only)
    : snapshot_(std::move(snapshot)), from_(std::move(from)), to_(std::move(to)), only_(std::move(only)) {}

absl::Status CatchUp::OpenLanes() {
  opened_ = true;
  if (only_) return OpenLane(*only_);
  // All origins in the index, not only those in `to`: an entry of a Sync that is still coming in may
  // already have replaced one that `to` covers.
  std::string position;
  while (true) {
    const std::unique_ptr<Cursor> cursor = snapshot_->Scan(Space::kIndex, position, "");
    if (!cursor->Valid()) return cursor->status();
    absl::StatusOr<IndexKey> first = DecodeIndexKey(cursor->key());
    if (!first.ok()) return first.status();
    if (absl::Status status = OpenLane(first->timestamp.origin); !status.ok()) return status;
    position = IndexEnd(first->timestamp.origin);
  }
}

absl::Status CatchUp::OpenLane(const Origin& origin) {
  Lane lane;
  lane.cursor = snapshot_->Scan(Space::kIndex, IndexStart(origin, from_.At(origin) + 1), IndexEnd(origin));
  if (!lane.cursor->Valid()) return lane.cursor->status();
  absl::StatusOr<IndexKey> head = DecodeIndexKey(lane.cursor->key());
  if (!head.ok()) return head.status();
  lane.head = *std::move(head);
  lanes_.push_back(std::move(lane));
  return absl::OkStatus();
}

absl::Status CatchUp::Advance(size_t index) {
  Lane& lane = lanes_[index];
  lane.cursor->Next();
  if (!lane.cursor->Valid()) {
    absl::Status status = lane.cursor->status();
    lanes_.erase(lanes_.begin() + static_cast<std::ptrdiff_t>(index));
    return status;
  }
  absl::StatusOr<IndexKey> head = DecodeIndexKey(lane.cursor->key());
  if (!head.ok()) return head.status();
  lane.head = *std::move(head);
  return absl::OkStatus();
}

size_t CatchUp::Lowest() const {
  size_t lowest = 0;
  for (size_t i = 1; i < lanes_.size(); ++i) {
    // Lanes are in the order of their origins, and each lane in the order of its counters and keys.
    if (lanes_[i].head.timestamp.counter < lanes_[lowest].head.timestamp.counter) lowest = i;
  }
  return lowest;
}

absl::Status CatchUp::Take(size_t lane, Chunk* chunk) {
  const IndexKey& index = lanes_[lane].head;
  absl::StatusOr<std::optional<std::string>> bytes = snapshot_->Get(Space::kData, index.key);
  if (!bytes.ok()) return bytes.status();
  if (!*bytes) {
    return MakeError(
        absl::StatusCode::kDataLoss, "DATA_CORRUPT",
        absl::StrCat("the index names a version at ", ToString(index.timestamp), " that is gone"));
  }
  absl::StatusOr<Version> version = DecodeVersion(**bytes);
  if (!version.ok()) return version.status();
  chunk->bytes += index.key.size() + (*bytes)->size();
  chunk->entries.push_back({index.key, *std::move(version)});
  return Advance(lane);
}

absl::StatusOr<CatchUp::Chunk> CatchUp::Next(uint64_t bytes_max) {
  if (!opened_) {
    if (absl::Status status = OpenLanes(); !status.ok()) return status;
  }
  Chunk chunk;
  chunk.from = from_;
  while (!lanes_.empty()) {
    const size_t lane = Lowest();
    const uint64_t counter = lanes_[lane].head.timestamp.counter;
    const bool may_break = counter != chunk.progress || LAMPPOST_MUTATION(kBatchTorn);
    if (may_break && chunk.bytes >= bytes_max) break;
    chunk.progress = counter;
    if (LAMPPOST_MUTATION(kCatchUpWithinTo) && !to_.Covers(lanes_[lane].head.timestamp)) {
      if (absl::Status status = Advance(lane); !status.ok()) return status;
      continue;
    }
    if (absl::Status status = Take(lane, &chunk); !status.ok()) return status;
  }
  chunk.last = lanes_.empty();
  if (chunk.last) chunk.progress = std::max(chunk.progress, to_.Max());
  from_.RaiseAll(Reached(to_, chunk.progress));
  return chunk;
}

}  // namespace lamppost::kv
