// A thread that takes operations in the order in which they were submitted, as many at a time as have
// gathered, and hands out their answers.
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_GROUP_WORKER_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_GROUP_WORKER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "services/rpc/core/request_store.h"

namespace lamppost::rpc {

class GroupWorker {
 public:
  // Carries out a group and answers each of its operations. Called on the worker's thread.
  using GroupFn = std::function<std::vector<StoreAnswer>(const std::vector<NumberedOperation>&)>;

  static constexpr size_t kGroupOperationsMax = 4096;
  static constexpr size_t kGroupBytesMax = size_t{4} << 20;  // of values; a group has one operation at least

  GroupWorker() = default;
  ~GroupWorker() { Stop(); }
  GroupWorker(const GroupWorker&) = delete;
  GroupWorker& operator=(const GroupWorker&) = delete;

  // Once.
  void Start(GroupFn group, RequestStore::AnswerFn on_answers);
  // Finishes what has been submitted and ends the thread. Not to be called on it.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);
  // Thread-safe; does not block. Nothing is submitted before Start or after Stop.
  void Submit(std::vector<NumberedOperation> operations) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run();
  // Waits for operations; none: the end.
  std::vector<NumberedOperation> NextGroup() ABSL_LOCKS_EXCLUDED(mutex_);

  GroupFn group_;
  RequestStore::AnswerFn on_answers_;
  absl::Mutex mutex_;
  std::deque<NumberedOperation> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_GROUP_WORKER_H_
