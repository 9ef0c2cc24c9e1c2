#include "clients/diagram/shiviz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/diagram/testing/events.h"
#include "clients/diagram/testing/shiviz_log.h"

namespace lamppost::diagram {
namespace {

using ::testing::HasSubstr;
using testing::ParseShiviz;
using testing::Receive;
using testing::Send;
using testing::Write;

constexpr char kStart[] = "(?<host>\\S*) (?<clock>{.*})\\n(?<event>.*)\n\n";

std::string Told(std::vector<Event> events, Quiet quiet) {
  const absl::StatusOr<History> history = Build(std::move(events));
  EXPECT_TRUE(history.ok()) << history.status();
  return history.ok() ? ToShiviz(*history, quiet) : "";
}

TEST(ShivizTest, TwoLinesAnEvent) {
  const Event send = Send("A", "B", 5);
  EXPECT_EQ(Told({send, Receive(send, 9), Write("B", 10, "x", "a\nb")}, Quiet::kHidden),
            std::string(kStart) +
                "A {\"A\":1}\nA 5: sends push x to B\n"
                "B {\"A\":1,\"B\":1}\nB 9: receives push x from A\n"
                "B {\"A\":1,\"B\":2}\nB 10: write: x = a\\nb\n");
}

TEST(ShivizTest, WhatIsLeftOutStillCarriesKnowledge) {
  const Event beat = testing::Quiet(Send("A", "B", 2));
  const std::vector<Event> events = {Write("A", 1, "x", "1"), beat, Receive(beat, 3),
                                     Write("B", 4, "x", "2")};
  EXPECT_EQ(Told(events, Quiet::kHidden), std::string(kStart) +
                                              "A {\"A\":1}\nA 1: write: x = 1\n"
                                              "B {\"A\":1,\"B\":1}\nB 4: write: x = 2\n");
  const auto all = ParseShiviz(Told(events, Quiet::kShown));
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->size(), 4u);
}

TEST(ShivizTest, HostNamesHaveNoSpacesAndStayApart) {
  const std::string log = Told({Write("a b", 1, "x", "1"), Write("a\tb", 2, "x", "1")}, Quiet::kHidden);
  const auto events = ParseShiviz(log);
  ASSERT_TRUE(events.ok()) << events.status() << "\n" << log;
  EXPECT_EQ((*events)[0].host, "a_b_2");
  EXPECT_EQ((*events)[1].host, "a_b");
}

// The reader that the others rely on does see what is wrong.
TEST(ParseShivizTest, RefusesWhatShivizWould) {
  const auto why = [](const std::string& events) {
    return std::string(ParseShiviz(kStart + events).status().message());
  };
  EXPECT_EQ(why("A {\"A\":1}\nx\n"), "");
  EXPECT_THAT(why("A {\"A\":1}\n"), HasSubstr("half an event"));
  EXPECT_THAT(why("A {\"B\":1}\nx\n"), HasSubstr("own entry is missing"));
  EXPECT_THAT(why("A {\"A\":2}\nx\n"), HasSubstr("lacks event 1"));
  EXPECT_THAT(why("A {\"A\":1}\nx\nA {\"A\":1}\nx\n"), HasSubstr("lacks event 2"));
  EXPECT_THAT(why("A {\"A\":1}\nx\nA {\"A\":3}\nx\n"), HasSubstr("lacks event 2"));
  EXPECT_THAT(why("A {\"A\":1,\"B\":1}\nx\n"), HasSubstr("is no host"));
  EXPECT_THAT(why("A {\"A\":1,\"B\":2}\nx\nB {\"B\":1}\nx\n"), HasSubstr("has no event 2"));
  EXPECT_THAT(why("A {\"A\":1,\"B\":1}\nx\nA {\"A\":2}\nx\nB {\"B\":1}\nx\n"), HasSubstr("forgets"));
  EXPECT_THAT(why("A {\"A\":1,\"B\":1}\nx\nB {\"A\":1,\"B\":1}\nx\n"), HasSubstr("before each other"));
  EXPECT_THAT(why("A {\"A\":1.5}\nx\n"), HasSubstr("no count"));
  EXPECT_THAT(why("A nothing\nx\n"), HasSubstr("no clock"));
}

}  // namespace
}  // namespace lamppost::diagram
