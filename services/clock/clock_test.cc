#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "services/clock/lamport_clock.h"
#include "services/clock/timestamp.h"

namespace lamppost {
namespace {

using Observed = LamportClock::Observed;

constexpr uint64_t kBlock = LamportClock::kBlock;

std::vector<Timestamp> SomeTimestamps() {
  std::vector<Timestamp> all;
  for (const uint64_t counter : {uint64_t{0}, uint64_t{1}, uint64_t{2}, UINT64_MAX}) {
    for (const char* node_id : {"", "A", "AB", "B", "a", "\xC3\xA9"}) {
      for (const uint64_t incarnation : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32, UINT64_MAX}) {
        all.push_back({counter, {node_id, incarnation}});
      }
    }
  }
  return all;
}

TEST(TimestampTest, TheOrderIsStrictAndTotal) {
  const std::vector<Timestamp> all = SomeTimestamps();
  for (const Timestamp& a : all) {
    for (const Timestamp& b : all) {
      EXPECT_EQ((a < b) + (b < a) + (a == b), 1) << ToString(a) << " " << ToString(b);
      EXPECT_EQ(a > b, b < a);
      EXPECT_EQ(a <= b, !(b < a));
      EXPECT_EQ(a >= b, !(a < b));
      EXPECT_EQ(a != b, !(a == b));
    }
  }
}

TEST(TimestampTest, TheOrderIsTransitive) {
  std::vector<Timestamp> all = SomeTimestamps();
  std::sort(all.begin(), all.end());
  for (size_t i = 0; i < all.size(); ++i) {
    for (size_t k = i + 1; k < all.size(); ++k) EXPECT_LT(all[i], all[k]);
  }
}

TEST(TimestampTest, TheCounterDecidesThenTheNodeIdThenTheIncarnation) {
  EXPECT_LT((Timestamp{1, {"Z", 9}}), (Timestamp{2, {"A", 1}}));
  EXPECT_LT((Timestamp{1, {"A", 9}}), (Timestamp{1, {"B", 1}}));
  EXPECT_LT((Timestamp{1, {"A", 1}}), (Timestamp{1, {"A", 2}}));
  EXPECT_LT((Timestamp{1, {"B", 1}}), (Timestamp{1, {"\xC3\xA9", 1}})) << "bytes compare as unsigned";
}

TEST(TimestampTest, IsShownWithTheNumberOfTheLife) {
  EXPECT_EQ(ToString(Timestamp{17, {"A", uint64_t{2} << 32 | 12345}}), "17@A.2");
  EXPECT_EQ(ToString(Origin{}), "?.0");
  EXPECT_FALSE(Origin{}.IsSet());
  EXPECT_FALSE((Origin{"A", 0}).IsSet());
  EXPECT_TRUE((Origin{"A", 1}).IsSet());
}

TEST(LamportClockTest, IssuesNothingBeforeAReservation) {
  LamportClock clock(5);
  EXPECT_EQ(clock.Tick(), std::nullopt);
  EXPECT_EQ(clock.Observe(0), Observed::kNeedsReservation);
  EXPECT_EQ(clock.now(), 5u);
}

TEST(LamportClockTest, TicksUpToTheLimitAndNoFurther) {
  LamportClock clock(5);
  clock.Reserve(7);
  EXPECT_EQ(clock.Tick(), 6u);
  EXPECT_EQ(clock.Tick(), 7u);
  EXPECT_EQ(clock.Tick(), std::nullopt);
  EXPECT_EQ(clock.now(), 7u);
  clock.Reserve(6);
  EXPECT_EQ(clock.limit(), 7u) << "a lower limit changes nothing";
  clock.Reserve(8);
  EXPECT_EQ(clock.Tick(), 8u);
}

TEST(LamportClockTest, ObservingIsAnEventAboveBothSides) {
  LamportClock clock(10);
  clock.Reserve(10 + kBlock);
  EXPECT_EQ(clock.Observe(3), Observed::kOk);
  EXPECT_EQ(clock.now(), 11u);
  EXPECT_EQ(clock.Observe(11), Observed::kOk);
  EXPECT_EQ(clock.now(), 12u);
  EXPECT_EQ(clock.Observe(100), Observed::kOk);
  EXPECT_EQ(clock.now(), 101u);
  EXPECT_EQ(clock.Observe(0), Observed::kOk) << "a sender without a clock";
  EXPECT_EQ(clock.now(), 102u);
}

TEST(LamportClockTest, AJumpBeyondTheBoundMovesNothing) {
  LamportClock clock(10, 1000);
  clock.Reserve(10 + kBlock);
  EXPECT_EQ(clock.Observe(1011), Observed::kTooFarAhead);
  EXPECT_EQ(clock.Observe(UINT64_MAX), Observed::kTooFarAhead);
  EXPECT_EQ(clock.now(), 10u);
  EXPECT_EQ(clock.limit(), 10 + kBlock);
  EXPECT_EQ(clock.Observe(1010), Observed::kOk) << "the bound itself is allowed";
  EXPECT_EQ(clock.now(), 1011u);
}

// A member that restarts goes on from its limit, which is likely to be near this node's own. After such a
// jump there must still be counters for the answer and the writes of the group.
TEST(LamportClockTest, ObservingLeavesCountersForWhatFollows) {
  LamportClock clock(0);
  clock.Reserve(kBlock);
  for (const uint64_t remote : {kBlock, kBlock - 1, kBlock - 100, kBlock - LamportClock::kHeadroom}) {
    EXPECT_EQ(clock.Observe(remote), Observed::kNeedsReservation) << remote;
    EXPECT_EQ(clock.now(), 0u);
  }
  clock.Reserve(2 * kBlock);
  EXPECT_EQ(clock.Observe(kBlock), Observed::kOk);
  for (uint64_t i = 0; i < LamportClock::kHeadroom; ++i) ASSERT_NE(clock.Tick(), std::nullopt);
}

TEST(LamportClockTest, RunsLowWhenHalfABlockIsGone) {
  LamportClock clock(0);
  EXPECT_TRUE(clock.RunsLow());
  clock.Reserve(kBlock);
  EXPECT_FALSE(clock.RunsLow());
  EXPECT_EQ(clock.Observe(kBlock / 2), Observed::kOk);
  EXPECT_TRUE(clock.RunsLow());
}

TEST(LamportClockTest, ThreadsNeverGetTheSameCounterAndEachSeesItsOwnRise) {
  constexpr int kThreads = 4;
  constexpr int kTicks = 20000;
  LamportClock clock(0);
  std::vector<std::vector<uint64_t>> got(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&clock, &mine = got[t], t] {
      for (int i = 0; i < kTicks; ++i) {
        if (i % 64 == 0) clock.Reserve(clock.now() + kBlock);
        if (i % 16 == t) clock.Observe(clock.now() + 3);
        if (const auto counter = clock.Tick()) mine.push_back(*counter);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<uint64_t> all;
  size_t count = 0;
  for (const std::vector<uint64_t>& mine : got) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    EXPECT_GT(mine.size(), 0u);
    all.insert(mine.begin(), mine.end());
    count += mine.size();
  }
  EXPECT_EQ(all.size(), count);
  EXPECT_LE(*all.rbegin(), clock.limit());
}

}  // namespace
}  // namespace lamppost
