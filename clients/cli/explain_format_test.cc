#include "clients/cli/explain_format.h"

#include <nlohmann/json.hpp>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamppost::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

void SetVersion(uint64_t counter, const char* node_id, clock::v1::Timestamp* version) {
  version->set_counter(counter);
  version->set_node_id(node_id);
  version->set_incarnation(uint64_t{1} << 32 | 7);
}

client::Result<kv::v1::ExplainResponse> Example() {
  client::Result<kv::v1::ExplainResponse> result;
  result.node = "127.0.0.1:8000";
  kv::v1::ExplainResponse& response = result.response;
  response.set_key("x");
  SetVersion(26, "A", response.mutable_current()->mutable_version());
  response.mutable_current()->mutable_value()->set_text("10");
  auto* seen = response.mutable_current()->add_seen();
  seen->mutable_origin()->set_node_id("B");
  seen->mutable_origin()->set_incarnation(uint64_t{1} << 32);
  seen->set_counter(12);
  response.mutable_arrival()->set_way(kv::v1::ARRIVAL_WAY_CATCH_UP);
  response.mutable_arrival()->set_from("C");
  response.mutable_arrival()->mutable_at()->set_seconds(1'800'000'000);
  response.set_members(3);
  response.set_stable(true);
  kv::v1::Conflict* rival = response.add_rivals();
  rival->set_key("x");
  SetVersion(25, "B", rival->mutable_loser()->mutable_version());
  rival->mutable_loser()->mutable_value()->set_text("20");
  *rival->mutable_winner() = response.current();
  rival->set_resolution(kv::v1::CONFLICT_RESOLUTION_OPEN);
  return result;
}

std::string InWords(const client::Result<kv::v1::ExplainResponse>& result) {
  return FormatExplanation(result, OutputFormat::kTable, Colour::kOff);
}

TEST(ExplainFormat, InWords) {
  EXPECT_EQ(InWords(Example()),
            "x = 10\n"
            "  version   26@A.1\n"
            "  arrived   2027-01-15T08:00:00Z, in a catch-up from C\n"
            "  won       over 1 write whose author had not seen it, nor it them\n"
            "  had seen  B.1:12\n"
            "  stable    all 3 members have it on disk\n"
            "  rival     x  25@B.1 20  lost to  26@A.1 10  open\n");
}

TEST(ExplainFormat, WhoIsWaitedFor) {
  auto result = Example();
  result.response.set_stable(false);
  kv::v1::StableHold* hold = result.response.add_held_up_by();
  hold->set_node_id("C");
  hold->set_detail("has A.1 up to 15 only");
  hold = result.response.add_held_up_by();
  hold->set_address("10.0.0.4:8000");
  hold->set_detail("has not answered since this node started");
  EXPECT_THAT(InWords(result), HasSubstr("not yet: C has A.1 up to 15 only; 10.0.0.4:8000 has not answered"));
}

TEST(ExplainFormat, WhatIsNotThere) {
  auto result = Example();
  result.response.mutable_current()->set_deleted(true);
  EXPECT_THAT(InWords(result), StartsWith("x is deleted\n"));
  EXPECT_THAT(InWords(result), HasSubstr("about to be forgotten"));
  result.response.mutable_current()->set_lapsed(true);
  EXPECT_THAT(InWords(result), StartsWith("x had expired, and is deleted\n"));
  result = Example();
  result.response.set_expired(true);
  EXPECT_THAT(InWords(result), StartsWith("x has expired; it was 10\n"));
  result = {};
  result.response.set_key("x");
  EXPECT_THAT(InWords(result), StartsWith("x is absent\n  never written, or deleted"));
  EXPECT_EQ(FormatExplanation(result, OutputFormat::kRaw, Colour::kOff), "");
  EXPECT_TRUE(json::parse(FormatExplanation(result, OutputFormat::kJson, Colour::kOff))["current"].is_null());
}

TEST(ExplainFormat, Json) {
  const json object = json::parse(FormatExplanation(Example(), OutputFormat::kJson, Colour::kOff));
  EXPECT_EQ(object["key"], "x");
  EXPECT_EQ(object["current"]["value"], "10");
  EXPECT_EQ(object["arrival"]["way"], "catch_up");
  EXPECT_EQ(object["arrival"]["from"], "C");
  EXPECT_EQ(object["stable"], true);
  EXPECT_EQ(object["rivals"][0]["loser"]["value"], "20");
  EXPECT_EQ(FormatExplanation(Example(), OutputFormat::kRaw, Colour::kOff), "26@A.1\n");
}

}  // namespace
}  // namespace lamppost::cli
