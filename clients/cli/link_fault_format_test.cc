#include "clients/cli/link_fault_format.h"

#include <gtest/gtest.h>

#include "services/common/error.h"

namespace lamppost::cli {
namespace {

using kv::v1::LinkFault;
using ListAnswer = NodeAnswer<kv::v1::ListLinkFaultsResponse>;
using ClearAnswer = NodeAnswer<kv::v1::ClearLinkFaultsResponse>;

LinkFault Delay(const std::string& to) {
  LinkFault fault;
  fault.set_to(to);
  fault.set_delay_ms(5000);
  return fault;
}

LinkFault Much() {
  LinkFault fault = Delay("C");
  fault.set_jitter_ms(1500);
  fault.set_drop(0.07);
  fault.set_duplicate(0.2);
  fault.set_reorder(1);
  fault.set_cut(true);
  fault.set_for_ms(29'400);
  fault.set_dropped(3);
  fault.set_delayed(12);
  fault.set_duplicated(4);
  return fault;
}

LinkFault Pause() {
  LinkFault fault;
  fault.set_pause(true);
  fault.set_dropped(9);
  return fault;
}

absl::Status Disabled() {
  return MakeError(absl::StatusCode::kFailedPrecondition, "FAULTS_DISABLED", "not enabled");
}

std::vector<ListAnswer> Listed() {
  std::vector<ListAnswer> answers(3);
  answers[0] = {"A", "h:1", {}};
  *answers[0].result.response.add_faults() = Pause();
  *answers[0].result.response.add_faults() = Much();
  answers[1] = {"B", "h:2", {}};
  answers[1].result.status = Disabled();
  answers[2] = {"C", "h:3", {}};
  *answers[2].result.response.add_faults() = Delay("A");
  return answers;
}

TEST(LinkFaultFormatTest, EffectsInWords) {
  EXPECT_EQ(LinkFaultText(Delay("C")), "delay 5s");
  EXPECT_EQ(LinkFaultText(Much()), "delay 5s to 6.5s, drop 7%, duplicate 20%, reorder 100%, cut");
  EXPECT_EQ(LinkFaultText(Pause()), "pause");
  LinkFault fault;
  fault.set_jitter_ms(90'000);
  EXPECT_EQ(LinkFaultText(fault), "delay 0 to 1m30s") << "another client may have set it";
}

TEST(LinkFaultFormatTest, ListAsTable) {
  EXPECT_EQ(FormatLinkFaults(Listed(), OutputFormat::kTable, Colour::kOff),
            "FROM  TO   FAULT                                                        LEFT           DROPPED  "
            "DELAYED  DUPLICATED\n"
            "A     all  pause                                                        until cleared  9        "
            "0        0\n"
            "A     C    delay 5s to 6.5s, drop 7%, duplicate 20%, reorder 100%, cut  29s            3        "
            "12       4\n"
            "C     A    delay 5s                                                     until cleared  0        "
            "0        0\n");
}

TEST(LinkFaultFormatTest, NoFaults) {
  std::vector<ListAnswer> answers = {{"A", "h:1", {}}, {"B", "h:2", {}}};
  EXPECT_EQ(FormatLinkFaults(answers, OutputFormat::kTable, Colour::kOff), "no faults\n");
  EXPECT_EQ(FormatLinkFaults(answers, OutputFormat::kRaw, Colour::kOff), "");
  EXPECT_EQ(FormatLinkFaults(answers, OutputFormat::kJson, Colour::kOff),
            R"({"nodes":[{"node_id":"A","address":"h:1","faults":[]},)"
            R"({"node_id":"B","address":"h:2","faults":[]}]})"
            "\n");
  answers.push_back({"C", "h:3", {}});
  answers.back().result.status = Disabled();
  EXPECT_EQ(FormatLinkFaults(answers, OutputFormat::kTable, Colour::kOff), "no faults at A, B\n")
      << "C has not said so";
  for (ListAnswer& answer : answers) answer.result.status = Disabled();
  EXPECT_EQ(FormatLinkFaults(answers, OutputFormat::kTable, Colour::kOff), "") << "nobody has said so";
}

TEST(LinkFaultFormatTest, ListRaw) {
  EXPECT_EQ(FormatLinkFaults(Listed(), OutputFormat::kRaw, Colour::kOff),
            "A\t\tpause\n"
            "A\tC\tdelay 5s to 6.5s, drop 7%, duplicate 20%, reorder 100%, cut\n"
            "C\tA\tdelay 5s\n");
}

TEST(LinkFaultFormatTest, ListAsJson) {
  EXPECT_EQ(
      FormatLinkFaults(Listed(), OutputFormat::kJson, Colour::kOff),
      R"({"nodes":[{"node_id":"A","address":"h:1","faults":[)"
      R"({"from":"A","to":"","delay_ms":0,"jitter_ms":0,"drop":0.0,"duplicate":0.0,"reorder":0.0,"cut":false,)"
      R"("pause":true,"left_ms":null,"dropped":9,"delayed":0,"duplicated":0},)"
      R"({"from":"A","to":"C","delay_ms":5000,"jitter_ms":1500,"drop":0.07,"duplicate":0.2,"reorder":1.0,)"
      R"("cut":true,"pause":false,"left_ms":29400,"dropped":3,"delayed":12,"duplicated":4}]},)"
      R"({"node_id":"B","address":"h:2","error":{"code":"FAILED_PRECONDITION","reason":"FAULTS_DISABLED",)"
      R"("message":"not enabled"}},)"
      R"({"node_id":"C","address":"h:3","faults":[)"
      R"({"from":"C","to":"A","delay_ms":5000,"jitter_ms":0,"drop":0.0,"duplicate":0.0,"reorder":0.0,)"
      R"("cut":false,"pause":false,"left_ms":null,"dropped":0,"delayed":0,"duplicated":0}]}]})"
      "\n");
}

TEST(LinkFaultFormatTest, WhatWasSet) {
  LinkFault lasting = Delay("C");
  lasting.set_for_ms(30'000);
  const std::vector<PlacedFault> faults = {{"A", "h:1", lasting}, {"C", "h:3", Delay("A")}};
  EXPECT_EQ(FormatPlacedFaults(faults, OutputFormat::kTable),
            "OK A to C: delay 5s, for 30s\nOK C to A: delay 5s, until cleared\n");
  EXPECT_EQ(FormatPlacedFaults({{"A", "h:1", Pause()}}, OutputFormat::kTable),
            "OK A: pause, until cleared\n");
  EXPECT_EQ(FormatPlacedFaults(faults, OutputFormat::kRaw), "A\tC\tdelay 5s\nC\tA\tdelay 5s\n");
  EXPECT_EQ(
      FormatPlacedFaults({{"A", "h:1", lasting}}, OutputFormat::kJson),
      R"({"nodes":[{"node_id":"A","address":"h:1","set":{"from":"A","to":"C","delay_ms":5000,"jitter_ms":0,)"
      R"("drop":0.0,"duplicate":0.0,"reorder":0.0,"cut":false,"pause":false,"left_ms":30000,"dropped":0,)"
      R"("delayed":0,"duplicated":0}}]})"
      "\n");
}

TEST(LinkFaultFormatTest, WhatWasCleared) {
  std::vector<ClearAnswer> answers = {{"A", "h:1", {}}, {"B", "h:2", {}}};
  answers[0].result.response.set_cleared(2);
  answers[1].result.status = absl::UnavailableError("gone");
  EXPECT_EQ(FormatClearedFaults(answers, OutputFormat::kTable), "OK 2 cleared at A\n");
  EXPECT_EQ(FormatClearedFaults(answers, OutputFormat::kRaw), "A\t2\n");
  EXPECT_EQ(FormatClearedFaults(answers, OutputFormat::kJson),
            R"({"nodes":[{"node_id":"A","address":"h:1","cleared":2},)"
            R"({"node_id":"B","address":"h:2","error":{"code":"UNAVAILABLE","reason":"","message":"gone"}}]})"
            "\n");
}

TEST(LinkFaultFormatTest, NothingSteersTheTerminal) {
  std::vector<ListAnswer> answers = {{"A\x1b", "h:1", {}}};
  *answers[0].result.response.add_faults() = Delay("\n");
  for (const OutputFormat format : {OutputFormat::kTable, OutputFormat::kRaw}) {
    const std::string text = FormatLinkFaults(answers, format, Colour::kOff);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_NE(text.find("\\n"), std::string::npos);
  }
}

}  // namespace
}  // namespace lamppost::cli
