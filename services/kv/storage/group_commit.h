// The order in which a group takes effect: first its batch is made durable, then the replica is told,
// and only then may anything be sent or replied. The driver and the simulator both go through here.
//
//   Output output = replica.TakeOutput();
//   commit.Commit(output);                // an error: the process has to start again
//   send output.messages and output.answers, give output.replies
//
// Single-threaded: all of it on the thread that owns the replica. No clock, no thread, no lock.
#ifndef LAMPPOST_SERVICES_KV_STORAGE_GROUP_COMMIT_H_
#define LAMPPOST_SERVICES_KV_STORAGE_GROUP_COMMIT_H_

#include "absl/status/status.h"
#include "services/kv/core/heads.h"
#include "services/kv/core/replica.h"
#include "services/kv/storage/storage.h"

namespace lamppost::kv {

class GroupCommit {
 public:
  // Both must outlive this.
  GroupCommit(Replica* replica, Storage* storage, Durability durability)
      : replica_(replica), storage_(storage), durability_(durability) {}

  // Makes the output's batch as durable as its urgency and the configured mode ask for, then tells the
  // replica. An error is the storage's: the replica has not been told, nothing of the output may leave,
  // and neither the replica nor the storage may be used any more.
  absl::Status Commit(const Output& output);

  // With Durability::kInterval somebody flushes the storage now and then: what a flush that starts now
  // will put on stable storage, to be handed to Flushed once it has ended well.
  const Heads& committed_heads() const { return committed_heads_; }
  void Flushed(const Heads& heads) { replica_->Flushed(heads); }

 private:
  Durability DurabilityFor(const Output& output) const;
  absl::Status Store(const WriteBatch& batch, Durability durability);

  Replica* const replica_;
  Storage* const storage_;
  const Durability durability_;
  Heads committed_heads_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_STORAGE_GROUP_COMMIT_H_
