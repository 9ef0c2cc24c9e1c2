// A request store in memory, for tests. What several servers share is a MemoryRecords of which each has its
// own MemoryRequestStore.
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_MEMORY_REQUEST_STORE_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_MEMORY_REQUEST_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "services/rpc/core/request_store.h"
#include "services/rpc/storage/group_worker.h"
#include "services/rpc/storage/record_table.h"

namespace lamppost::rpc {

// Thread-safe.
class MemoryRecords {
 public:
  MemoryRecords() = default;
  MemoryRecords(const MemoryRecords&) = delete;
  MemoryRecords& operator=(const MemoryRecords&) = delete;

  std::vector<StoreAnswer> Apply(const std::vector<NumberedOperation>& operations)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // A name that was never given before; its owner is alive.
  std::string AddOwner() ABSL_LOCKS_EXCLUDED(mutex_);
  void RemoveOwner(const std::string& owner) ABSL_LOCKS_EXCLUDED(mutex_);
  // The table as it is now.
  RecordTable Snapshot() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable absl::Mutex mutex_;
  RecordTable table_ ABSL_GUARDED_BY(mutex_);
  uint64_t lives_ ABSL_GUARDED_BY(mutex_) = 0;
};

class MemoryRequestStore : public RequestStore {
 public:
  explicit MemoryRequestStore(std::shared_ptr<MemoryRecords> records) : records_(std::move(records)) {}
  // Without Stop before: as if the server had crashed.
  ~MemoryRequestStore() override;

  absl::Status Start(AnswerFn on_answers) override;
  void Stop() override;
  void Submit(std::vector<NumberedOperation> operations) override;
  std::string owner() const override { return owner_; }
  uint64_t clock_start() const override { return clock_start_; }

 private:
  const std::shared_ptr<MemoryRecords> records_;
  std::string owner_;
  uint64_t clock_start_ = 0;
  GroupWorker worker_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_MEMORY_REQUEST_STORE_H_
