#include "clients/cpp/stream_retry.h"

#include <gtest/gtest.h>

#include "services/common/error.h"

namespace lamppost::client {
namespace {

class StreamRetryTest : public testing::Test {
 protected:
  StreamRetry Make(size_t nodes, CallKind kind = CallKind::kRepeatableWrite) {
    return StreamRetry({}, kind, nodes, [] { return 1.0; });
  }
  static bool Again(const RetryDecision& decision) {
    return decision.action == RetryDecision::Action::kRetry;
  }

  const absl::Status broken_ = absl::UnavailableError("broken");
};

TEST_F(StreamRetryTest, AnAmbiguousEndIsTriedOnceMoreThereAndThenElsewhere) {
  StreamRetry retry = Make(2);
  retry.Begin(kNoDeadline);
  EXPECT_TRUE(Again(retry.OnFailure(broken_, Reach::kSent, 0)));
  EXPECT_EQ(retry.node(), 0u);
  EXPECT_TRUE(Again(retry.OnFailure(broken_, Reach::kSent, 0)));
  EXPECT_EQ(retry.node(), 1u);
}

TEST_F(StreamRetryTest, ANodeThatCannotBeReachedIsLeftAtOnce) {
  StreamRetry retry = Make(2);
  retry.Begin(kNoDeadline);
  EXPECT_TRUE(Again(retry.OnFailure(broken_, Reach::kNotSent, 0)));
  EXPECT_EQ(retry.node(), 1u);
  EXPECT_TRUE(Again(retry.OnFailure(broken_, Reach::kNotSent, 0)));
  EXPECT_EQ(retry.node(), 0u);
}

TEST_F(StreamRetryTest, GoesOnForEverIfItMay) {
  StreamRetry retry = Make(1, CallKind::kRead);
  retry.Begin(kNoDeadline);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(Again(retry.OnFailure(broken_, Reach::kSent, 0)));
  EXPECT_EQ(retry.attempts(), 1000);
}

TEST_F(StreamRetryTest, ASeriesEndsAtItsTimeAndTheNextOneHasItsOwn) {
  StreamRetry retry = Make(1);
  retry.Begin(1000);
  EXPECT_TRUE(Again(retry.OnFailure(broken_, Reach::kSent, 900)));
  EXPECT_FALSE(Again(retry.OnFailure(broken_, Reach::kSent, 990)));
  EXPECT_EQ(retry.ConnectTimeoutMs(1001), 0);
  retry.Begin(2000);
  EXPECT_EQ(retry.attempts(), 0);
  EXPECT_TRUE(Again(retry.OnFailure(broken_, Reach::kSent, 1001)));
}

TEST_F(StreamRetryTest, WhatIsWrongWithTheRequestIsNotTriedAgain) {
  StreamRetry retry = Make(2);
  retry.Begin(kNoDeadline);
  const absl::Status refused = MakeError(absl::StatusCode::kInvalidArgument, "KEY_EMPTY", "no key");
  EXPECT_FALSE(Again(retry.OnFailure(refused, Reach::kSent, 0)));
  EXPECT_EQ(retry.node(), 0u);
}

TEST_F(StreamRetryTest, ARemovedNodeIsLeftAndWhenAllAreThatEndsIt) {
  const absl::Status removed =
      MakeError(absl::StatusCode::kFailedPrecondition, "NODE_REMOVED", "it was removed");
  StreamRetry retry = Make(2);
  retry.Begin(kNoDeadline);
  EXPECT_TRUE(Again(retry.OnFailure(removed, Reach::kSent, 0)));
  EXPECT_EQ(retry.node(), 1u);
  EXPECT_FALSE(Again(retry.OnFailure(removed, Reach::kSent, 0)));
}

}  // namespace
}  // namespace lamppost::client
