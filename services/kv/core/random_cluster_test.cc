// Thousands of random lives of a cluster; see testing/random_schedule.h for what happens in them and
// testing/oracle.h for what is checked.
//
// The seeds are LAMPPOST_SEED_FIRST (1) to LAMPPOST_SEED_FIRST + LAMPPOST_SEEDS (2000) - 1; a failure
// names its seed, and LAMPPOST_SEED_FIRST=<seed> LAMPPOST_SEEDS=1 plays it again and tells all.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "absl/strings/numbers.h"
#include "gtest/gtest.h"
#include "services/kv/core/testing/random_schedule.h"

namespace lamppost::kv::testing {
namespace {

constexpr int kFailuresShown = 5;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  uint64_t number = 0;
  return text != nullptr && absl::SimpleAtoi(text, &number) ? number : otherwise;
}

TEST(RandomClusterTest, HoldsWhatItPromisesUnderAllFaults) {
  const uint64_t first = FromEnvironment("LAMPPOST_SEED_FIRST", 1);
  const uint64_t count = FromEnvironment("LAMPPOST_SEEDS", 2000);
  Tally tally;
  int failures = 0;
  for (uint64_t seed = first; seed < first + count && failures < kFailuresShown; ++seed) {
    RandomSchedule schedule(seed, count == 1 ? &std::cout : nullptr);
    const std::string violation = schedule.Run();
    for (const auto& [what, times] : schedule.tally()) tally[what] += times;
    if (violation.empty()) continue;
    ++failures;
    ADD_FAILURE() << "seed " << seed << ": " << violation << "\nplay it again:\n"
                  << "  bazel test //services/kv/core:random_cluster_test --test_env=LAMPPOST_SEED_FIRST="
                  << seed << " --test_env=LAMPPOST_SEEDS=1";
  }
  std::cout << count << " seeds:";
  for (const auto& [what, times] : tally) std::cout << "  " << what << " " << times;
  std::cout << std::endl;
  if (count < 1000) return;
  // A test of faults proves nothing if they do not happen.
  for (const char* what :
       {"write", "delivery", "dropped", "repeated", "late", "cut", "crash", "orderly end", "restart",
        "crash in a group", "time leap", "request repeated", "old disk", "wiped disk"}) {
    EXPECT_GT(tally[what], count / 2) << what;
  }
}

TEST(RandomClusterTest, ASeedAlwaysGivesTheSameRun) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    RandomSchedule one(seed);
    RandomSchedule two(seed);
    EXPECT_EQ(one.Run(), two.Run());
    EXPECT_EQ(one.trace_hash(), two.trace_hash()) << "seed " << seed;
    EXPECT_EQ(one.tally(), two.tally()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace lamppost::kv::testing
