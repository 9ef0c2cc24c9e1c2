// What is drawn of a run: every arrow leads to a later event, and what befell the messages can be seen.
#include "tests/sim/diagram.h"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "clients/diagram/history.h"
#include "clients/diagram/jsonl.h"
#include "clients/diagram/view.h"
#include "gtest/gtest.h"
#include "tests/sim/draw_plan.h"
#include "tests/sim/play.h"

namespace lamppost::sim {
namespace {

using diagram::Arrow;
using diagram::Event;
using diagram::History;

std::vector<Event> Record(const Plan& plan, DiagramRecorder::Stretch stretch = {}) {
  DiagramRecorder recorder(plan, stretch);
  Play(plan, {&recorder});
  return recorder.Take();
}

History Built(std::vector<Event> events) {
  absl::StatusOr<History> history = diagram::Build(std::move(events));
  EXPECT_TRUE(history.ok()) << history.status();
  return history.ok() ? *std::move(history) : History();
}

// Two nodes that are let alone, and a client at each, who begins when the nodes' lives are decided.
Plan Calm() {
  Plan plan;
  plan.seed = 5;
  plan.nodes = 2;
  plan.clients = 2;
  plan.faults_end_ms = 4000;
  plan.errands = {{3000, 0, 0, Act::kPut, {1}}, {3500, 1, 1, Act::kDelete, {1}}};
  return plan;
}

TEST(DiagramTest, CountersGrowAlongLanesAndArrowsUnderAllFaults) {
  google::protobuf::SetLogHandler(nullptr);  // flipped bits are meant to be unreadable
  std::map<Event::Kind, size_t> kinds;
  std::map<Arrow::Status, size_t> statuses;
  std::set<std::string> lanes;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    std::vector<Event> events = Record(DrawPlan(seed));
    for (const Event& event : events) ++kinds[event.kind];
    const History history = Built(std::move(events));
    EXPECT_TRUE(history.violations.empty()) << "seed " << seed << ":\n"
                                            << absl::StrJoin(history.violations, "\n");
    for (const Arrow& arrow : history.arrows) ++statuses[arrow.status];
    for (const diagram::Lane& lane : history.lanes) lanes.insert(lane.node);
  }
  for (const Event::Kind kind :
       {Event::Kind::kSend, Event::Kind::kReceive, Event::Kind::kWrite, Event::Kind::kConflict,
        Event::Kind::kStart, Event::Kind::kStop, Event::Kind::kCrash, Event::Kind::kDrop, Event::Kind::kDelay,
        Event::Kind::kDuplicate}) {
    EXPECT_GT(kinds[kind], 10u) << static_cast<int>(kind);
  }
  EXPECT_GT(statuses[Arrow::Status::kArrived], 10000u);
  EXPECT_GT(statuses[Arrow::Status::kArrivedAsCopy], 100u);
  EXPECT_GT(statuses[Arrow::Status::kLost], 100u);
  EXPECT_LT(statuses[Arrow::Status::kUnseen], statuses[Arrow::Status::kArrived] / 100);
  EXPECT_LT(statuses[Arrow::Status::kFromOutside], statuses[Arrow::Status::kArrived] / 1000);
  EXPECT_TRUE(std::any_of(lanes.begin(), lanes.end(),
                          [](const std::string& lane) { return absl::StrContains(lane, ", disk 2"); }));
}

TEST(DiagramTest, AWriteIsSeenToArrive) {
  const History history = Built(Record(Calm()));
  ASSERT_EQ(history.lanes.size(), 2u);
  std::vector<std::string> written;
  for (const diagram::Point& point : history.points) {
    if (point.event.kind == Event::Kind::kWrite && !point.event.is_quiet) {
      written.push_back(point.event.node + " " + point.event.what + " " +
                        absl::StrJoin(point.event.keys, " "));
    }
  }
  EXPECT_EQ(written, (std::vector<std::string>{"A write k1", "B delete k1"}));
  const auto pushed = std::find_if(history.arrows.begin(), history.arrows.end(), [&](const Arrow& arrow) {
    return arrow.message.from == "A" && history.points[arrow.from].event.what == "push";
  });
  ASSERT_NE(pushed, history.arrows.end());
  EXPECT_EQ(pushed->status, Arrow::Status::kArrived);
  const Event& receipt = history.points[pushed->to].event;
  EXPECT_EQ(receipt.keys, (std::vector<std::string>{"k1"}));
  EXPECT_GE(receipt.unix_us, 3'000'000);
  EXPECT_LT(receipt.unix_us, 3'500'000);
}

TEST(DiagramTest, AConflictIsMarkedWhereTheTwoMet) {
  Plan plan = Calm();
  plan.errands = {{3000, 0, 0, Act::kPut, {1}}, {3000, 1, 1, Act::kPut, {1}}};
  plan.latency_min_us = plan.latency_max_us = 20'000;
  const History history = Built(Record(plan));
  std::vector<const diagram::Point*> marked;
  for (const diagram::Point& point : history.points) {
    for (const Event& mark : point.marks) {
      if (mark.kind == Event::Kind::kConflict) marked.push_back(&point);
    }
  }
  ASSERT_FALSE(marked.empty());
  EXPECT_EQ(marked.front()->event.kind, Event::Kind::kReceive);
  EXPECT_EQ(marked.front()->event.what, "push");
  EXPECT_EQ(marked.front()->marks.front().keys, (std::vector<std::string>{"k1"}));
}

TEST(DiagramTest, AnEndInOrderIsNoCrash) {
  for (const auto& [fault, kind] :
       {std::pair<const char*, Event::Kind>{"stop", Event::Kind::kStop}, {"kill", Event::Kind::kCrash}}) {
    Plan plan = Calm();
    plan.strikes = {{400, fault, 0, 1, 50, 0}};
    std::vector<Event::Kind> ends;
    for (const Event& event : Record(plan)) {
      if (event.kind == Event::Kind::kStop || event.kind == Event::Kind::kCrash) ends.push_back(event.kind);
    }
    EXPECT_EQ(ends, std::vector<Event::Kind>{kind}) << fault;
  }
}

TEST(DiagramTest, AStretchHasWhatHappensInIt) {
  const DiagramRecorder::Stretch stretch{1'000'000, 1'200'000};
  const std::vector<Event> events = Record(DrawPlan(7), stretch);
  ASSERT_FALSE(events.empty());
  for (const Event& event : events) {
    const bool is_mark = event.kind == Event::Kind::kDrop || event.kind == Event::Kind::kDelay ||
                         event.kind == Event::Kind::kDuplicate;  // those may come later
    EXPECT_GE(event.unix_us, 1'000'000);
    EXPECT_TRUE(is_mark || event.unix_us < 1'200'000);
  }
  EXPECT_TRUE(Built(events).violations.empty());
}

TEST(DiagramTest, BeingRecordedChangesNothing) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const Plan plan = DrawPlan(seed);
    DiagramRecorder recorder(plan, {});
    EXPECT_EQ(Play(plan, {&recorder}).trace_hash, Play(plan).trace_hash) << "seed " << seed;
  }
}

TEST(DiagramTest, TheSameRunGivesTheSameEvents) {
  EXPECT_EQ(diagram::ToJsonl(Record(DrawPlan(3))), diagram::ToJsonl(Record(DrawPlan(3))));
}

}  // namespace
}  // namespace lamppost::sim
