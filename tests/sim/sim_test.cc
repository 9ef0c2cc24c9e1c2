// The simulator itself: the same seed gives the same run, plans survive being written down, the shrinker
// keeps what it looks for, and the disk loses what it should lose.
#include <algorithm>
#include <set>
#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/sim/disk.h"
#include "tests/sim/draw_plan.h"
#include "tests/sim/faults.h"
#include "tests/sim/plan_text.h"
#include "tests/sim/play.h"
#include "tests/sim/shrink.h"

namespace lamppost::sim {
namespace {

TEST(DeterminismTest, TheSameSeedGivesTheSameRun) {
  std::set<uint64_t> hashes;
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    const Played one = Play(DrawPlan(seed));
    const Played two = Play(DrawPlan(seed));
    EXPECT_EQ(one.trace_hash, two.trace_hash) << "seed " << seed;
    EXPECT_EQ(one.result.events, two.result.events) << "seed " << seed;
    EXPECT_TRUE(one.result.tally == two.result.tally) << "seed " << seed;
    hashes.insert(one.trace_hash);
  }
  EXPECT_EQ(hashes.size(), 25u) << "different seeds give different runs";
}

TEST(DeterminismTest, BeingWatchedChangesNothing) {
  std::ostringstream trace;
  const Plan plan = DrawPlan(3);
  EXPECT_EQ(Play(plan).trace_hash, Play(plan, &trace, TraceText::Detail::kAll).trace_hash);
  EXPECT_GT(trace.str().size(), 1000u);
}

TEST(DeterminismTest, AWrittenPlanIsPlayedAsTheDrawnOne) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const Plan plan = DrawPlan(seed);
    const absl::StatusOr<Plan> read = FromText(ToText(plan));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(ToText(*read), ToText(plan));
    EXPECT_EQ(Play(*read).trace_hash, Play(plan).trace_hash) << "seed " << seed;
  }
}

TEST(PlanTextTest, NonsenseIsRefusedByItsLine) {
  for (const char* line : {"nodes 0", "nodes 27", "nodes", "colour red", "rate drop", "rate doom 5",
                           "latency_us 9 1", "strike 5 meteor node=A", "strike 5 kill node=Z",
                           "do 5 client=0 node=A put", "do x client=0 node=A get k1",
                           "do 5 client=9 node=A put k1", "durability maybe", "carriage pigeon"}) {
    const absl::StatusOr<Plan> plan = FromText(absl::StrCat("# a plan\n", line, "\n"));
    ASSERT_FALSE(plan.ok()) << line;
    EXPECT_TRUE(absl::StrContains(plan.status().message(), "line 2")) << plan.status();
  }
}

TEST(DrawPlanTest, SeedsDifferInEverythingThatMatters) {
  std::set<size_t> nodes;
  std::set<std::string> faults;
  size_t calm = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    const Plan plan = DrawPlan(seed);
    nodes.insert(plan.nodes);
    for (const Strike& strike : plan.strikes) faults.insert(strike.fault);
    calm += plan.strikes.empty() ? 1 : 0;
    EXPECT_FALSE(plan.errands.empty());
  }
  EXPECT_EQ(*nodes.begin(), 2u);
  EXPECT_EQ(*nodes.rbegin(), 9u);
  EXPECT_EQ(faults.size(), Faults().size()) << "a fault is never drawn";
  EXPECT_GT(calm, 20u);
  EXPECT_LT(calm, 200u);
}

TEST(ShrinkTest, KeepsWhatItLooksForAndLittleElse) {
  Plan plan = DrawPlan(7);
  plan.nodes = 5;
  plan.strikes = {{100, "kill", 1, 0, 50, 0}, {200, "pause", 2, 0, 50, 0}, {300, "kill", 0, 0, 50, 0}};
  const StillBad still_bad = [](const Plan& smaller) {
    const auto is_kill_of_a = [](const Strike& strike) { return strike.fault == "kill" && strike.node == 0; };
    return std::any_of(smaller.strikes.begin(), smaller.strikes.end(), is_kill_of_a) &&
           smaller.errands.size() >= 2;
  };
  const Plan small = Shrink(plan, still_bad, 5000);
  EXPECT_TRUE(still_bad(small));
  EXPECT_EQ(small.strikes.size(), 1u);
  EXPECT_EQ(small.errands.size(), 2u);
  EXPECT_EQ(small.nodes, 2u);
  EXPECT_EQ(small.rates, (std::array<uint64_t, kRates>{}));
}

class DiskTest : public ::testing::Test {
 protected:
  absl::Status Put(const std::string& key, const std::string& value, kv::Durability durability) {
    kv::WriteBatch batch;
    batch.Put(kv::Space::kData, key, value);
    return disk_.Commit(batch, durability);
  }
  std::string Get(const std::string& key) {
    const auto found = disk_.Get(kv::Space::kData, key);
    return !found.ok() ? "damaged" : found->value_or("absent");
  }
  Disk disk_;
};

TEST_F(DiskTest, ALossOfPowerTakesTheEndOfWhatWasNotFlushed) {
  ASSERT_TRUE(Put("k", "1", kv::Durability::kSync).ok());
  ASSERT_TRUE(Put("k", "2", kv::Durability::kInterval).ok());
  ASSERT_TRUE(Put("k", "3", kv::Durability::kInterval).ok());
  ASSERT_TRUE(Put("j", "3", kv::Durability::kInterval).ok());
  EXPECT_EQ(disk_.unflushed(), 3u);
  disk_.LosePower(2);
  EXPECT_EQ(Get("k"), "2");
  EXPECT_EQ(Get("j"), "absent");
  EXPECT_EQ(disk_.unflushed(), 0u) << "what is left has turned out to be durable";
}

TEST_F(DiskTest, AFlushCoversWhatWasThereWhenItBegan) {
  ASSERT_TRUE(Put("k", "1", kv::Durability::kInterval).ok());
  const uint64_t mark = disk_.FlushMark();
  ASSERT_TRUE(Put("k", "2", kv::Durability::kInterval).ok());
  ASSERT_TRUE(disk_.FlushUpTo(mark).ok());
  EXPECT_EQ(disk_.unflushed(), 1u);
  disk_.LosePower(1);
  EXPECT_EQ(Get("k"), "1");
}

TEST_F(DiskTest, ADurableCopyHasNothingThatIsNotFlushed) {
  ASSERT_TRUE(Put("k", "1", kv::Durability::kSync).ok());
  ASSERT_TRUE(Put("k", "2", kv::Durability::kInterval).ok());
  EXPECT_EQ(**disk_.Copy()->Get(kv::Space::kData, "k"), "2");
  EXPECT_EQ(**disk_.DurableCopy()->Get(kv::Space::kData, "k"), "1");
  EXPECT_EQ(Get("k"), "2");
}

TEST_F(DiskTest, ASynchronousCommitMakesAllBeforeItDurable) {
  ASSERT_TRUE(Put("k", "1", kv::Durability::kInterval).ok());
  ASSERT_TRUE(Put("j", "1", kv::Durability::kSync).ok());
  EXPECT_EQ(disk_.unflushed(), 0u);
}

TEST_F(DiskTest, AfterAFailureNothingIsWrittenUntilAnotherProcessStarts) {
  disk_.FailNext(Disk::Failure::kWritten);
  EXPECT_FALSE(Put("k", "1", kv::Durability::kSync).ok());
  EXPECT_EQ(Get("k"), "1") << "the page cache has it";
  EXPECT_EQ(disk_.unflushed(), 1u) << "and the disk may not";
  EXPECT_FALSE(Put("k", "2", kv::Durability::kSync).ok());
  disk_.Restarted();
  disk_.FailNext(Disk::Failure::kNotWritten);
  EXPECT_FALSE(Put("k", "3", kv::Durability::kSync).ok());
  EXPECT_EQ(Get("k"), "1");
}

TEST_F(DiskTest, DamageIsReportedToEveryReaderUntilItIsOverwritten) {
  ASSERT_TRUE(Put("k", "1", kv::Durability::kSync).ok());
  Random random(1);
  ASSERT_TRUE(disk_.DamageOne(kv::Space::kData, &random));
  EXPECT_EQ(Get("k"), "damaged");
  EXPECT_EQ(disk_.Scan(kv::Space::kData, "", "")->status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(disk_.Snapshot()->Get(kv::Space::kData, "k").ok());
  EXPECT_FALSE(disk_.Copy()->Get(kv::Space::kData, "k").ok()) << "a copy is no better";
  ASSERT_TRUE(Put("k", "2", kv::Durability::kSync).ok());
  EXPECT_EQ(Get("k"), "2");
}

}  // namespace
}  // namespace lamppost::sim
