// What holds of every history, looked at in many random ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "clients/diagram/history.h"
#include "clients/diagram/html.h"
#include "clients/diagram/shiviz.h"
#include "clients/diagram/svg.h"
#include "clients/diagram/testing/random_trace.h"
#include "clients/diagram/testing/shiviz_log.h"

namespace lamppost::diagram {
namespace {

using ::testing::IsEmpty;
using Closure = std::vector<std::vector<bool>>;  // [a][b]: a before b

constexpr uint64_t kSeeds = 150;

History HistoryOf(uint64_t seed) {
  absl::StatusOr<History> history = Build(testing::RandomTrace(seed, 1 + seed % 5, 40 + seed));
  EXPECT_TRUE(history.ok()) << seed << history.status();
  return history.ok() ? *std::move(history) : History();
}

// Straight from the events: whatever is next in its node, and whatever has the same message.
Closure ClosureOf(const History& history) {
  const size_t count = history.points.size();
  Closure before(count, std::vector<bool>(count, false));
  std::map<MessageId, size_t> sends;
  for (size_t a = 0; a < count; ++a) {
    if (history.points[a].event.kind == Event::Kind::kSend) sends[history.points[a].event.message] = a;
    for (size_t b = a + 1; b < count; ++b)
      before[a][b] = history.points[a].event.node == history.points[b].event.node;
  }
  for (size_t b = 0; b < count; ++b) {
    const Event& event = history.points[b].event;
    if (event.kind == Event::Kind::kReceive && sends.count(event.message) > 0)
      before[sends[event.message]][b] = true;
  }
  for (size_t via = 0; via < count; ++via) {
    for (size_t a = 0; a < count; ++a) {
      if (!before[a][via]) continue;
      for (size_t b = 0; b < count; ++b) {
        if (before[via][b]) before[a][b] = true;
      }
    }
  }
  return before;
}

TEST(PropertyTest, GoodClocksGiveNoComplaints) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const History history = HistoryOf(seed);
    EXPECT_THAT(history.violations, IsEmpty()) << seed;
    EXPECT_THAT(CheckVectors(history), IsEmpty()) << seed;
  }
}

TEST(PropertyTest, RelationsAreTheTransitiveClosure) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const History history = HistoryOf(seed);
    const Closure before = ClosureOf(history);
    for (size_t a = 0; a < history.points.size(); ++a) {
      for (size_t b = 0; b < history.points.size(); ++b) {
        Relation expected = a == b ? Relation::kSelf : Relation::kConcurrent;
        if (before[b][a]) expected = Relation::kPast;
        if (before[a][b]) expected = Relation::kFuture;
        ASSERT_EQ(RelationOf(history, a, b), expected) << "seed " << seed << ", " << a << " and " << b;
        ASSERT_TRUE(!before[a][b] || a < b) << seed;
      }
    }
  }
}

TEST(PropertyTest, ABrokenVectorIsFound) {
  size_t found = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    std::vector<Event> events = testing::RandomTrace(seed, 3, 60);
    bool has_receive = false;
    for (Event& event : events) {
      // A node that takes no notice of what a message brings.
      if (event.kind != Event::Kind::kReceive) continue;
      has_receive = true;
      event.vector.erase(event.message.from);
      for (int i = 2; i < 9; ++i) event.vector.erase(event.message.from + "/" + std::to_string(i));
      break;
    }
    const absl::StatusOr<History> history = Build(std::move(events));
    ASSERT_TRUE(history.ok());
    if (!has_receive) continue;
    EXPECT_FALSE(CheckVectors(*history).empty()) << seed;
    ++found;
  }
  EXPECT_GT(found, kSeeds / 2);
}

TEST(PropertyTest, ShivizTakesTheLogAndReadsTheSameOrderInIt) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const History history = HistoryOf(seed);
    for (const Quiet quiet : {Quiet::kHidden, Quiet::kShown}) {
      const auto log = testing::ParseShiviz(ToShiviz(history, quiet));
      ASSERT_TRUE(log.ok()) << seed << log.status();
      std::vector<size_t> told;
      for (size_t i = 0; i < history.points.size(); ++i) {
        if (quiet == Quiet::kShown || !IsQuiet(history.points[i])) told.push_back(i);
      }
      ASSERT_EQ(log->size(), told.size()) << seed;
      for (size_t a = 0; a < told.size(); ++a) {
        for (size_t b = 0; b < told.size(); ++b) {
          const bool is_past = RelationOf(history, told[b], told[a]) == Relation::kPast;
          ASSERT_EQ(testing::IsAtMost((*log)[a], (*log)[b]), a == b || is_past) << seed;
        }
      }
    }
  }
}

// Counters as they come, messages that were never sent, marks of nothing.
std::vector<Event> Nonsense(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto name = [&random] { return std::string(1, static_cast<char>('A' + random() % 4)); };
  std::vector<Event> events(40);
  for (Event& event : events) {
    event.kind = static_cast<Event::Kind>(random() % 11);
    event.node = name();
    event.counter = random() % 12;
    const bool is_receive = event.kind == Event::Kind::kReceive;
    event.message = {is_receive ? name() : event.node, is_receive ? event.node : name(), random() % 12};
    event.is_quiet = random() % 4 == 0;
    event.vector[name()] = random() % 3;
  }
  return events;
}

TEST(PropertyTest, NonsenseIsDrawnToo) {
  size_t circles = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    const absl::StatusOr<History> history = Build(Nonsense(seed));
    ASSERT_TRUE(history.ok()) << seed << history.status();
    EXPECT_FALSE(history->violations.empty()) << seed;
    for (const Arrow& arrow : history->arrows) {
      circles += arrow.is_ignored ? 1 : 0;
      if (arrow.is_ignored || arrow.from == Arrow::kNowhere || arrow.to == Arrow::kNowhere) continue;
      EXPECT_LT(arrow.from, arrow.to) << seed;
    }
    EXPECT_LE(CheckVectors(*history).size(), History::kViolationsMax + 1) << seed;
    DrawOptions options;
    options.events_max = 30;
    EXPECT_FALSE(RenderHtml(*history, options).empty()) << seed;
    EXPECT_FALSE(ToShiviz(*history, Quiet::kHidden).empty()) << seed;
  }
  EXPECT_GT(circles, 0u);
}

TEST(PropertyTest, TheSameHistoryGivesTheSameDrawing) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    EXPECT_EQ(RenderSvg(HistoryOf(seed), {}), RenderSvg(HistoryOf(seed), {})) << seed;
  }
}

}  // namespace
}  // namespace lamppost::diagram
