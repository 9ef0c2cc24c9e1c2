#include "services/kv/core/full_sync.h"

#include <utility>

#include "services/kv/core/record.h"

namespace lamppost::kv {

FullSync::FullSync(std::unique_ptr<StoreReader> snapshot, std::string start, uint64_t buckets)
    : snapshot_(std::move(snapshot)), buckets_(buckets), position_(std::move(start)) {}

absl::StatusOr<FullSync::Chunk> FullSync::Next(uint64_t bytes_max) {
  if (cursor_ == nullptr) cursor_ = snapshot_->Scan(Space::kData, position_, "");
  Chunk chunk;
  chunk.range.start = position_;
  for (size_t looked_at = 0; cursor_->Valid(); cursor_->Next(), ++looked_at) {
    const absl::string_view key = cursor_->key();
    if ((chunk.bytes >= bytes_max && !chunk.entries.empty()) || looked_at == kKeysMax) {
      position_ = std::string(key);
      chunk.range.end = position_;
      return chunk;
    }
    if ((buckets_ >> ContentHash::BucketOf(key) & 1) == 0) continue;
    absl::StatusOr<Version> version = DecodeVersion(cursor_->value());
    if (!version.ok()) return version.status();
    if (const auto part = ContentHash::PartOf(key, *version)) found_.Add(key, *part);
    chunk.bytes += key.size() + cursor_->value().size();
    chunk.entries.push_back({std::string(key), *std::move(version)});
  }
  if (!cursor_->status().ok()) return cursor_->status();
  chunk.last = true;
  return chunk;
}

}  // namespace lamppost::kv
