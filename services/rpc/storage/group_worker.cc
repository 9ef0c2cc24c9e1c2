#include "services/rpc/storage/group_worker.h"

#include <utility>
#include <variant>

namespace lamppost::rpc {
namespace {

size_t ValueBytes(const StoreOperation& operation) {
  if (const auto* create = std::get_if<CreateRecord>(&operation)) return create->value.size();
  if (const auto* replace = std::get_if<ReplaceRecord>(&operation)) return replace->value.size();
  return 0;
}

}  // namespace

void GroupWorker::Start(GroupFn group, RequestStore::AnswerFn on_answers) {
  group_ = std::move(group);
  on_answers_ = std::move(on_answers);
  thread_ = std::thread([this] { Run(); });
}

void GroupWorker::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void GroupWorker::Submit(std::vector<NumberedOperation> operations) {
  absl::MutexLock lock(&mutex_);
  for (NumberedOperation& operation : operations) queue_.push_back(std::move(operation));
}

void GroupWorker::Run() {
  while (true) {
    const std::vector<NumberedOperation> group = NextGroup();
    if (group.empty()) return;
    on_answers_(group_(group));
  }
}

std::vector<NumberedOperation> GroupWorker::NextGroup() {
  const auto wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || !queue_.empty(); };
  absl::MutexLock lock(&mutex_, absl::Condition(&wanted));
  std::vector<NumberedOperation> group;
  size_t bytes = 0;
  while (!queue_.empty() && group.size() < kGroupOperationsMax && bytes < kGroupBytesMax) {
    bytes += ValueBytes(queue_.front().operation);
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

}  // namespace lamppost::rpc
