#include "clients/cpp/retry_policy.h"

#include <gtest/gtest.h>

#include <vector>

#include "services/common/error.h"

namespace lamppost::client {
namespace {

using Action = RetryDecision::Action;

class RetryPolicyTest : public testing::Test {
 protected:
  RetryPolicy Policy(CallKind kind, int64_t deadline_ms = kNoDeadline, double random = 1.0) {
    return RetryPolicy(options_, kind, deadline_ms, &budget_, [random] { return random; });
  }
  Action ActionFor(CallKind kind, const absl::Status& status, Reach reach = Reach::kSent) {
    return Policy(kind).OnFailure(status, reach, 0).action;
  }

  RetryOptions options_;
  RetryBudget budget_{100, 0.5};
};

TEST_F(RetryPolicyTest, UnavailableIsRetried) {
  const absl::Status lost = absl::UnavailableError("socket closed");
  EXPECT_EQ(ActionFor(CallKind::kRead, lost), Action::kRetry);
  EXPECT_EQ(ActionFor(CallKind::kRepeatableWrite, lost), Action::kRetry);
}

TEST_F(RetryPolicyTest, AWriteWithoutAnIdIsRetriedOnlyIfItCannotHaveLanded) {
  const absl::Status lost = absl::UnavailableError("socket closed");
  EXPECT_EQ(ActionFor(CallKind::kSingleWrite, lost), Action::kStop);
  EXPECT_EQ(ActionFor(CallKind::kSingleWrite, lost, Reach::kNotSent), Action::kRetry);
  EXPECT_EQ(ActionFor(CallKind::kSingleWrite, MakeError(absl::StatusCode::kUnavailable, "DRAINING", "")),
            Action::kRetry);
  EXPECT_EQ(ActionFor(CallKind::kSingleWrite, absl::DeadlineExceededError("")), Action::kStop);
}

TEST_F(RetryPolicyTest, DeadlineExceededIsRetriedForReadsAndRepeatableWrites) {
  EXPECT_EQ(ActionFor(CallKind::kRead, absl::DeadlineExceededError("")), Action::kRetry);
  EXPECT_EQ(ActionFor(CallKind::kRepeatableWrite, absl::DeadlineExceededError("")), Action::kRetry);
}

TEST_F(RetryPolicyTest, ResourceExhaustedIsRetriedOnlyWithADelay) {
  EXPECT_EQ(ActionFor(CallKind::kRead, absl::ResourceExhaustedError("")), Action::kStop);
  EXPECT_EQ(
      ActionFor(CallKind::kRead, MakeRetryableError(absl::StatusCode::kResourceExhausted, "BUSY", "", 5)),
      Action::kRetry);
}

TEST_F(RetryPolicyTest, CancelledByAServerThatShutsDownIsLikeUnavailable) {
  EXPECT_EQ(ActionFor(CallKind::kRead, absl::CancelledError("")), Action::kRetry);
  EXPECT_EQ(ActionFor(CallKind::kRepeatableWrite, absl::CancelledError("")), Action::kRetry);
  EXPECT_EQ(ActionFor(CallKind::kSingleWrite, absl::CancelledError("")), Action::kStop);
}

TEST_F(RetryPolicyTest, NothingElseIsRetried) {
  for (int code = 1; code <= 16; ++code) {
    const auto canonical = static_cast<absl::StatusCode>(code);
    if (canonical == absl::StatusCode::kUnavailable || canonical == absl::StatusCode::kDeadlineExceeded ||
        canonical == absl::StatusCode::kCancelled) {
      continue;
    }
    EXPECT_EQ(ActionFor(CallKind::kRead, absl::Status(canonical, "")), Action::kStop) << code;
  }
}

TEST_F(RetryPolicyTest, BackOffGrowsToItsBound) {
  RetryPolicy policy = Policy(CallKind::kRead);
  std::vector<int64_t> delays_ms;
  for (int i = 0; i < 8; ++i) {
    delays_ms.push_back(policy.OnFailure(absl::UnavailableError(""), Reach::kSent, 0).delay_ms);
  }
  EXPECT_EQ(delays_ms, (std::vector<int64_t>{50, 100, 200, 400, 800, 1600, 2000, 2000}));
}

TEST_F(RetryPolicyTest, JitterIsFull) {
  EXPECT_EQ(
      Policy(CallKind::kRead, kNoDeadline, 0).OnFailure(absl::UnavailableError(""), Reach::kSent, 0).delay_ms,
      0);
  EXPECT_EQ(Policy(CallKind::kRead, kNoDeadline, 0.5)
                .OnFailure(absl::UnavailableError(""), Reach::kSent, 0)
                .delay_ms,
            25);
}

TEST_F(RetryPolicyTest, TheServersDelayIsALowerBound) {
  const absl::Status busy = MakeRetryableError(absl::StatusCode::kUnavailable, "BUSY", "", 700);
  EXPECT_EQ(Policy(CallKind::kRead, kNoDeadline, 0).OnFailure(busy, Reach::kSent, 0).delay_ms, 700);
  EXPECT_EQ(Policy(CallKind::kRead, kNoDeadline, 1).OnFailure(busy, Reach::kSent, 0).delay_ms, 750);
}

TEST_F(RetryPolicyTest, AttemptTimeoutIsCutToWhatRemains) {
  const RetryPolicy policy = Policy(CallKind::kRead, 5000);
  EXPECT_EQ(policy.AttemptTimeoutMs(0), 2000);
  EXPECT_EQ(policy.AttemptTimeoutMs(4000), 1000);
  EXPECT_EQ(policy.AttemptTimeoutMs(5000), 0);
  EXPECT_EQ(policy.AttemptTimeoutMs(6000), 0);
  EXPECT_EQ(Policy(CallKind::kRead).AttemptTimeoutMs(1 << 30), 2000);
}

TEST_F(RetryPolicyTest, NoSleepPastTheDeadline) {
  RetryPolicy policy = Policy(CallKind::kRead, 1000);
  EXPECT_EQ(policy.OnFailure(absl::UnavailableError(""), Reach::kSent, 940).action, Action::kRetry);
  const RetryDecision late = policy.OnFailure(absl::UnavailableError(""), Reach::kSent, 950);
  EXPECT_EQ(late.action, Action::kStop);
  EXPECT_EQ(late.why, "the timeout leaves no time for another attempt");
}

TEST_F(RetryPolicyTest, AttemptsAreBounded) {
  options_.attempts_max = 3;
  RetryPolicy policy = Policy(CallKind::kRead);
  EXPECT_EQ(policy.OnFailure(absl::UnavailableError(""), Reach::kSent, 0).action, Action::kRetry);
  EXPECT_EQ(policy.OnFailure(absl::UnavailableError(""), Reach::kSent, 0).action, Action::kRetry);
  const RetryDecision last = policy.OnFailure(absl::UnavailableError(""), Reach::kSent, 0);
  EXPECT_EQ(last.action, Action::kStop);
  EXPECT_EQ(last.why, "all 3 attempts failed");
}

TEST_F(RetryPolicyTest, AnAttemptThatOnlyWaitedCostsNothingIfSoTold) {
  options_.slow_attempt = SlowAttempt::kWait;
  options_.attempts_max = 50;
  RetryBudget budget(4, 0.5);
  RetryPolicy policy(options_, CallKind::kRepeatableWrite, kNoDeadline, &budget, [] { return 1.0; });
  const absl::Status slow = absl::DeadlineExceededError("");
  for (int i = 0; i < 49; ++i) {
    const RetryDecision decision = policy.OnFailure(slow, Reach::kSent, 0);
    EXPECT_EQ(decision.action, Action::kRetry);
    EXPECT_EQ(decision.delay_ms, options_.backoff_initial_ms);
  }
  EXPECT_EQ(budget.tokens(), 4);
  EXPECT_EQ(policy.OnFailure(slow, Reach::kSent, 0).action, Action::kStop) << "attempts_max counts all";
  RetryPolicy other(options_, CallKind::kRepeatableWrite, kNoDeadline, &budget, [] { return 1.0; });
  other.OnFailure(slow, Reach::kNotSent, 0);
  EXPECT_EQ(budget.tokens(), 3) << "it was not connected, so it did not wait for its answer";
}

TEST(RetryBudgetTest, PlentyIsHalf) {
  RetryBudget budget(4, 0.5);
  EXPECT_TRUE(budget.HasPlenty());
  for (int i = 0; i < 3; ++i) budget.OnFailure();
  EXPECT_FALSE(budget.HasPlenty());
}

TEST(RetryBudgetTest, NothingBelowHalf) {
  RetryBudget budget(4, 0.5);
  EXPECT_TRUE(budget.OnFailure());   // 3
  EXPECT_TRUE(budget.OnFailure());   // 2
  EXPECT_FALSE(budget.OnFailure());  // 1
  budget.OnSuccess();                // 1.5
  budget.OnSuccess();                // 2
  budget.OnSuccess();                // 2.5
  EXPECT_FALSE(budget.OnFailure());  // 1.5
  for (int i = 0; i < 100; ++i) budget.OnSuccess();
  EXPECT_EQ(budget.tokens(), 4);
  for (int i = 0; i < 100; ++i) budget.OnFailure();
  EXPECT_EQ(budget.tokens(), 0);
}

TEST_F(RetryPolicyTest, TheBudgetIsSharedByCalls) {
  RetryBudget budget(4, 0.5);
  Action action = Action::kRetry;
  for (int call = 0; call < 3; ++call) {
    RetryPolicy policy(options_, CallKind::kRead, kNoDeadline, &budget, [] { return 0.0; });
    const RetryDecision decision = policy.OnFailure(absl::UnavailableError(""), Reach::kSent, 0);
    action = decision.action;
    if (call == 2) EXPECT_EQ(decision.why, "too many attempts failed of late");
  }
  EXPECT_EQ(action, Action::kStop);
}

TEST_F(RetryPolicyTest, RefusalsOfBadRequestsCostNothing) {
  Policy(CallKind::kRead).OnFailure(absl::InvalidArgumentError(""), Reach::kSent, 0);
  EXPECT_EQ(budget_.tokens(), 100);
}

}  // namespace
}  // namespace lamppost::client
