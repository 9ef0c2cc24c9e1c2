#include "services/kv/server/session_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "services/common/error.h"

namespace lamppost::kv {
namespace {

const Origin kA{"A", 1};
const Origin kB{"B", uint64_t{1} << 32};

// A call that may have to wait.
class Call {
 public:
  SessionGate::Next Next() {
    return [this](const absl::Status& status) {
      status_ = status;
      thread_ = std::this_thread::get_id();
      done_.Notify();
    };
  }
  const absl::Status& Await() {
    EXPECT_TRUE(done_.WaitForNotificationWithTimeout(absl::Seconds(20)));
    return status_;
  }
  bool IsDone() const { return done_.HasBeenNotified(); }
  std::thread::id thread() const { return thread_; }

 private:
  absl::Notification done_;
  absl::Status status_;
  std::thread::id thread_;
};

absl::Time In(absl::Duration duration) {
  return absl::Now() + duration;
}

TEST(SessionGate, WhatIsCoveredGoesOnAtOnceOnTheCallingThread) {
  PublishedHeads heads;
  heads.Publish({{kA, 5}});
  SessionGate gate(&heads);
  Call covered;
  gate.Wait({{kA, 5}}, In(absl::Seconds(20)), nullptr, covered.Next());
  ASSERT_TRUE(covered.IsDone());
  EXPECT_EQ(covered.thread(), std::this_thread::get_id());
  Call empty;
  gate.Wait({}, In(absl::Seconds(20)), nullptr, empty.Next());
  EXPECT_TRUE(empty.IsDone());
}

TEST(SessionGate, AWaitEndsWhenAllOfTheSessionIsThere) {
  PublishedHeads heads;
  SessionGate gate(&heads);
  Call call;
  gate.Wait({{kA, 5}, {kB, 3}}, In(absl::Seconds(60)), nullptr, call.Next());
  heads.SetUpcoming({{kA, 5}, {kB, 3}});  // not yet in the store
  heads.Publish({{kA, 5}, {kB, 2}});
  Call other;  // shows that the gate has looked since
  gate.Wait({{kA, 6}}, In(absl::Milliseconds(60)), nullptr, other.Next());
  EXPECT_EQ(ErrorReason(other.Await()), "SESSION_AHEAD");
  EXPECT_FALSE(call.IsDone());
  heads.Publish({{kA, 5}, {kB, 3}});
  EXPECT_TRUE(call.Await().ok());
  EXPECT_NE(call.thread(), std::this_thread::get_id());
}

TEST(SessionGate, ACallIsToldBeforeItsDeadlineWhoLags) {
  PublishedHeads heads;
  heads.Publish({{kA, 4}});
  SessionGate gate(&heads);
  const absl::Time deadline = In(absl::Seconds(1));
  Call call;
  gate.Wait({{kA, 4}, {kB, 9}}, deadline, nullptr, call.Next());
  const absl::Status& status = call.Await();
  EXPECT_LT(absl::Now(), deadline);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(status), "SESSION_AHEAD");
  EXPECT_TRUE(RetryDelayMs(status).has_value());
  EXPECT_NE(status.message().find("B.1 up to 9, this node up to 0"), std::string::npos) << status.message();
}

TEST(SessionGate, WithoutADeadlineAWaitIsBounded) {
  PublishedHeads heads;
  SessionGateOptions options;
  options.wait_max = absl::Milliseconds(50);
  SessionGate gate(&heads, options);
  Call call;
  gate.Wait({{kA, 1}}, absl::InfiniteFuture(), nullptr, call.Next());
  EXPECT_EQ(ErrorReason(call.Await()), "SESSION_AHEAD");
}

TEST(SessionGate, ACancelledCallDoesNotWaitOn) {
  PublishedHeads heads;
  SessionGate gate(&heads);
  std::atomic<bool> cancelled{false};
  Call call;
  gate.Wait(
      {{kA, 1}}, absl::InfiniteFuture(), [&cancelled] { return cancelled.load(); }, call.Next());
  cancelled = true;
  EXPECT_EQ(call.Await().code(), absl::StatusCode::kCancelled);
}

TEST(SessionGate, BeyondTheBoundCallsAreRefusedWithADelay) {
  PublishedHeads heads;
  SessionGateOptions options;
  options.waiters_max = 3;
  SessionGate gate(&heads, options);
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 4; ++i) {
    calls.push_back(std::make_unique<Call>());
    gate.Wait({{kA, 1}}, absl::InfiniteFuture(), nullptr, calls.back()->Next());
  }
  ASSERT_TRUE(calls[3]->IsDone());
  EXPECT_EQ(calls[3]->Await().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(RetryDelayMs(calls[3]->Await()).has_value());
  heads.Publish({{kA, 1}});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(calls[i]->Await().ok());
}

TEST(SessionGate, LargeSessionsAreBoundedTogether) {
  PublishedHeads heads;
  SessionGateOptions options;
  options.heads_max = 3;
  SessionGate gate(&heads, options);
  Call first;
  gate.Wait({{kA, 1}, {kB, 1}}, absl::InfiniteFuture(), nullptr, first.Next());
  Call second;
  gate.Wait({{kA, 1}, {kB, 1}}, absl::InfiniteFuture(), nullptr, second.Next());
  EXPECT_EQ(ErrorReason(second.Await()), "OVERLOADED");
  heads.Publish({{kA, 1}, {kB, 1}});
  EXPECT_TRUE(first.Await().ok());
  Call third;
  gate.Wait({{kA, 2}, {kB, 1}}, absl::InfiniteFuture(), nullptr, third.Next());
  EXPECT_FALSE(third.IsDone()) << "those that have gone on take no place";
  heads.Publish({{kA, 2}, {kB, 1}});
  EXPECT_TRUE(third.Await().ok());
}

TEST(SessionGate, TheEndTellsAllThatWaitAndWhoeverComesLater) {
  PublishedHeads heads;
  SessionGate gate(&heads);
  Call waiting;
  gate.Wait({{kA, 1}}, absl::InfiniteFuture(), nullptr, waiting.Next());
  gate.Drain();
  EXPECT_EQ(ErrorReason(waiting.Await()), "SHUTTING_DOWN");
  Call late;
  gate.Wait({{kA, 1}}, absl::InfiniteFuture(), nullptr, late.Next());
  EXPECT_EQ(ErrorReason(late.Await()), "SHUTTING_DOWN");
}

}  // namespace
}  // namespace lamppost::kv
