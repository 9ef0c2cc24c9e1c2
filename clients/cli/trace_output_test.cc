#include "clients/cli/trace_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "clients/diagram/jsonl.h"

namespace lamppost::cli {
namespace {

using diagram::Event;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TraceOutput Parsed(const std::string& text) {
  const absl::StatusOr<TraceOutput> output = ParseTraceOutput(text);
  EXPECT_TRUE(output.ok()) << text << ": " << output.status();
  return output.ok() ? *output : TraceOutput();
}

TEST(TraceOutputTest, TheNameTellsTheForm) {
  EXPECT_EQ(Parsed("a.svg").form, TraceForm::kSvg);
  EXPECT_EQ(Parsed("a.html").form, TraceForm::kHtml);
  EXPECT_EQ(Parsed("a.shiviz").form, TraceForm::kShiviz);
  EXPECT_EQ(Parsed("a.log").form, TraceForm::kShiviz);
  EXPECT_EQ(Parsed("a.jsonl").form, TraceForm::kJsonl);
  EXPECT_EQ(Parsed("dir.d/my.trace.html").form, TraceForm::kHtml);
  EXPECT_EQ(Parsed("dir.d/my.trace.html").path, "dir.d/my.trace.html");
}

TEST(TraceOutputTest, AFormAloneIsStandardOutput) {
  for (const char* form : {"svg", "html", "shiviz", "jsonl"}) EXPECT_EQ(Parsed(form).path, "") << form;
  EXPECT_EQ(Parsed("jsonl").form, TraceForm::kJsonl);
  EXPECT_EQ(Parsed("./svg.svg").path, "./svg.svg");
}

TEST(TraceOutputTest, NothingElseIsGuessed) {
  for (const char* text : {"", "log", "a", "a.", "a.png", "a.SVG", "a.svg.gz", "dir.svg/a", "-", "json"}) {
    EXPECT_EQ(ParseTraceOutput(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

Event Of(Event::Kind kind, const std::string& node, uint64_t counter) {
  Event event;
  event.kind = kind;
  event.node = node;
  event.counter = counter;
  event.what = "push";
  event.message = {"A", "B", 1};
  event.keys = {"x"};
  return event;
}

// Each in its own form, and all of the same events.
TEST(TraceOutputTest, Renders) {
  std::vector<Event> events = {Of(Event::Kind::kSend, "A", 1), Of(Event::Kind::kReceive, "B", 2)};
  Event quiet = Of(Event::Kind::kSend, "A", 3);
  quiet.message.counter = 3;
  quiet.is_quiet = true;
  quiet.what = "heartbeat";
  quiet.keys.clear();
  events.push_back(quiet);
  const absl::StatusOr<diagram::History> history = diagram::Build(events);
  ASSERT_TRUE(history.ok());
  diagram::DrawOptions options;
  options.title = "Two nodes";
  const auto rendered = [&](TraceForm form) { return RenderTrace(events, *history, form, options); };
  EXPECT_THAT(rendered(TraceForm::kSvg),
              AllOf(HasSubstr("<svg"), HasSubstr("Two nodes"), Not(HasSubstr("<html"))));
  EXPECT_THAT(rendered(TraceForm::kHtml), AllOf(StartsWith("<!"), HasSubstr("<svg"), HasSubstr("Two nodes")));
  EXPECT_THAT(rendered(TraceForm::kShiviz), HasSubstr("{\"A\":1"));
  EXPECT_EQ(rendered(TraceForm::kJsonl), diagram::ToJsonl(events)) << "all of them, whatever is drawn";
  const std::string hidden = rendered(TraceForm::kShiviz);
  options.quiet = diagram::Quiet::kShown;
  EXPECT_NE(rendered(TraceForm::kShiviz), hidden);
}

}  // namespace
}  // namespace lamppost::cli
