#include "services/rpc/storage/local_request_store.h"

#include <utility>

#include "services/common/error.h"
#include "services/rpc/storage/owner_name.h"

namespace lamppost::rpc {
namespace {

// In an answer UNAVAILABLE says that it may pass. No error of a local storage does.
absl::Status Final(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kUnavailable) return status;
  return MakeError(absl::StatusCode::kInternal, ErrorReason(status), status.message());
}

}  // namespace

LocalRequestStore::~LocalRequestStore() {
  Stop();
}

absl::Status LocalRequestStore::Start(AnswerFn on_answers) {
  absl::StatusOr<std::unique_ptr<kv::Storage>> storage = open_();
  if (!storage.ok()) return storage.status();
  storage_ = *std::move(storage);
  owner_ = MakeOwnerName();
  records_ = std::make_unique<StagedRecords>(storage_.get(), owner_);
  if (absl::Status status = records_->Load(); !status.ok()) {
    records_.reset();
    storage_.reset();
    return status;
  }
  clock_start_ = records_->clock_limit();
  const auto run = [this](const std::vector<NumberedOperation>& group) { return RunGroup(group); };
  worker_.Start(run, std::move(on_answers));
  return absl::OkStatus();
}

void LocalRequestStore::Stop() {
  worker_.Stop();
  records_.reset();
  storage_.reset();
}

void LocalRequestStore::Submit(std::vector<NumberedOperation> operations) {
  worker_.Submit(std::move(operations));
}

std::vector<StoreAnswer> LocalRequestStore::RunGroup(const std::vector<NumberedOperation>& group) {
  std::vector<StoreAnswer> answers;
  answers.reserve(group.size());
  if (failure_.ok()) {
    for (const NumberedOperation& operation : group) {
      answers.push_back(records_->Apply(operation));
      answers.back().status = Final(answers.back().status);
    }
    failure_ = Final(records_->Commit());
    if (failure_.ok()) return answers;
  }
  // The answers that were made hold what may never have come to be.
  answers.clear();
  for (const NumberedOperation& operation : group) {
    answers.emplace_back();
    answers.back().number = operation.number;
    answers.back().status = failure_;
  }
  return answers;
}

}  // namespace lamppost::rpc
