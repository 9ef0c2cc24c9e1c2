#include "clients/diagram/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/diagram/testing/events.h"

namespace lamppost::diagram {
namespace {

using testing::Conflict;
using ::testing::Contains;
using testing::Delay;
using testing::Mark;
using testing::Of;
using ::testing::Pair;
using testing::Send;
using testing::Write;

Point PointOf(Event event, std::vector<Event> marks = {}) {
  Point point;
  point.event = std::move(event);
  point.marks = std::move(marks);
  return point;
}

TEST(DescribeTest, EventsInWords) {
  const Event send = Send("A", "B", 5);
  EXPECT_EQ(Describe(PointOf(send, {Delay(send, 2000), Mark(Event::Kind::kDuplicate, send)})),
            "A 5: sends push x to B; delayed by 2000 ms; arrives twice");
  EXPECT_EQ(Describe(PointOf(Of(Event::Kind::kCrash, "A"))), "A: crashes");
  EXPECT_EQ(Describe(PointOf(Write("A", 1, "x", "a\nb"))), "A 1: write: x = a\\nb");
}

TEST(LabelTest, SaysWhatTheDrawingDoesNot) {
  Event send = Send("A", "B", 5);
  EXPECT_EQ(LabelOf(PointOf(send)), "push x");
  send.keys = {"a", "b", "c", "d"};
  send.entries = 40;
  EXPECT_EQ(LabelOf(PointOf(send)), "push a, b, c and 37 more");
  send.keys.clear();
  EXPECT_EQ(LabelOf(PointOf(send)), "push of 40");
  EXPECT_EQ(LabelOf(PointOf(Write("A", 1, "x", "10"))), "x = 10");
  const Event write = Write("A", 1, "x", "10");
  const Point conflict = PointOf(write, {Conflict(write, "x", "9 lost to 10")});
  EXPECT_EQ(LabelOf(conflict), "x = 10 · conflict on x");
  EXPECT_EQ(SecondLabelOf(conflict), "9 lost to 10");
}

TEST(FactsTest, TellTheTimeOfDay) {
  Event write = Write("A", 1, "x", "10");
  write.unix_us = 1'764'165'600'000'123;
  write.vector = {{"A", 1}, {"B/2", 7}};
  const auto facts = FactsOf(PointOf(write));
  EXPECT_THAT(facts, Contains(Pair("time", "14:00:00.000123 UTC")));
  EXPECT_THAT(facts, Contains(Pair("vector", "A: 1, B/2: 7")));
  write.unix_us = -1;
  EXPECT_THAT(FactsOf(PointOf(write)), Contains(Pair("time", "23:59:59.999999 UTC")));
}

}  // namespace
}  // namespace lamppost::diagram
