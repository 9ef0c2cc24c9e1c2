#include "services/rpc/storage/memory_request_store.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace lamppost::rpc {

std::vector<StoreAnswer> MemoryRecords::Apply(const std::vector<NumberedOperation>& operations) {
  absl::MutexLock lock(&mutex_);
  std::vector<StoreAnswer> answers;
  answers.reserve(operations.size());
  for (const NumberedOperation& operation : operations) answers.push_back(table_.Apply(operation));
  return answers;
}

std::string MemoryRecords::AddOwner() {
  absl::MutexLock lock(&mutex_);
  std::string owner = absl::StrCat("memory-", ++lives_);
  table_.AddOwner(owner);
  return owner;
}

void MemoryRecords::RemoveOwner(const std::string& owner) {
  absl::MutexLock lock(&mutex_);
  table_.RemoveOwner(owner);
}

RecordTable MemoryRecords::Snapshot() const {
  absl::MutexLock lock(&mutex_);
  return table_;
}

MemoryRequestStore::~MemoryRequestStore() {
  Stop();
}

absl::Status MemoryRequestStore::Start(AnswerFn on_answers) {
  owner_ = records_->AddOwner();
  clock_start_ = records_->Snapshot().clock_limit();
  const auto apply = [this](const std::vector<NumberedOperation>& group) { return records_->Apply(group); };
  worker_.Start(apply, std::move(on_answers));
  return absl::OkStatus();
}

void MemoryRequestStore::Stop() {
  worker_.Stop();
  records_->RemoveOwner(owner_);
}

void MemoryRequestStore::Submit(std::vector<NumberedOperation> operations) {
  worker_.Submit(std::move(operations));
}

}  // namespace lamppost::rpc
