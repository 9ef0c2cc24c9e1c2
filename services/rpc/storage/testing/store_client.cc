#include "services/rpc/storage/testing/store_client.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace lamppost::rpc {
namespace {

constexpr absl::Duration kAnswerLimit = absl::Seconds(30);

}  // namespace

absl::Status StoreClient::Start() {
  return store_->Start([this](std::vector<StoreAnswer> answers) { Take(std::move(answers)); });
}

std::vector<uint64_t> StoreClient::Submit(std::vector<StoreOperation> operations) {
  std::vector<uint64_t> numbers;
  std::vector<NumberedOperation> numbered;
  {
    absl::MutexLock lock(&mutex_);
    for (StoreOperation& operation : operations) {
      numbers.push_back(next_number_++);
      is_answered_[numbers.back()] = false;
      numbered.push_back({numbers.back(), std::move(operation)});
    }
  }
  store_->Submit(std::move(numbered));
  return numbers;
}

StoreAnswer StoreClient::Await(uint64_t number) {
  absl::MutexLock lock(&mutex_);
  const auto is_there = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return answers_.count(number) != 0; };
  if (!mutex_.AwaitWithTimeout(absl::Condition(&is_there), kAnswerLimit)) {
    ADD_FAILURE() << "operation " << number << " is not answered";
    StoreAnswer none;
    none.status = absl::DeadlineExceededError("no answer");
    return none;
  }
  StoreAnswer answer = std::move(answers_[number]);
  answers_.erase(number);
  return answer;
}

StoreAnswer StoreClient::Do(StoreOperation operation) {
  return Await(Submit({std::move(operation)}).front());
}

int StoreClient::strays() const {
  absl::MutexLock lock(&mutex_);
  return strays_;
}

size_t StoreClient::unanswered() const {
  absl::MutexLock lock(&mutex_);
  return static_cast<size_t>(std::count_if(is_answered_.begin(), is_answered_.end(),
                                           [](const auto& operation) { return !operation.second; }));
}

void StoreClient::Take(std::vector<StoreAnswer> answers) {
  absl::MutexLock lock(&mutex_);
  for (StoreAnswer& answer : answers) {
    const auto operation = is_answered_.find(answer.number);
    if (operation == is_answered_.end() || operation->second) {
      ++strays_;
      continue;
    }
    operation->second = true;
    answers_[answer.number] = std::move(answer);
  }
}

}  // namespace lamppost::rpc
