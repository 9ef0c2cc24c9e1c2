#include "clients/diagram/jsonl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/diagram/testing/events.h"
#include "clients/diagram/testing/random_trace.h"
#include "services/common/error.h"

namespace lamppost::diagram {
namespace {

Event Full() {
  Event event = testing::Send("A", "B", UINT64_MAX);
  event.unix_us = -5;
  event.is_answer = true;
  event.is_quiet = true;
  event.keys = {"x", "ü\n\"\\", ""};
  event.entries = 7;
  event.detail = "a\xe2\x80\xa8z";
  event.delay_ms = 2000;
  event.vector = {{"A", 1}, {"B/2", UINT64_MAX}};
  return event;
}

TEST(JsonlTest, NamesAreStable) {
  Event event = Full();
  event.keys = {"x"};
  event.detail = "d";
  EXPECT_EQ(
      ToJsonLine(event),
      "{\"kind\":\"send\",\"node\":\"A\",\"counter\":18446744073709551615,\"unix_us\":-5,"
      "\"message\":{\"from\":\"A\",\"to\":\"B\",\"counter\":18446744073709551615},\"is_answer\":true,"
      "\"is_quiet\":true,\"what\":\"push\",\"keys\":[\"x\"],\"entries\":7,\"detail\":\"d\",\"delay_ms\":2000,"
      "\"vector\":{\"A\":1,\"B/2\":18446744073709551615}}\n");
  EXPECT_EQ(ToJsonLine(testing::Of(Event::Kind::kCrash, "A")), "{\"kind\":\"crash\",\"node\":\"A\"}\n");
}

TEST(JsonlTest, ComesBackAsItWas) {
  std::vector<Event> events = testing::RandomTrace(5, 4, 300);
  events.push_back(Full());
  const std::string text = ToJsonl(events);
  const absl::StatusOr<std::vector<Event>> back = ParseJsonl(text);
  ASSERT_TRUE(back.ok()) << back.status();
  ASSERT_EQ(back->size(), events.size());
  EXPECT_EQ(ToJsonl(*back), text);
  const Event& last = back->back();
  const Event full = Full();
  EXPECT_EQ(last.kind, full.kind);
  EXPECT_EQ(last.counter, full.counter);
  EXPECT_EQ(last.unix_us, full.unix_us);
  EXPECT_EQ(last.message, full.message);
  EXPECT_EQ(last.is_answer, full.is_answer);
  EXPECT_EQ(last.is_quiet, full.is_quiet);
  EXPECT_EQ(last.what, full.what);
  EXPECT_EQ(last.keys, full.keys);
  EXPECT_EQ(last.entries, full.entries);
  EXPECT_EQ(last.detail, full.detail);
  EXPECT_EQ(last.delay_ms, full.delay_ms);
  EXPECT_EQ(last.vector, full.vector);
}

TEST(JsonlTest, BytesThatAreNoUtf8AreReplaced) {
  EXPECT_THAT(ToJsonLine(testing::Write("A", 1, "x", "\xff")), ::testing::HasSubstr("x = \xef\xbf\xbd"));
}

TEST(ParseJsonlTest, PassesOverEmptyLinesAndUnknownMembers) {
  const auto events = ParseJsonl(
      "\n{\"kind\":\"crash\",\"node\":\"A\",\"colour\":[1]}\r\n \n{\"kind\":\"gap\",\"node\":\"B\"}");
  ASSERT_TRUE(events.ok()) << events.status();
  ASSERT_EQ(events->size(), 2u);
  EXPECT_EQ((*events)[1].kind, Event::Kind::kGap);
}

TEST(ParseJsonlTest, SaysWhatIsWrongAndWhere) {
  const auto why = [](const std::string& line) {
    const absl::Status status = ParseJsonl("{\"kind\":\"stop\",\"node\":\"A\"}\n" + line).status();
    EXPECT_EQ(ErrorReason(status), "TRACE_INVALID");
    return std::string(status.message());
  };
  const auto member = [&why](const std::string& text) {
    return why("{\"kind\":\"send\",\"node\":\"A\"," + text + "}");
  };
  EXPECT_EQ(why("{"), "line 2: it is no JSON");
  EXPECT_EQ(why("[]"), "line 2: it is no JSON object");
  EXPECT_EQ(why("{\"node\":\"A\"}"), "line 2: \"kind\" is not the name of a kind of event");
  EXPECT_EQ(why("{\"kind\":\"sends\",\"node\":\"A\"}"),
            "line 2: \"kind\" is not the name of a kind of event");
  EXPECT_EQ(why("{\"kind\":\"stop\"}"), "line 2: \"node\" is missing or empty");
  EXPECT_EQ(member("\"counter\":-1"), "line 2: \"counter\" is not a whole number from 0 to 2^64 - 1");
  EXPECT_EQ(member("\"counter\":1.5"), "line 2: \"counter\" is not a whole number from 0 to 2^64 - 1");
  EXPECT_EQ(member("\"unix_us\":9223372036854775808"), "line 2: \"unix_us\" is not less than 2^63");
  EXPECT_EQ(member("\"message\":{\"from\":1}"), "line 2: \"message.from\" is not a string");
  EXPECT_EQ(member("\"keys\":[1]"), "line 2: \"keys\" is not an array of strings");
  EXPECT_EQ(member("\"vector\":{\"A\":-1}"), "line 2: \"vector\" is not an object of counts");
  EXPECT_EQ(member("\"is_quiet\":1"), "line 2: \"is_quiet\" is not true or false");
}

}  // namespace
}  // namespace lamppost::diagram
