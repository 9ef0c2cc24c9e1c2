#include "services/rpc/server/faults.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

Fault Make(FaultKind kind, const std::string& method = "", uint32_t times = 0) {
  Fault fault;
  fault.kind = kind;
  fault.method = method;
  fault.times = times;
  return fault;
}

TEST(FaultTableTest, WithoutFaultsNothingStrikes) {
  FaultTable table(1);
  const Strikes strikes = table.Strike("add");
  EXPECT_EQ(strikes.delay_ms, 0u);
  EXPECT_FALSE(strikes.fails_before);
  EXPECT_FALSE(strikes.loses_reply);
  EXPECT_FALSE(strikes.crash_after_ms.has_value());
}

TEST(FaultTableTest, StrikesItsFunctionAsOftenAsItWasTold) {
  FaultTable table(1);
  ASSERT_TRUE(table.Add(Make(FaultKind::kLoseReply, "add", 2)).ok());
  EXPECT_FALSE(table.Strike("sum").loses_reply);
  EXPECT_TRUE(table.Strike("add").loses_reply);
  ASSERT_EQ(table.faults().size(), 1u);
  EXPECT_EQ(table.faults()[0].times, 1u);
  EXPECT_TRUE(table.Strike("add").loses_reply);
  EXPECT_FALSE(table.Strike("add").loses_reply);
  EXPECT_TRUE(table.faults().empty());
}

TEST(FaultTableTest, SeveralStrikeTogether) {
  FaultTable table(1);
  Fault slow = Make(FaultKind::kDelay);
  slow.delay_ms = 20;
  ASSERT_TRUE(table.Add(slow).ok());
  slow.delay_ms = 10;
  ASSERT_TRUE(table.Add(slow).ok());
  Fault crash = Make(FaultKind::kCrash);
  crash.delay_ms = 7;
  ASSERT_TRUE(table.Add(crash).ok());
  crash.delay_ms = 9;
  ASSERT_TRUE(table.Add(crash).ok());
  ASSERT_TRUE(table.Add(Make(FaultKind::kFailBefore)).ok());
  const Strikes strikes = table.Strike("add");
  EXPECT_EQ(strikes.delay_ms, 20u);
  EXPECT_EQ(strikes.crash_after_ms, 7u);
  EXPECT_TRUE(strikes.fails_before);
  EXPECT_EQ(table.Clear(), 5u);
  EXPECT_FALSE(table.Strike("add").fails_before);
}

TEST(FaultTableTest, TheSeedDecidesWhomItStrikes) {
  const auto strikes = [](uint64_t seed) {
    FaultTable table(seed);
    Fault fault = Make(FaultKind::kFailBefore);
    fault.probability = 0.25;
    EXPECT_TRUE(table.Add(fault).ok());
    std::vector<bool> struck;
    for (int i = 0; i < 4000; ++i) struck.push_back(table.Strike("add").fails_before);
    return struck;
  };
  const std::vector<bool> first = strikes(1);
  EXPECT_EQ(first, strikes(1));
  EXPECT_NE(first, strikes(2));
  const auto count = std::count(first.begin(), first.end(), true);
  EXPECT_GT(count, 850);
  EXPECT_LT(count, 1150);
}

TEST(FaultTableTest, WhatIsOutOfBoundsIsRefused) {
  FaultTable table(1);
  for (const double probability : {-0.5, 1.5, std::nan("")}) {
    Fault fault = Make(FaultKind::kDelay);
    fault.probability = probability;
    EXPECT_EQ(ErrorReason(table.Add(fault)), "FAULT_INVALID");
  }
  Fault slow = Make(FaultKind::kDelay);
  slow.delay_ms = kFaultDelayMsMax + 1;
  EXPECT_EQ(ErrorReason(table.Add(slow)), "FAULT_INVALID");
  EXPECT_EQ(ErrorReason(table.Add(Make(FaultKind::kDelay, std::string(65, 'x')))), "FAULT_INVALID");
  for (size_t i = 0; i < kFaultsMax; ++i) ASSERT_TRUE(table.Add(Make(FaultKind::kDelay)).ok());
  EXPECT_EQ(ErrorReason(table.Add(Make(FaultKind::kDelay))), "TOO_MANY_FAULTS");
}

TEST(FaultsTest, DisabledTheyTakeNothing) {
  Faults faults(Faults::Mode::kDisabled, 1, [](uint64_t) { FAIL(); });
  EXPECT_EQ(ErrorReason(faults.Add(Make(FaultKind::kCrash))), "FAULTS_DISABLED");
  EXPECT_EQ(ErrorReason(faults.Clear().status()), "FAULTS_DISABLED");
  EXPECT_EQ(ErrorReason(faults.List().status()), "FAULTS_DISABLED");
}

TEST(FaultsTest, OnlyAnArmedRunCrashesTheServer) {
  std::vector<uint64_t> crashes;
  Faults faults(Faults::Mode::kEnabled, 1, [&](uint64_t delay_ms) { crashes.push_back(delay_ms); });
  const RequestId a({1});
  const RequestId b({2});
  faults.ArmCrash(a, 30);
  faults.RunStarted(b);
  EXPECT_TRUE(crashes.empty());
  faults.RunStarted(a);
  EXPECT_EQ(crashes, std::vector<uint64_t>{30});
  faults.RunStarted(a);
  faults.ArmCrash(b, 40);
  faults.DisarmCrash(b);
  faults.RunStarted(b);
  EXPECT_EQ(crashes.size(), 1u);
}

}  // namespace
}  // namespace lamppost::rpc
