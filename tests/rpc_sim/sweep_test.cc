// A thousand fleets.
#include "tests/rpc_sim/sweep.h"

#include <iostream>

#include "gtest/gtest.h"

namespace lamppost::rpc::sim {
namespace {

constexpr uint64_t kSeeds = 1000;

TEST(SweepTest, EverythingHoldsUnderAllFaults) {
  Sweep sweep;
  sweep.seeds = kSeeds;
  sweep.threads = 2;
  sweep.on_played = [](uint64_t seed, const Played& played) {
    EXPECT_TRUE(played.violations.empty()) << "seed " << seed << ":\n" << played.WhatIsWrong();
    return true;
  };
  const SweepSummary summary = sim::Run(sweep);
  std::cout << ToText(summary);
  EXPECT_EQ(summary.seeds, kSeeds);
  // A sweep proves nothing if the faults do not happen, and nothing is looked at.
  for (size_t i = 0; i < FaultNames().size(); ++i)
    EXPECT_GE(summary.tally.strikes[i], 20u) << FaultNames()[i];
  for (size_t i = 0; i < CheckNames().size(); ++i)
    EXPECT_GE(summary.tally.looked[i], 100u) << CheckNames()[i];
  for (const char* what : {"takeovers", "runs repeated", "unknown, crashed", "unknown, shut down",
                           "refused as expired", "refused as reused", "replies replayed"}) {
    const auto seen = summary.tally.other.find(what);
    EXPECT_TRUE(seen != summary.tally.other.end() && seen->second >= 50) << what;
  }
}

TEST(RepeatTest, TheSameSeedGivesTheSameRun) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Played once = Play(seed);
    const Played again = Play(seed);
    EXPECT_EQ(once.hash, again.hash) << seed;
    EXPECT_EQ(once.events, again.events) << seed;
    EXPECT_NE(once.hash, Play(seed + 1).hash) << seed;
  }
}

}  // namespace
}  // namespace lamppost::rpc::sim
