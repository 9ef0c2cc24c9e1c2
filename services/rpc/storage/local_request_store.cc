#include "services/rpc/storage/local_request_store.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "services/common/error.h"
#include "services/rpc/storage/owner_name.h"

namespace lamppost::rpc {
namespace {

// In an answer UNAVAILABLE says that it may pass, which no error of a local storage does.
absl::Status NotPassing(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kUnavailable) return status;
  return MakeError(absl::StatusCode::kInternal, ErrorReason(status), status.message());
}

// And DATA_LOSS that it is about one record, where a failed commit is about the store.
absl::Status Final(const absl::Status& status) {
  if (status.ok()) return status;
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
    const absl::Status room = CheckRoom(group);
    for (const NumberedOperation& operation : group) answers.push_back(Apply(operation, room));
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

absl::Status LocalRequestStore::CheckRoom(const std::vector<NumberedOperation>& group) const {
  const bool creates =
      check_room_ && std::any_of(group.begin(), group.end(), [](const NumberedOperation& operation) {
        return std::holds_alternative<CreateRecord>(operation.operation);
      });
  return creates ? check_room_() : absl::OkStatus();
}

StoreAnswer LocalRequestStore::Apply(const NumberedOperation& operation, const absl::Status& room) {
  StoreAnswer answer;
  if (!room.ok() && std::holds_alternative<CreateRecord>(operation.operation)) {
    answer.number = operation.number;
    answer.status = room;
    return answer;
  }
  answer = records_->Apply(operation);
  answer.status = NotPassing(answer.status);
  return answer;
}

}  // namespace lamppost::rpc
