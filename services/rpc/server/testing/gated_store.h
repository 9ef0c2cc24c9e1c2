// For tests: a request store in memory that can be held up, and made to fail.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_TESTING_GATED_STORE_H_
#define LAMPPOST_SERVICES_RPC_SERVER_TESTING_GATED_STORE_H_

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "services/rpc/core/request_store.h"
#include "services/rpc/storage/memory_request_store.h"

namespace lamppost::rpc::testing {

class GatedStore : public RequestStore {
 public:
  explicit GatedStore(std::shared_ptr<MemoryRecords> records = std::make_shared<MemoryRecords>())
      : records_(records), inner_(std::move(records)) {}

  absl::Status Start(AnswerFn on_answers) override {
    on_answers_ = on_answers;
    return inner_.Start(std::move(on_answers));
  }
  void Stop() override { inner_.Stop(); }

  void Submit(std::vector<NumberedOperation> operations) override {
    std::vector<StoreAnswer> failed;
    {
      absl::MutexLock lock(&mutex_);
      for (const NumberedOperation& each : operations) {
        if (std::holds_alternative<CreateRecord>(each.operation)) ++created_;
        if (!failure_.ok()) {
          failed.emplace_back();
          failed.back().number = each.number;
          failed.back().status = failure_;
        } else if (holding_) {
          held_.push_back(each);
        }
      }
      if (holding_ && failed.empty()) return;
    }
    if (!failed.empty()) return on_answers_(std::move(failed));
    inner_.Submit(std::move(operations));
  }

  std::string owner() const override { return inner_.owner(); }
  uint64_t clock_start() const override { return inner_.clock_start(); }

  // What is submitted from here on is not even begun.
  void Hold() {
    absl::MutexLock lock(&mutex_);
    holding_ = true;
  }
  void Release() {
    std::vector<NumberedOperation> held;
    {
      absl::MutexLock lock(&mutex_);
      holding_ = false;
      held.swap(held_);
    }
    inner_.Submit(std::move(held));
  }
  // What is submitted from here on fails, and does not take place; OK: no more.
  void FailWith(absl::Status failure) {
    absl::MutexLock lock(&mutex_);
    failure_ = std::move(failure);
  }

  int created() {
    absl::MutexLock lock(&mutex_);
    return created_;
  }
  RecordTable Snapshot() const { return records_->Snapshot(); }

 private:
  const std::shared_ptr<MemoryRecords> records_;
  MemoryRequestStore inner_;
  AnswerFn on_answers_;
  absl::Mutex mutex_;
  bool holding_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  std::vector<NumberedOperation> held_ ABSL_GUARDED_BY(mutex_);
  int created_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace lamppost::rpc::testing

#endif  // LAMPPOST_SERVICES_RPC_SERVER_TESTING_GATED_STORE_H_
