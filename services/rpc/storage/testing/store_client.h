// A request store that tests call and wait for, one operation at a time or many.
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_TESTING_STORE_CLIENT_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_TESTING_STORE_CLIENT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "services/rpc/core/request_store.h"

namespace lamppost::rpc {

// Thread-safe, but for Start, Stop and Crash.
class StoreClient {
 public:
  explicit StoreClient(std::unique_ptr<RequestStore> store) : store_(std::move(store)) {}
  ~StoreClient() { Crash(); }
  StoreClient(const StoreClient&) = delete;
  StoreClient& operator=(const StoreClient&) = delete;

  absl::Status Start();
  void Stop() { store_->Stop(); }
  // The store goes without Stop.
  void Crash() { store_.reset(); }
  RequestStore& store() { return *store_; }

  // Submits; the numbers are returned in the order of the operations.
  std::vector<uint64_t> Submit(std::vector<StoreOperation> operations);
  // Waits for the answer to a number and takes it. A missing one is a test failure.
  StoreAnswer Await(uint64_t number);
  StoreAnswer Do(StoreOperation operation);

  // Answers that came for no operation, or for one that had its answer already.
  int strays() const;
  // Submitted and not answered.
  size_t unanswered() const;

 private:
  void Take(std::vector<StoreAnswer> answers);

  std::unique_ptr<RequestStore> store_;
  mutable absl::Mutex mutex_;
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, bool> is_answered_ ABSL_GUARDED_BY(mutex_);  // by number
  std::map<uint64_t, StoreAnswer> answers_ ABSL_GUARDED_BY(mutex_);
  int strays_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_TESTING_STORE_CLIENT_H_
