// A thousand clusters, and the plans that once broke something.
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/sim/faults.h"
#include "tests/sim/plan_text.h"
#include "tests/sim/play.h"

namespace lamppost::sim {
namespace {

constexpr uint64_t kSeeds = 1000;
constexpr char kRegressions[] = "tests/sim/regressions";

TEST(SweepTest, EveryInvariantHoldsUnderAllFaults) {
  google::protobuf::SetLogHandler(nullptr);  // flipped bits are meant to be unreadable
  Sweep sweep;
  sweep.seeds = kSeeds;
  sweep.threads = 2;
  sweep.on_played = [](uint64_t seed, const Played& played) {
    EXPECT_TRUE(played.IsGood()) << "seed " << seed << ":\n"
                                 << played.WhatIsWrong() << "see it:  ./run soak --replay " << seed;
    return true;
  };
  const SweepSummary summary = sim::Run(sweep);
  std::cout << ToText(summary);
  EXPECT_EQ(summary.seeds, kSeeds);
  // A sweep proves nothing if the faults do not happen, and nothing is looked at.
  for (const Fault& fault : Faults()) {
    const auto struck = summary.tally.strikes.find(fault.name);
    EXPECT_TRUE(struck != summary.tally.strikes.end() && struck->second >= 10) << fault.name;
  }
  for (size_t i = 0; i < kRates; ++i) EXPECT_GE(summary.tally.rates[i], 100u) << NameOf(static_cast<Rate>(i));
  // Nor if nothing is forgotten, and nobody needs what follows from that.
  for (const auto& [what, at_least] : {std::pair<const char*, uint64_t>{"tombstones dropped", 10000},
                                       {"full Syncs", 50},
                                       {"values dropped by a full Sync", 5},
                                       {"repairs", 5},
                                       {"disks salvaged", 5}}) {
    const auto counted = summary.tally.other.find(what);
    EXPECT_TRUE(counted != summary.tally.other.end() && counted->second >= at_least) << what;
  }
  // A fault may find nothing to strike at, if nodes are away to the end; of a plan's ten or more that is
  // rare.
  const auto idle = summary.tally.other.find("faults that never struck");
  EXPECT_TRUE(idle == summary.tally.other.end() || idle->second <= kSeeds / 50);
  for (const char* invariant :
       {"I1",  "I2",  "I3",  "I4",  "I5",  "I6",     "I7",       "I8",    "I10",    "I11",
        "I12", "I14", "I15", "I16", "I17", "fences", "replicas", "watch", "expiry", "members"}) {
    const auto checked = summary.tally.checked.find(invariant);
    EXPECT_TRUE(checked != summary.tally.checked.end() && checked->second >= kSeeds) << invariant;
  }
}

TEST(RegressionTest, WhatOnceBrokeSomethingBreaksNothing) {
  int played_count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kRegressions)) {
    if (entry.path().extension() != ".plan") continue;
    const absl::StatusOr<Plan> plan = ReadPlan(entry.path());
    ASSERT_TRUE(plan.ok()) << entry.path() << ": " << plan.status();
    const Played played = Play(*plan);
    EXPECT_TRUE(played.result.violations.empty()) << entry.path() << ":\n" << played.WhatIsWrong();
    ++played_count;
  }
  EXPECT_GE(played_count, 3);
}

}  // namespace
}  // namespace lamppost::sim
