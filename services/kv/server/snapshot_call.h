// AdminService.Snapshot: sends a snapshot file while reads and writes go on.
//
// The snapshot is taken on the driver's thread between two groups, when the store holds exactly what the
// replica's state says. From there on gRPC's threads read it, a message at a time, each when the one before
// has been taken off this node's hands: whoever reads slowly costs no memory.
#ifndef LAMPPOST_SERVICES_KV_SERVER_SNAPSHOT_CALL_H_
#define LAMPPOST_SERVICES_KV_SERVER_SNAPSHOT_CALL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/grpcpp.h"
#include "services/kv/server/shell.h"
#include "services/kv/storage/storage.h"

namespace lamppost::kv {

class SnapshotStream;

struct SnapshotCallsOptions {
  std::string cluster;
  std::function<uint64_t()> estimate_bytes;  // of a snapshot; thread-safe
  size_t calls_max = 4;                      // at a time; more: RESOURCE_EXHAUSTED (TOO_MANY_SNAPSHOTS)
  // Who takes nothing for so long, or is so far behind the lowest rate, gets nothing more: what the store
  // keeps for him takes room on the disk. He is told so if he takes his next message within the same time
  // again; else the call is broken off.
  uint64_t stall_ms_max = 60'000;
  uint64_t bytes_per_second_min = uint64_t{64} << 10;
  size_t message_bytes_max = size_t{256} << 10;
};

// Thread-safe.
class SnapshotCalls {
 public:
  // Both must outlive this.
  SnapshotCalls(SnapshotCallsOptions options, Shell* shell, Storage* storage)
      : options_(std::move(options)), shell_(shell), storage_(storage) {}
  // All calls must have ended; see AwaitEnd.
  ~SnapshotCalls() = default;
  SnapshotCalls(const SnapshotCalls&) = delete;
  SnapshotCalls& operator=(const SnapshotCalls&) = delete;

  grpc::ServerWriteReactor<grpc::ByteBuffer>* Start(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request);

  // Gives up those who have stalled. To be called now and then; never waits.
  void Poll(uint64_t now_ms);
  // Takes no further calls, and ends each with its next message.
  void Drain();
  // Returns when no call is left, and so none of their snapshots of the store. After the server has ended.
  void AwaitEnd();

 private:
  friend class SnapshotStream;
  void Remove(SnapshotStream* stream);
  bool IsDraining() const;

  const SnapshotCallsOptions options_;
  Shell* const shell_;
  Storage* const storage_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_set<SnapshotStream*> streams_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_SNAPSHOT_CALL_H_
