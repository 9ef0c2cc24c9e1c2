#include "services/kv/storage/group_commit.h"

#include "services/common/mutation.h"

namespace lamppost::kv {

Durability GroupCommit::DurabilityFor(const Output& output) const {
  if (LAMPPOST_MUTATION(kUrgencyIgnored)) return durability_;
  return output.urgency == Urgency::kMustBeStable ? Durability::kSync : durability_;
}

absl::Status GroupCommit::Store(const WriteBatch& batch, Durability durability) {
  if (LAMPPOST_MUTATION(kSeenBeforeDurable)) {
    WriteBatch state;
    for (const WriteBatch::Operation& operation : batch.operations()) {
      if (operation.space == Space::kMeta) state.Put(operation.space, operation.key, *operation.value);
    }
    if (absl::Status status = storage_->Commit(state, Durability::kSync); !status.ok()) return status;
    durability = Durability::kInterval;
  }
  if (LAMPPOST_MUTATION(kAckBeforeFsync)) durability = Durability::kInterval;
  return storage_->Commit(batch, durability);
}

absl::Status GroupCommit::Commit(const Output& output) {
  const Durability durability = DurabilityFor(output);
  if (!output.batch.empty()) {
    const absl::Status status = Store(output.batch, durability);
    if (!status.ok() && !LAMPPOST_MUTATION(kIgnoreFailedCommit)) return status;
  }
  replica_->Committed();
  committed_heads_ = replica_->heads();
  // A synchronous commit takes everything before it to stable storage, too.
  if (durability == Durability::kSync) replica_->Flushed(committed_heads_);
  return absl::OkStatus();
}

}  // namespace lamppost::kv
