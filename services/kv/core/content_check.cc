#include "services/kv/core/content_check.h"

#include <utility>

#include "services/kv/core/record.h"

namespace lamppost::kv {

ContentCheck::ContentCheck(std::unique_ptr<StoreReader> snapshot, ContentHash expected)
    : snapshot_(std::move(snapshot)), expected_(std::move(expected)) {}

absl::StatusOr<size_t> ContentCheck::Next(size_t bytes_max) {
  if (cursor_ == nullptr) cursor_ = snapshot_->Scan(Space::kData, "", "");
  size_t bytes = 0;
  for (; cursor_->Valid() && bytes < bytes_max; cursor_->Next()) {
    const absl::StatusOr<Version> version = DecodeVersion(cursor_->value());
    if (!version.ok()) return version.status();
    if (const auto part = ContentHash::PartOf(cursor_->key(), *version)) found_.Add(cursor_->key(), *part);
    bytes += cursor_->key().size() + cursor_->value().size();
    ++versions_;
  }
  if (absl::Status status = cursor_->status(); !status.ok()) return status;
  return bytes;
}

std::vector<int> ContentCheck::WrongBuckets() const {
  std::vector<int> wrong;
  for (int i = 0; i < ContentHash::kBuckets; ++i) {
    if (found_.buckets()[i] != expected_.buckets()[i]) wrong.push_back(i);
  }
  return wrong;
}

}  // namespace lamppost::kv
