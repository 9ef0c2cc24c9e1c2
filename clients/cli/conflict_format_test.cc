#include "clients/cli/conflict_format.h"

#include <nlohmann/json.hpp>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamppost::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

void SetVersion(uint64_t counter, const char* node_id, kv::v1::DetailedVersion* version) {
  version->mutable_version()->set_counter(counter);
  version->mutable_version()->set_node_id(node_id);
  version->mutable_version()->set_incarnation(uint64_t{1} << 32 | 7);
}

kv::v1::Conflict Example() {
  kv::v1::Conflict conflict;
  conflict.set_key("x");
  SetVersion(25, "B", conflict.mutable_loser());
  conflict.mutable_loser()->mutable_value()->set_text("from\nB");
  auto* head = conflict.mutable_loser()->add_seen();
  head->mutable_origin()->set_node_id("A");
  head->mutable_origin()->set_incarnation(uint64_t{1} << 32 | 7);
  head->set_counter(3);
  SetVersion(26, "A", conflict.mutable_winner());
  conflict.mutable_winner()->set_deleted(true);
  conflict.set_decided_by(kv::v1::CONFLICT_RULE_COUNTER);
  conflict.mutable_found_at()->set_seconds(1'800'000'000);
  conflict.set_resolution(kv::v1::CONFLICT_RESOLUTION_OPEN);
  return conflict;
}

TEST(ConflictFormat, ATable) {
  EXPECT_EQ(FormatConflicts({Example()}, 2, OutputFormat::kTable, Colour::kOff),
            "KEY  LOSER   VALUE    LOST TO  VALUE      BY       RESOLVED\n"
            "x    25@B.1  from\\nB  26@A.1   (deleted)  counter  open\n"
            "(2 older ones have been left out: the ledger is bounded)\n");
}

TEST(ConflictFormat, InWords) {
  kv::v1::Conflict settled = Example();
  settled.set_resolution(kv::v1::CONFLICT_RESOLUTION_LOSER);
  settled.set_decided_by(kv::v1::CONFLICT_RULE_NODE_ID);
  EXPECT_EQ(DescribeConflicts({Example(), settled}, 0, Colour::kOff),
            "x  found 2027-01-15T08:00:00Z, open\n"
            "  lost  25@B.1  from\\nB    had seen A.1 up to 3\n"
            "  won   26@A.1  (deleted)  had seen nothing of B.1\n"
            "  the higher counter won\n"
            "\n"
            "x  found 2027-01-15T08:00:00Z, resolved: loser\n"
            "  lost  25@B.1  from\\nB    had seen A.1 up to 3\n"
            "  won   26@A.1  (deleted)  had seen nothing of B.1\n"
            "  the counters are equal, and the greater node id won\n");
  EXPECT_EQ(DescribeConflicts({}, 0, Colour::kOff), "no conflicts\n");
}

TEST(ConflictFormat, Json) {
  const json list = json::parse(FormatConflicts({Example()}, 2, OutputFormat::kJson, Colour::kOff));
  EXPECT_EQ(list["dropped"], 2);
  const json& conflict = list["conflicts"][0];
  EXPECT_EQ(conflict["key"], "x");
  EXPECT_EQ(conflict["loser"]["version"]["counter"], 25);
  EXPECT_EQ(conflict["loser"]["value"], "from\nB");
  EXPECT_EQ(conflict["loser"]["deleted"], false);
  EXPECT_EQ(conflict["loser"]["seen"][0]["counter"], 3);
  EXPECT_EQ(conflict["winner"]["deleted"], true);
  EXPECT_FALSE(conflict["winner"].contains("value"));
  EXPECT_EQ(conflict["decided_by"], "counter");
  EXPECT_EQ(conflict["found_at"], "2027-01-15T08:00:00Z");
  EXPECT_EQ(conflict["resolution"], "open");
  EXPECT_EQ(json::parse(FormatConflict(Example(), OutputFormat::kJson, Colour::kOff)), conflict);
}

TEST(ConflictFormat, ALine) {
  EXPECT_EQ(FormatConflict(Example(), OutputFormat::kTable, Colour::kOff),
            "x  25@B.1 from\\nB  lost to  26@A.1 (deleted)  open\n");
  EXPECT_EQ(FormatConflict(Example(), OutputFormat::kRaw, Colour::kOff), "x\t25@B.1\t26@A.1\topen\n");
}

TEST(ConflictFormat, WhatWasResolved) {
  client::Result<kv::v1::ResolveConflictResponse> result;
  result.request_id = "r";
  result.node = "127.0.0.1:8000";
  result.response.mutable_version()->set_counter(30);
  result.response.mutable_version()->set_node_id("C");
  result.response.mutable_version()->set_incarnation(uint64_t{1} << 32);
  EXPECT_EQ(FormatResolved("x", 2, result, OutputFormat::kTable), "OK 30@C.1, 2 conflicts resolved\n");
  EXPECT_EQ(FormatResolved("x", 1, result, OutputFormat::kTable), "OK 30@C.1, 1 conflict resolved\n");
  EXPECT_EQ(FormatResolved("x", 1, result, OutputFormat::kRaw), "30@C.1\n");
  EXPECT_EQ(json::parse(FormatResolved("x", 2, result, OutputFormat::kJson))["resolved"], 2);
  result.response.set_replayed(true);
  EXPECT_THAT(FormatResolved("x", 0, result, OutputFormat::kTable), HasSubstr("had been resolved before"));
}

}  // namespace
}  // namespace lamppost::cli
