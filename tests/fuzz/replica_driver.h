// One replica on a store in memory, driven as the server's driver does it, and judged after each group.
#ifndef LAMPPOST_TESTS_FUZZ_REPLICA_DRIVER_H_
#define LAMPPOST_TESTS_FUZZ_REPLICA_DRIVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "services/kv/core/replica.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::fuzz {

// Not thread-safe.
class ReplicaDriver {
 public:
  // Node B of cluster "c", without peers, or with the members at the addresses "a" and "c".
  static kv::ReplicaOptions Alone();
  static kv::ReplicaOptions WithPeers();

  // On an empty store. The replica's life is decided once it is alone or its peers have answered.
  explicit ReplicaDriver(const kv::ReplicaOptions& options);
  // On what is in the store; replica() is null and status() says why if it cannot be opened. What it says is
  // not judged then: there may be keys in the store that nobody can be sent.
  ReplicaDriver(const kv::ReplicaOptions& options, std::unique_ptr<kv::MemoryStorage> storage);

  const absl::Status& status() const { return status_; }
  kv::Replica* replica() const { return replica_.get(); }
  const kv::MemoryStorage* store() const { return storage_.get(); }

  // Time passes; what is due is done in a group of its own.
  void Advance(uint64_t duration_ms);
  // One group with these inputs. What is to be sent is checked. After a failed commit status() is not
  // OK, the output empty and the replica gone, as the process would be.
  kv::Output Group(absl::FunctionRef<void(kv::Replica*)> inputs);
  // As the server does it before it hands a message in. False: refused, the clock has not moved.
  bool Observe(uint64_t counter);

 private:
  void Check(const kv::Output& output) const;

  const std::unique_ptr<kv::MemoryStorage> storage_;
  absl::Status status_;
  std::unique_ptr<kv::Replica> replica_;
  bool store_is_sound_ = false;
  uint64_t now_ms_ = 1000;
};

}  // namespace lamppost::fuzz

#endif  // LAMPPOST_TESTS_FUZZ_REPLICA_DRIVER_H_
