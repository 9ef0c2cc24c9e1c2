#include "clients/diagram/svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/diagram/layout.h"
#include "clients/diagram/testing/events.h"
#include "clients/diagram/testing/random_trace.h"

namespace lamppost::diagram {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::Of;
using testing::Receive;
using testing::Send;
using testing::Write;

History Built(std::vector<Event> events) {
  absl::StatusOr<History> history = Build(std::move(events));
  EXPECT_TRUE(history.ok()) << history.status();
  return history.ok() ? *std::move(history) : History();
}

TEST(SvgTest, NothingFromATraceIsMarkup) {
  DrawOptions options;
  options.title = "a < b & \"c\"";
  const std::string svg =
      RenderSvg(Built({Write("<b>", 1, "k", "</text><script>alert(1)</script>\x01\xff")}), options);
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, HasSubstr("&lt;b&gt;"));
  EXPECT_THAT(svg, HasSubstr("\\x01\\xff"));
  EXPECT_THAT(svg, HasSubstr("a &lt; b &amp; &quot;c&quot;"));
  EXPECT_EQ(svg.find_first_of(std::string("\0\x01\xff", 3)), std::string::npos);
}

TEST(SvgTest, ReadsNothingFromElsewhere) {
  const std::string svg = RenderSvg(Built(testing::RandomTrace(1, 3, 60)), {});
  for (const char* reference : {"href", "url(", "@import", "<image", "<use", "<foreignObject", "<script"}) {
    EXPECT_THAT(svg, Not(HasSubstr(reference)));
  }
}

TEST(SvgTest, SaysWhatItLeavesOut) {
  DrawOptions options;
  options.events_max = 1;
  options.keys = {KeyFilter::Match::kPrefix, "x"};
  const Event beat = testing::Quiet(Send("A", "B", 3));
  const std::string svg = RenderSvg(Built({Write("A", 1, "x", "1"), Write("A", 2, "x", "2"), beat}), options);
  EXPECT_THAT(svg, HasSubstr("1 later events are left out."));
  EXPECT_THAT(svg, HasSubstr("Only what is about keys that begin with x."));
}

TEST(SvgTest, AnEmptyHistoryIsADrawing) {
  EXPECT_THAT(RenderSvg(Built({}), {}), HasSubstr("There is nothing to draw."));
}

TEST(SvgTest, TheLegendExplainsOnlyWhatIsThere) {
  const Event send = Send("A", "B", 1);
  const std::string svg = RenderSvg(Built({send, Receive(send, 2)}), {});
  EXPECT_THAT(svg, HasSubstr(">sends</text>"));
  EXPECT_THAT(svg, Not(HasSubstr(">writes</text>")));
  EXPECT_THAT(svg, Not(HasSubstr(">lost message</text>")));
}

TEST(SvgTest, ALaneIsDottedWhileItsNodeIsAway) {
  const std::string svg = RenderSvg(Built({Write("A", 1, "x", "1"), Of(Event::Kind::kCrash, "A"),
                                           Of(Event::Kind::kStart, "A"), Write("A", 9, "x", "2")}),
                                    {});
  EXPECT_THAT(svg, HasSubstr("class=\"lane away\""));
  EXPECT_THAT(svg, HasSubstr(">not running</text>"));
}

TEST(SvgTest, TallDrawingsNameTheNodesAtTheBottomToo) {
  const auto heads = [](size_t events) {
    std::vector<Event> writes;
    for (size_t i = 0; i < events; ++i) writes.push_back(Write("node", i + 1, "x", "1"));
    const std::string svg = RenderSvg(Built(std::move(writes)), {});
    size_t count = 0;
    for (size_t at = svg.find("lane-name\""); at != std::string::npos; at = svg.find("lane-name\"", at + 1))
      ++count;
    return count;
  };
  EXPECT_EQ(heads(5), 1u);
  EXPECT_EQ(heads(60), 2u);
}

// The widest label makes the room that it then has to fit into, to the last bit.
TEST(LayoutTest, WhatThereIsRoomForIsNotCut) {
  const std::string text = "push x, y and 30";
  for (size_t length = 1; length <= text.size(); ++length) {
    for (const uint64_t counter : {1, 20, 345}) {
      const std::string value = text.substr(0, length) + "|";
      const History history = Built({Write("A", counter, "x", value)});
      EXPECT_EQ(Arrange(history, Choose(history, {}), 80).events[0].label, "x = " + value);
    }
  }
}

TEST(LayoutTest, NoTextRunsOverAnother) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const History history = Built(testing::RandomTrace(seed, 1 + seed % 6, 120));
    const Layout layout = Arrange(history, Choose(history, {}), 80);
    for (size_t a = 0; a < layout.events.size(); ++a) {
      const Box& text = layout.events[a].text;
      EXPECT_GE(text.left, 0) << seed;
      EXPECT_LE(text.right, layout.width) << seed;
      for (size_t b = a + 1; b < layout.events.size(); ++b) {
        EXPECT_FALSE(text.Overlaps(layout.events[b].text))
            << seed << ": " << layout.events[a].label << " over " << layout.events[b].label;
      }
    }
  }
}

}  // namespace
}  // namespace lamppost::diagram
