#include "tests/integration/chaos/schedule.h"

#include <map>
#include <string>

#include "gtest/gtest.h"

namespace lamppost::chaos {
namespace {

ScheduleOptions Options(uint64_t seed, int nodes, int64_t length_ms) {
  ScheduleOptions options;
  options.seed = seed;
  options.nodes = nodes;
  options.length_ms = length_ms;
  options.kinds = AllStrikeKinds();
  options.small_disk_node = nodes - 1;
  return options;
}

std::string Text(const std::vector<Strike>& strikes) {
  std::string text;
  for (const Strike& strike : strikes) text += ToString(strike) + "\n";
  return text;
}

TEST(Schedule, IsTheSameForTheSameSeed) {
  EXPECT_EQ(Text(MakeSchedule(Options(7, 3, 60000))), Text(MakeSchedule(Options(7, 3, 60000))));
  EXPECT_NE(Text(MakeSchedule(Options(7, 3, 60000))), Text(MakeSchedule(Options(8, 3, 60000))));
}

TEST(Schedule, StrikesInEveryWayEvenWhenShort) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    std::map<StrikeKind, int> counts;
    for (const Strike& strike : MakeSchedule(Options(seed, 3 + seed % 3, kLengthMinMs))) {
      ++counts[strike.kind];
      EXPECT_LE(strike.end_ms, kLengthMinMs);
      EXPECT_LT(strike.start_ms, strike.end_ms);
    }
    EXPECT_EQ(counts.size(), AllStrikeKinds().size()) << "seed " << seed;
  }
}

TEST(Schedule, StrikesOnlyWhatIsAskedFor) {
  ScheduleOptions options = Options(3, 3, 60000);
  options.kinds = {StrikeKind::kKill, StrikeKind::kOneWay};
  for (const Strike& strike : MakeSchedule(options)) EXPECT_EQ(options.kinds.count(strike.kind), 1u);
}

TEST(Schedule, LeavesEachProcessToOneStrike) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::vector<Strike> single;
    for (const Strike& strike : MakeSchedule(Options(seed, 3 + seed % 3, 60000))) {
      const bool network = strike.kind >= StrikeKind::kIsolate;
      if (!network && strike.kind != StrikeKind::kKillAll) single.push_back(strike);
    }
    for (const Strike& a : single) {
      for (const Strike& b : single) {
        const bool overlap = a.start_ms < b.end_ms && b.start_ms < a.end_ms;
        if (&a != &b && overlap) EXPECT_NE(a.nodes[0], b.nodes[0]) << ToString(a) << "\n" << ToString(b);
      }
    }
  }
}

TEST(Schedule, HasSeveralStrikesAtOnceAndBothManners) {
  int at_once = 0;
  std::map<Manner, int> manners;
  const std::vector<Strike> strikes = MakeSchedule(Options(1, 5, 60000));
  for (const Strike& a : strikes) {
    ++manners[a.manner];
    for (const Strike& b : strikes) {
      at_once += &a != &b && a.start_ms < b.end_ms && b.start_ms < a.end_ms ? 1 : 0;
    }
  }
  EXPECT_GT(at_once, 10);
  EXPECT_EQ(manners.size(), 2u);
}

}  // namespace
}  // namespace lamppost::chaos
