#include "services/kv/snapshot/snapshot_writer.h"

#include <algorithm>
#include <utility>

#include "services/kv/core/coding.h"

namespace lamppost::kv {

SnapshotWriter::SnapshotWriter(SnapshotHeader header, std::unique_ptr<StoreReader> snapshot)
    : header_(std::move(header)), snapshot_(std::move(snapshot)) {}

absl::StatusOr<std::string> SnapshotWriter::Next(size_t bytes_max) {
  while (given_ == pending_.size() && part_ != Part::kEnded) {
    pending_.clear();
    given_ = 0;
    if (part_ == Part::kBeginning) {
      AppendBeginning();
      part_ = Part::kRecords;
      continue;
    }
    if (cursor_ == nullptr) cursor_ = snapshot_->Scan(Space::kData, "", "");
    if (absl::Status status = AppendBlock(); !status.ok()) return status;
  }
  std::string next = pending_.substr(given_, bytes_max);
  given_ += next.size();
  return next;
}

void SnapshotWriter::AppendBeginning() {
  pending_ = std::string(kSnapshotMagic);
  PutBigEndian64(kSnapshotFormat, &pending_);
  checksum_ = SnapshotChecksum(0, pending_);
  AppendFrame(SnapshotFrame::kHeader, EncodeSnapshotHeader(header_));
}

absl::Status SnapshotWriter::AppendBlock() {
  std::string block;
  for (; cursor_->Valid() && block.size() < kSnapshotBlockBytes; cursor_->Next()) {
    PutString(cursor_->key(), &block);
    PutString(cursor_->value(), &block);
    ++records_;
  }
  if (absl::Status status = cursor_->status(); !status.ok()) return status;
  if (!block.empty()) AppendFrame(SnapshotFrame::kBlock, block);
  if (cursor_->Valid()) return absl::OkStatus();
  AppendFooter();
  part_ = Part::kEnded;
  cursor_.reset();
  snapshot_.reset();  // the store need not keep that moment any longer
  return absl::OkStatus();
}

void SnapshotWriter::AppendFooter() {
  std::string footer;
  PutVarint(records_, &footer);
  const Hash128 hash = header_.state.hash.Total();
  PutBigEndian64(hash.high, &footer);
  PutBigEndian64(hash.low, &footer);
  AppendFrame(SnapshotFrame::kFooter, footer);
}

void SnapshotWriter::AppendFrame(SnapshotFrame kind, absl::string_view payload) {
  const size_t start = pending_.size();
  pending_.push_back(static_cast<char>(kind));
  PutBigEndian64(payload.size(), &pending_);
  pending_.append(payload.data(), payload.size());
  checksum_ = SnapshotChecksum(checksum_, absl::string_view(pending_).substr(start));
  PutBigEndian64(checksum_, &pending_);
}

}  // namespace lamppost::kv
