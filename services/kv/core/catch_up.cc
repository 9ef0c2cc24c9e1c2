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

CatchUp::CatchUp(std::unique_ptr<StoreReader> snapshot, Heads from, Heads to, CatchUpOptions options)
    : snapshot_(std::move(snapshot)),
      from_(std::move(from)),
      to_(std::move(to)),
      options_(std::move(options)) {}

absl::Status CatchUp::OpenLanes() {
  opened_ = true;
  if (options_.only) return OpenLane(*options_.only);
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
  const bool within_to =
      options_.uncovered == CatchUpOptions::Uncovered::kLeftOut && !LAMPPOST_MUTATION(kWatchUncovered);
  const std::string end = within_to ? IndexStart(origin, to_.At(origin) + 1) : IndexEnd(origin);
  const std::string start = IndexStart(origin, from_.At(origin) + 1);
  if (start >= end) return absl::OkStatus();
  Lane lane;
  lane.cursor = snapshot_->Scan(Space::kIndex, start, end);
  if (!lane.cursor->Valid()) return lane.cursor->status();
  absl::StatusOr<IndexKey> head = DecodeIndexKey(lane.cursor->key());
  if (!head.ok()) return head.status();
  lane.head = *std::move(head);
  lanes_.push_back(std::move(lane));
  return absl::OkStatus();
}

absl::Status CatchUp::Advance(size_t index, Chunk* chunk) {
  Lane& lane = lanes_[index];
  lane.visited = lane.head.timestamp.counter;
  lane.cursor->Next();
  if (!lane.cursor->Valid()) {
    chunk->visited.Raise(lane.head.timestamp.origin, lane.visited);
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

bool CatchUp::Wants(const IndexKey& index) const {
  if (LAMPPOST_MUTATION(kCatchUpWithinTo) && !to_.Covers(index.timestamp)) return false;
  return !options_.wants || options_.wants(index.key);
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
  return Advance(lane, chunk);
}

absl::StatusOr<CatchUp::Chunk> CatchUp::Next(uint64_t bytes_max) {
  if (!opened_) {
    if (absl::Status status = OpenLanes(); !status.ok()) return status;
  }
  Chunk chunk;
  chunk.from = from_;
  size_t visits = 0;
  while (!lanes_.empty()) {
    const size_t lane = Lowest();
    const uint64_t counter = lanes_[lane].head.timestamp.counter;
    const bool may_break = counter != chunk.progress || LAMPPOST_MUTATION(kBatchTorn);
    const bool full = chunk.bytes >= bytes_max || chunk.entries.size() >= options_.entries_max ||
                      visits >= options_.visits_max;
    if (may_break && full) break;
    chunk.progress = counter;
    ++visits;
    const absl::Status status = Wants(lanes_[lane].head) ? Take(lane, &chunk) : Advance(lane, &chunk);
    if (!status.ok()) return status;
  }
  for (const Lane& lane : lanes_) {
    if (lane.visited > 0) chunk.visited.Raise(lane.head.timestamp.origin, lane.visited);
  }
  chunk.last = lanes_.empty();
  if (chunk.last) chunk.progress = std::max(chunk.progress, to_.Max());
  from_.RaiseAll(Reached(to_, chunk.progress));
  return chunk;
}

}  // namespace lamppost::kv
