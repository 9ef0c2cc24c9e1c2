#include "tests/integration/rpc/testing/counter_load.h"

#include <algorithm>
#include <iostream>
#include <map>

#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "services/common/listen_address.h"
#include "tests/integration/testing/process.h"

namespace lamppost::testing {
namespace {

using client::CallOutcome;

client::FunctionClientOptions ClientOptions(const std::string& servers) {
  client::FunctionClientOptions options;
  options.servers = ParseAddresses(servers).value();
  options.timeout_ms = 60'000;
  options.retry.attempt_timeout_ms = 1'000;
  options.retry.backoff_max_ms = 200;
  // The servers are killed all the time; that is no reason to give up here.
  options.retry.budget_tokens_max = 1e9;
  return options;
}

}  // namespace

CounterLoad::CounterLoad(const CounterLoadOptions& options)
    : options_(options), client_(ClientOptions(options.servers)) {
  for (int i = 0; i < options.threads; ++i) threads_.emplace_back([this] { Run(); });
}

void CounterLoad::Run() {
  while (begun_++ < options_.calls) {
    const client::FunctionCallResult result = client_.Call("counter", {{"name", options_.counter}});
    if (result.replayed) ++replayed_;
    if (result.attempts > 1) ++repeated_;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      outcomes_[result.request_id] = result.outcome;
      if (!result.ok()) last_error_ = result.status.ToString() + " " + result.answer.ShortDebugString();
    }
    ++done_;
  }
}

void CounterLoad::Finish() {
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

int CounterLoad::CountOf(CallOutcome outcome) const {
  return static_cast<int>(std::count_if(outcomes_.begin(), outcomes_.end(),
                                        [&](const auto& entry) { return entry.second == outcome; }));
}

void CounterLoad::Check(const std::string& file) const {
  ASSERT_EQ(static_cast<int>(outcomes_.size()), options_.calls) << "each call has an id of its own";
  std::map<std::string, int> runs;
  for (const absl::string_view id : absl::StrSplit(ReadFile(file), '\n', absl::SkipEmpty())) {
    ++runs[std::string(id)];
  }
  int twice = 0, strangers = 0, missing = 0, failed_and_run = 0;
  for (const auto& [id, count] : runs) {
    twice += count > 1;
    strangers += outcomes_.count(id) == 0;
  }
  for (const auto& [id, outcome] : outcomes_) {
    missing += outcome == CallOutcome::kResult && runs.count(id) == 0;
    failed_and_run += outcome == CallOutcome::kFailed && runs.count(id) > 0;
  }
  EXPECT_EQ(twice, 0) << "ids that ran more than once";
  EXPECT_EQ(strangers, 0) << "ids that nobody has called";
  EXPECT_EQ(missing, 0) << "ids that were acknowledged and did not run";
  EXPECT_EQ(failed_and_run, 0) << "ids that failed for certain and ran";
  EXPECT_EQ(CountOf(CallOutcome::kFunctionFailed), 0) << last_error_;
  const int acknowledged = CountOf(CallOutcome::kResult);
  const int unknown = CountOf(CallOutcome::kUnknown);
  const int count = static_cast<int>(runs.size());
  EXPECT_GE(count, acknowledged);
  EXPECT_LE(count, acknowledged + unknown);
  std::cout << options_.calls << " calls: " << acknowledged << " acknowledged, " << unknown << " unknown, "
            << CountOf(CallOutcome::kFailed) << " failed; " << count << " runs; " << repeated_
            << " calls were repeated, " << replayed_ << " got an outcome that was there already\n";
  if (!last_error_.empty()) std::cout << "the last that was not acknowledged: " << last_error_ << "\n";
}

}  // namespace lamppost::testing
