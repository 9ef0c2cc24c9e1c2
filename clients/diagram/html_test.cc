#include "clients/diagram/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/diagram/testing/events.h"
#include "clients/diagram/testing/random_trace.h"
#include "nlohmann/json.hpp"

namespace lamppost::diagram {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::Receive;
using testing::Send;
using testing::Write;

History Built(std::vector<Event> events) {
  absl::StatusOr<History> history = Build(std::move(events));
  EXPECT_TRUE(history.ok()) << history.status();
  return history.ok() ? *std::move(history) : History();
}

size_t CountOf(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

nlohmann::json Embedded(const std::string& html) {
  const std::string begin = "id=\"history\">";
  const size_t at = html.find(begin) + begin.size();
  return nlohmann::json::parse(html.substr(at, html.find("</script>", at) - at), nullptr, false);
}

TEST(HtmlTest, NothingFromATraceEndsTheScript) {
  const std::string html = RenderHtml(
      Built({Write("A", 1, "</script><!--", "\xe2\x80\xa8 ]]> </script><script>alert(1)</script> \xff")}),
      {});
  EXPECT_EQ(CountOf(html, "</script"), 2u);
  EXPECT_EQ(CountOf(html, "<script"), 2u);
  EXPECT_THAT(html, Not(HasSubstr("<!--")));
  EXPECT_THAT(html, Not(HasSubstr("\xe2\x80\xa8")));
  EXPECT_EQ(Embedded(html)["events"][0]["keys"][0], "</script><!--");
}

TEST(HtmlTest, LoadsNothing) {
  const std::string html = RenderHtml(Built(testing::RandomTrace(3, 3, 60)), {});
  EXPECT_THAT(
      html,
      HasSubstr("content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\""));
  for (const char* reference :
       {" src=", "href=", "url(", "@import", "fetch(", "XMLHttpRequest", "WebSocket"}) {
    EXPECT_THAT(html, Not(HasSubstr(reference)));
  }
}

TEST(HtmlTest, HoldsWhatHappenedBeforeWhat) {
  const Event send = Send("A", "B", 1);
  const nlohmann::json data = Embedded(RenderHtml(Built({send, Receive(send, 2)}), {}));
  EXPECT_EQ(data["events"][1]["seen"], nlohmann::json({1, 1}));
  EXPECT_EQ(data["arrows"][0]["from"], 0);
  EXPECT_EQ(data["arrows"][0]["to"], 1);
  EXPECT_EQ(data["complete"], true);
  EXPECT_EQ(data["lanes"][1]["node"], "B");
}

TEST(HtmlTest, HasTwoDrawingsOnlyIfTheyDiffer) {
  const Event beat = testing::Quiet(Send("A", "B", 2));
  const History plain = Built({Write("A", 1, "x", "1")});
  const History quiet = Built({Write("A", 1, "x", "1"), beat});
  DrawOptions shown;
  shown.quiet = Quiet::kShown;
  EXPECT_EQ(CountOf(RenderHtml(plain, {}), "<svg "), 1u);
  EXPECT_EQ(CountOf(RenderHtml(plain, shown), "data-quiet=\"hidden\">"), 1u);
  EXPECT_EQ(CountOf(RenderHtml(quiet, {}), "<svg "), 2u);
  EXPECT_THAT(RenderHtml(quiet, {}), HasSubstr("data-quiet=\"shown\" hidden>"));
  EXPECT_THAT(RenderHtml(quiet, shown), HasSubstr("data-quiet=\"hidden\" hidden>"));
}

TEST(HtmlTest, IsBounded) {
  DrawOptions options;
  options.events_max = 10;
  std::vector<Event> events;
  for (uint64_t i = 1; i <= 1000; ++i) events.push_back(Write("A", i, "x", std::string(100'000, 'v')));
  const std::string html = RenderHtml(Built(std::move(events)), options);
  EXPECT_LT(html.size(), 100'000u);
  EXPECT_EQ(Embedded(html)["complete"], false);
}

}  // namespace
}  // namespace lamppost::diagram
