#include "services/kv/metrics/lag_watch.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace lamppost::kv {
namespace {

class LagClockTest : public ::testing::Test {
 protected:
  uint64_t Look(uint64_t now_ms, uint64_t goal, uint64_t has) {
    clock_.Look(now_ms, goal, [has](uint64_t place) { return place <= has; });
    return clock_.lag_ms();
  }

  LagClock<uint64_t> clock_;
};

TEST_F(LagClockTest, WhatIsLevelHasNoLag) {
  EXPECT_EQ(Look(1000, 5, 5), 0u);
  EXPECT_EQ(Look(2000, 9, 9), 0u);
}

TEST_F(LagClockTest, WhatStandsStillFallsBehindWithTheTime) {
  EXPECT_EQ(Look(1000, 5, 5), 0u);
  EXPECT_EQ(Look(2000, 6, 5), 1000u) << "it has what there was at 1000";
  EXPECT_EQ(Look(3000, 7, 5), 2000u);
  EXPECT_EQ(Look(60'000, 7, 5), 59'000u);
  EXPECT_EQ(Look(61'000, 7, 7), 0u);
}

TEST_F(LagClockTest, WhatFollowsAtADistanceHasThatLag) {
  // One step a millisecond, and always ten behind.
  uint64_t most = 0;
  Look(1000, 1000, 1000);
  for (uint64_t now_ms = 1010; now_ms < 2000; ++now_ms) {
    const uint64_t lag_ms = Look(now_ms, now_ms, now_ms - 10);
    most = std::max(most, lag_ms);
    EXPECT_GE(lag_ms, 10u);
  }
  EXPECT_LE(most, 20u);
}

TEST_F(LagClockTest, WhatHasNeverBeenLevelIsBehindSinceTheFirstLook) {
  EXPECT_EQ(Look(1000, 5, 0), 0u);
  EXPECT_EQ(Look(1500, 5, 0), 500u);
}

}  // namespace
}  // namespace lamppost::kv
