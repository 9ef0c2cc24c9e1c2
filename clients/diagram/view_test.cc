#include "clients/diagram/view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/diagram/testing/events.h"

namespace lamppost::diagram {
namespace {

using testing::Conflict;
using ::testing::ElementsAre;
using testing::Of;
using testing::Receive;
using testing::Send;
using testing::Write;

History Built(std::vector<Event> events) {
  absl::StatusOr<History> history = Build(std::move(events));
  EXPECT_TRUE(history.ok()) << history.status();
  return history.ok() ? *std::move(history) : History();
}

std::vector<size_t> Rows(const View& view) {
  std::vector<size_t> rows;
  for (const View::Event& event : view.events) rows.push_back(event.row);
  return rows;
}

std::vector<size_t> Points(const View& view) {
  std::vector<size_t> points;
  for (const View::Event& event : view.events) points.push_back(event.point);
  return points;
}

TEST(ChooseTest, EventsWithOneCounterShareARow) {
  const Event send = Send("A", "B", 7);
  const View view = Choose(Built({Write("A", 1, "x", "1"), send, Write("B", 1, "x", "2"), Receive(send, 8),
                                  Write("C", 5, "x", "3")}),
                           {});
  EXPECT_THAT(Rows(view), ElementsAre(0u, 0u, 1u, 2u, 3u));
  EXPECT_EQ(view.rows, 4u);
}

TEST(ChooseTest, WhatHasNoCounterHasARowOfItsOwn) {
  const View view = Choose(Built({Write("A", 1, "x", "1"), Of(Event::Kind::kCrash, "A"),
                                  Write("B", 1, "x", "2"), Write("B", 2, "x", "3")}),
                           {});
  EXPECT_THAT(Rows(view), ElementsAre(0u, 1u, 0u, 2u));
}

TEST(ChooseTest, AnArrowLeadsDownEvenIfTheCountersAreWrong) {
  const Event send = Send("A", "B", 7);
  const View view = Choose(Built({send, Receive(send, 7)}), {});
  EXPECT_THAT(Rows(view), ElementsAre(0u, 1u));
}

TEST(ChooseTest, QuietMessagesAreHiddenUnlessAskedFor) {
  const Event beat = testing::Quiet(Send("A", "B", 1));
  const History history = Built({beat, Receive(beat, 2), Write("B", 3, "x", "1")});
  const View hidden = Choose(history, {});
  EXPECT_THAT(Points(hidden), ElementsAre(2u));
  EXPECT_EQ(hidden.quiet_hidden, 2u);
  EXPECT_TRUE(hidden.arrows.empty());
  DrawOptions options;
  options.quiet = Quiet::kShown;
  const View shown = Choose(history, options);
  EXPECT_THAT(Points(shown), ElementsAre(0u, 1u, 2u));
  EXPECT_EQ(shown.quiet_hidden, 0u);
}

TEST(ChooseTest, WhatSomethingCameOfIsNotQuiet) {
  const Event beat = testing::Quiet(Send("A", "B", 1));
  const Event receive = Receive(beat, 2);
  EXPECT_THAT(Points(Choose(Built({beat, receive, Conflict(receive, "x", "")}), {})), ElementsAre(0u, 1u));
}

TEST(ChooseTest, FiltersByKey) {
  Event about_y = Send("A", "B", 2);
  about_y.keys = {"user/y"};
  const Event receive = Receive(about_y, 3);
  const History history = Built(
      {Write("A", 1, "x", "1"), about_y, Of(Event::Kind::kCrash, "A"), receive, Conflict(receive, "x", "")});
  const auto points = [&](KeyFilter filter) {
    DrawOptions options;
    options.keys = std::move(filter);
    return Points(Choose(history, options));
  };
  // The conflict on x makes its message one about x, with both its ends.
  EXPECT_THAT(points({KeyFilter::Match::kExact, "x"}), ElementsAre(0u, 1u, 2u, 3u));
  EXPECT_THAT(points({KeyFilter::Match::kExact, "user/y"}), ElementsAre(1u, 2u, 3u));
  EXPECT_THAT(points({KeyFilter::Match::kPrefix, "user/"}), ElementsAre(1u, 2u, 3u));
  EXPECT_THAT(points({KeyFilter::Match::kExact, "user/"}), ElementsAre(2u));
}

TEST(ChooseTest, LeavesLaterEventsOutAndCountsThem) {
  const Event send = Send("A", "B", 1);
  DrawOptions options;
  options.events_max = 2;
  const View view =
      Choose(Built({send, Write("A", 2, "x", "1"), Receive(send, 3), Write("B", 4, "x", "2")}), options);
  EXPECT_THAT(Points(view), ElementsAre(0u, 1u));
  EXPECT_EQ(view.later_left_out, 2u);
  ASSERT_EQ(view.arrows.size(), 1u);
  EXPECT_TRUE(view.arrows[0].is_cut);
}

}  // namespace
}  // namespace lamppost::diagram
