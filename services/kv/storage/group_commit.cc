#include "services/kv/storage/group_commit.h"

namespace lamppost::kv {

Durability GroupCommit::DurabilityFor(const Output& output) const {
  return output.urgency == Urgency::kMustBeStable ? Durability::kSync : durability_;
}

absl::Status GroupCommit::Commit(const Output& output) {
  const Durability durability = DurabilityFor(output);
  if (!output.batch.empty()) {
    if (absl::Status status = storage_->Commit(output.batch, durability); !status.ok()) return status;
  }
  replica_->Committed();
  committed_heads_ = replica_->heads();
  // A synchronous commit takes everything before it to stable storage, too.
  if (durability == Durability::kSync) replica_->Flushed(committed_heads_);
  return absl::OkStatus();
}

}  // namespace lamppost::kv
