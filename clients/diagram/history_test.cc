#include "clients/diagram/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/diagram/testing/events.h"
#include "services/common/error.h"

namespace lamppost::diagram {
namespace {

using testing::Conflict;
using testing::Delay;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Mark;
using testing::Of;
using testing::Receive;
using testing::Send;
using ::testing::SizeIs;
using testing::Write;

History Built(std::vector<Event> events) {
  absl::StatusOr<History> history = Build(std::move(events));
  EXPECT_TRUE(history.ok()) << history.status();
  return history.ok() ? *std::move(history) : History();
}

TEST(HistoryTest, LanesAreByNodeAndPointsByCounter) {
  const Event send = Send("B", "A", 2);
  const History history = Built({Write("B", 1, "x", "1"), send, Receive(send, 3), Write("C", 1, "x", "2")});
  ASSERT_THAT(history.lanes, SizeIs(3));
  EXPECT_EQ(history.lanes[0].node, "A");
  EXPECT_THAT(history.lanes[1].points, ElementsAre(0u, 2u));
  EXPECT_THAT(history.lanes[2].points, ElementsAre(1u));
  EXPECT_EQ(history.points[3].event.kind, Event::Kind::kReceive);
  EXPECT_THAT(history.points[3].seen, ElementsAre(1u, 2u, 0u));
  EXPECT_EQ(RelationOf(history, 3, 0), Relation::kPast);
  EXPECT_EQ(RelationOf(history, 0, 3), Relation::kFuture);
  EXPECT_EQ(RelationOf(history, 3, 1), Relation::kConcurrent);
  EXPECT_EQ(RelationOf(history, 3, 3), Relation::kSelf);
  EXPECT_THAT(history.violations, IsEmpty());
  EXPECT_EQ(history.LaneOf("C"), 2u);
  EXPECT_EQ(history.LaneOf("D"), std::nullopt);
}

TEST(HistoryTest, EveryWayOfAMessageIsAnArrow) {
  const Event twice = Send("A", "B", 1);
  const Event lost = Send("A", "B", 2);
  const Event late = Send("A", "B", 3);
  const Event unseen = Send("A", "C", 4);
  const Event from_outside = Send("D", "B", 7);
  const History history =
      Built({twice, Mark(Event::Kind::kDuplicate, twice), lost, Mark(Event::Kind::kDrop, lost), late,
             Delay(late, 2000), unseen, Receive(twice, 5), Receive(twice, 6), Receive(late, 7),
             Receive(from_outside, 8)});
  ASSERT_THAT(history.arrows, SizeIs(6));
  const auto is = [&](size_t arrow, Arrow::Status status) {
    EXPECT_EQ(history.arrows[arrow].status, status) << arrow;
  };
  is(0, Arrow::Status::kArrived);
  is(1, Arrow::Status::kArrivedAsCopy);
  is(2, Arrow::Status::kLost);
  is(3, Arrow::Status::kArrived);
  is(4, Arrow::Status::kUnseen);
  is(5, Arrow::Status::kFromOutside);
  EXPECT_EQ(history.arrows[1].from, history.arrows[0].from);
  EXPECT_LT(history.arrows[0].to, history.arrows[1].to);
  EXPECT_EQ(history.arrows[2].to, Arrow::kNowhere);
  EXPECT_TRUE(history.arrows[3].is_delayed);
  EXPECT_EQ(history.arrows[3].delay_ms, 2000u);
  EXPECT_FALSE(history.arrows[0].is_delayed);
  EXPECT_EQ(history.arrows[5].from, Arrow::kNowhere);
  EXPECT_THAT(history.violations, IsEmpty());
}

TEST(HistoryTest, MarksBelongToTheEventBeforeThem) {
  const Event send = Send("A", "B", 3);
  const History history = Built({send, Of(Event::Kind::kGap, "A"), Mark(Event::Kind::kDrop, send)});
  ASSERT_THAT(history.points, SizeIs(2));
  EXPECT_THAT(history.points[0].marks, SizeIs(1));
  EXPECT_EQ(history.points[1].event.kind, Event::Kind::kGap);
}

TEST(HistoryTest, AMarkStandsForItsMissingEvent) {
  const Event send = Send("A", "B", 3);
  const Event write = Write("A", 5, "x", "1");
  const History history = Built({Mark(Event::Kind::kDrop, send), Conflict(write, "x", "")});
  ASSERT_THAT(history.points, SizeIs(2));
  EXPECT_EQ(history.points[0].event.kind, Event::Kind::kSend);
  EXPECT_EQ(history.points[1].event.kind, Event::Kind::kConflict);
  ASSERT_THAT(history.arrows, SizeIs(1));
  EXPECT_EQ(history.arrows[0].status, Arrow::Status::kLost);
}

TEST(HistoryTest, AStartStandsBeforeWhatTheNodeDoesNext) {
  const Event send = Send("B", "A", 30);
  const History history =
      Built({Write("A", 5, "x", "1"), Of(Event::Kind::kCrash, "A"), Of(Event::Kind::kStart, "A"),
             Receive(send, 31), Write("B", 20, "y", "1"), send});
  ASSERT_THAT(history.lanes[0].points, ElementsAre(0u, 1u, 4u, 5u));
  EXPECT_EQ(history.points[1].order, 5u);
  EXPECT_EQ(history.points[4].order, 31u);
  EXPECT_EQ(RelationOf(history, 5, 0), Relation::kPast);
}

TEST(HistoryTest, AStartWithNothingAfterItComesLast) {
  const History history =
      Built({Write("A", 5, "x", "1"), Of(Event::Kind::kCrash, "A"), Of(Event::Kind::kStart, "A"),
             Write("B", 9, "x", "1"), Of(Event::Kind::kStart, "C")});
  EXPECT_EQ(history.points[0].event.node, "C");
  EXPECT_EQ(history.points[3].event.kind, Event::Kind::kStart);
  EXPECT_EQ(history.points[3].order, 9u);
}

TEST(ViolationsTest, CountersThatDoNotGrowAreTold) {
  const Event send = Send("A", "B", 7);
  const Event outside = Send("D", "B", 40);
  const History history = Built(
      {Write("A", 7, "x", "1"), send, Receive(send, 7), Receive(outside, 39), Write("B", 50, "x", "1")});
  EXPECT_THAT(history.violations,
              ElementsAre("the send 7 at A comes after the write 7 at A, which is not smaller",
                          "the receive 7 at B is of a message that A sent at 7, which is not smaller",
                          "the receive 39 at B is of a message that D sent at 40, which is not smaller"));
  EXPECT_THAT(history.points, SizeIs(5));
}

TEST(ViolationsTest, AreDrawnInAnOrderThatAgreesWithTheArrows) {
  const Event send = Send("A", "B", 9);
  const History history = Built({send, Receive(send, 3)});
  EXPECT_EQ(history.points[0].event.kind, Event::Kind::kSend);
  EXPECT_THAT(history.violations, SizeIs(1));
}

TEST(ViolationsTest, ACircleIsBrokenUp) {
  const Event a = Send("A", "B", 2);
  const Event b = Send("B", "A", 2);
  const History history = Built({Receive(b, 1), a, Receive(a, 1), b});
  EXPECT_THAT(history.points, SizeIs(4));
  EXPECT_THAT(history.violations, ::testing::Contains(HasSubstr("sent only after it")));
  EXPECT_EQ(history.arrows[0].is_ignored + history.arrows[1].is_ignored, 1);
}

TEST(ViolationsTest, AreBounded) {
  std::vector<Event> events(300, Write("A", 1, "x", "1"));
  const History history = Built(std::move(events));
  ASSERT_THAT(history.violations, SizeIs(History::kViolationsMax + 1));
  EXPECT_EQ(history.violations.back(), "and 199 more of the kind");
}

TEST(BuildTest, RefusesWhatCannotBePlaced) {
  Event send = Send("A", "B", 1);
  send.node = "C";
  const absl::Status status = Build({send}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(status), "TRACE_INVALID");
  EXPECT_EQ(status.message(), "send 1 of node 'C': the message is from another node");
  EXPECT_FALSE(Build({Of(Event::Kind::kWrite, "", 1)}).ok());
  EXPECT_FALSE(Build({Of(Event::Kind::kSend, "A", 1)}).ok());
  EXPECT_TRUE(Build({}).ok());
}

TEST(BuildTest, RefusesMoreThanItHasMemoryFor) {
  std::vector<Event> events;
  for (int i = 0; i < 8000; ++i) events.push_back(Write(std::to_string(i), 1, "x", "1"));
  EXPECT_EQ(Build(std::move(events)).status().code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace lamppost::diagram
