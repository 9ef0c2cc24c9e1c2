#include "services/rpc/server/store_watch.h"

#include <gtest/gtest.h>

namespace lamppost::rpc {
namespace {

constexpr uint64_t kStart = 1000;
constexpr uint64_t kLong = StoreWatch::kPatienceMs;

TEST(StoreWatchTest, ErrorsMustGoOnForAWhile) {
  StoreWatch watch(kStart);
  watch.Submitted(1, kStart);
  watch.Answered(1, AnswerKind::kUnavailable, kStart + 10);
  EXPECT_EQ(watch.StateAt(kStart + 10), StoreState::kAvailable);
  watch.Submitted(2, kStart + 1000);
  watch.Answered(2, AnswerKind::kUnavailable, kStart + 1010);
  EXPECT_EQ(watch.StateAt(kStart + kLong - 1), StoreState::kAvailable);
  EXPECT_EQ(watch.StateAt(kStart + kLong), StoreState::kUnavailable);
  watch.Answered(3, AnswerKind::kGood, kStart + 5000);
  EXPECT_EQ(watch.StateAt(kStart + 5000), StoreState::kAvailable);
}

TEST(StoreWatchTest, SilenceCountsAsWell) {
  StoreWatch watch(kStart);
  EXPECT_EQ(watch.StateAt(kStart + 100 * kLong), StoreState::kAvailable);  // nothing was asked
  watch.Submitted(2, kStart);
  EXPECT_EQ(watch.StateAt(kStart + kLong - 1), StoreState::kAvailable);
  EXPECT_EQ(watch.StateAt(kStart + kLong), StoreState::kUnavailable);
  // One that takes long is not silence if others are answered.
  watch.Answered(2, AnswerKind::kGood, kStart + kLong);
  EXPECT_EQ(watch.StateAt(kStart + kLong + 1), StoreState::kAvailable);
  EXPECT_EQ(watch.StateAt(kStart + 2 * kLong), StoreState::kUnavailable);
  watch.Answered(1, AnswerKind::kGood, kStart + 2 * kLong);
  EXPECT_EQ(watch.StateAt(kStart + 100 * kLong), StoreState::kAvailable);
}

TEST(StoreWatchTest, AnErrorAfterALongSilenceIsNoRelief) {
  StoreWatch watch(kStart);
  watch.Submitted(1, kStart);
  watch.Answered(1, AnswerKind::kUnavailable, kStart + kLong);
  EXPECT_EQ(watch.StateAt(kStart + kLong), StoreState::kUnavailable);
}

TEST(StoreWatchTest, AsksAgainOnceAnswered) {
  StoreWatch watch(kStart);
  EXPECT_FALSE(watch.TakeProbe(7, kStart));
  const uint64_t due = kStart + StoreWatch::kProbeIntervalMs;
  EXPECT_EQ(watch.NextMs(kStart), due);
  EXPECT_TRUE(watch.TakeProbe(7, due));
  EXPECT_FALSE(watch.TakeProbe(8, due + 10 * kLong));
  EXPECT_EQ(watch.StateAt(due + kLong), StoreState::kUnavailable);
  watch.Answered(7, AnswerKind::kGood, due + kLong);
  EXPECT_EQ(watch.StateAt(due + kLong), StoreState::kAvailable);
  EXPECT_FALSE(watch.TakeProbe(8, due + kLong));
  EXPECT_TRUE(watch.TakeProbe(8, due + kLong + StoreWatch::kProbeIntervalMs));
}

}  // namespace
}  // namespace lamppost::rpc
