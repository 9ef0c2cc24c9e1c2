#include "services/kv/faults/link_faults.h"

#include <algorithm>
#include <limits>

#include "gtest/gtest.h"

namespace lamppost::kv {
namespace {

LinkFault With(void (*change)(LinkFault*)) {
  LinkFault fault;
  change(&fault);
  return fault;
}

// How many copies of so many messages arrive.
size_t Arriving(LinkFaults* faults, int messages) {
  size_t copies = 0;
  for (int i = 0; i < messages; ++i) copies += faults->Draw("B", 0).delays_ms.size();
  return copies;
}

TEST(LinkFaults, WithoutOneAMessageArrivesAtOnce) {
  LinkFaults faults(1);
  const Fate fate = faults.Draw("B", 0);
  EXPECT_EQ(fate.delays_ms, (std::vector<uint64_t>{0}));
  EXPECT_FALSE(fate.delayed);
}

TEST(LinkFaults, AreOfOneDirection) {
  LinkFaults faults(1);
  faults.Set("B", With([](LinkFault* fault) { fault->cut = true; }));
  EXPECT_TRUE(faults.Draw("B", 0).IsLost());
  EXPECT_FALSE(faults.Draw("C", 0).IsLost());
  EXPECT_TRUE(faults.Clear("B"));
  EXPECT_FALSE(faults.Clear("B"));
  EXPECT_FALSE(faults.Draw("B", 0).IsLost());
}

TEST(LinkFaults, DelayWithinItsJitter) {
  LinkFaults faults(1);
  faults.Set("B", With([](LinkFault* fault) {
               fault->delay_ms = 5000;
               fault->jitter_ms = 1000;
             }));
  uint64_t least = UINT64_MAX;
  uint64_t greatest = 0;
  for (int i = 0; i < 1000; ++i) {
    const Fate fate = faults.Draw("B", 0);
    ASSERT_EQ(fate.delays_ms.size(), 1u);
    EXPECT_TRUE(fate.delayed);
    least = std::min(least, fate.delays_ms[0]);
    greatest = std::max(greatest, fate.delays_ms[0]);
  }
  EXPECT_GE(least, 5000u);
  EXPECT_LE(greatest, 6000u);
  EXPECT_GT(greatest - least, 900u);
}

TEST(LinkFaults, StrikeAsOftenAsTheySay) {
  LinkFaults faults(1);
  faults.Set("B", With([](LinkFault* fault) { fault->drop = 0.3; }));
  EXPECT_NEAR(Arriving(&faults, 10000), 7000, 300);
  faults.Set("B", With([](LinkFault* fault) { fault->duplicate = 0.1; }));
  EXPECT_NEAR(Arriving(&faults, 10000), 11000, 300);
  faults.Set("B", With([](LinkFault* fault) { fault->drop = 1; }));
  EXPECT_EQ(Arriving(&faults, 1000), 0u);
}

TEST(LinkFaults, EndByThemselves) {
  LinkFaults faults(1);
  faults.Set("B", With([](LinkFault* fault) {
               fault->cut = true;
               fault->until_ms = 100;
             }));
  EXPECT_TRUE(faults.Draw("B", 99).IsLost());
  EXPECT_EQ(faults.At(99).size(), 1u);
  EXPECT_FALSE(faults.Draw("B", 100).IsLost());
  EXPECT_TRUE(faults.At(100).empty());
}

TEST(LinkFaults, TheSameSeedSaysTheSame) {
  const auto play = [](uint64_t seed) {
    LinkFaults faults(seed);
    faults.Set("B", With([](LinkFault* fault) {
                 fault->drop = 0.5;
                 fault->jitter_ms = 1000;
               }));
    std::vector<uint64_t> all;
    for (int i = 0; i < 100; ++i) {
      for (const uint64_t delay_ms : faults.Draw("B", 0).delays_ms) all.push_back(delay_ms);
    }
    return all;
  };
  EXPECT_EQ(play(7), play(7));
  EXPECT_NE(play(7), play(8));
}

TEST(LinkFaults, WhatCannotBeIsRefused) {
  EXPECT_FALSE(CheckFault({}).ok()) << "no effect";
  EXPECT_TRUE(CheckFault(With([](LinkFault* fault) { fault->drop = 1; })).ok());
  EXPECT_FALSE(CheckFault(With([](LinkFault* fault) { fault->drop = 1.01; })).ok());
  EXPECT_FALSE(CheckFault(With([](LinkFault* fault) { fault->duplicate = -0.1; })).ok());
  EXPECT_FALSE(CheckFault(With([](LinkFault* fault) {
                 fault->reorder = std::numeric_limits<double>::quiet_NaN();
               })).ok());
  EXPECT_FALSE(CheckFault(With([](LinkFault* fault) { fault->delay_ms = 3'600'001; })).ok());
}

}  // namespace
}  // namespace lamppost::kv
