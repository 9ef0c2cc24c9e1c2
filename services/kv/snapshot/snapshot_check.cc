#include "services/kv/snapshot/snapshot_check.h"

#include <utility>

namespace lamppost::kv {
namespace {

constexpr size_t kPendingBytesMax = size_t{1} << 20;

}  // namespace

absl::Status SnapshotCheck::Begin(const SnapshotHeader& header) {
  header_ = std::make_unique<SnapshotHeader>(header);
  restoration_ = std::make_unique<Restoration>(Identity{header.node_id, header.cluster}, header.state);
  return absl::OkStatus();
}

absl::Status SnapshotCheck::Add(const std::string& key, Version version) {
  if (absl::Status status = restoration_->Add(key, std::move(version)); !status.ok()) return status;
  if (restoration_->pending_bytes() >= kPendingBytesMax) restoration_->TakeBatch();
  return absl::OkStatus();
}

absl::Status SnapshotCheck::Finish() {
  if (absl::Status status = reader_.Finish(); !status.ok()) return status;
  return restoration_->Finish().status();
}

}  // namespace lamppost::kv
