#include "tests/history/json_lines.h"

#include <algorithm>
#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace lamppost::history {
namespace {

History Sample() {
  History history;
  Operation write;
  write.kind = Kind::kWrite;
  write.client = 3;
  write.node = "A";
  write.start_us = 1200;
  write.end_us = 1900;
  write.items = {{"x", "10", {}}, {"gone", std::nullopt, {}}, {"bytes", std::string("\xff\0\n", 3), {}}};
  write.request_id = "r1";
  write.outcome = Outcome::kOk;
  // Beyond what a double can hold.
  write.version = {(uint64_t{1} << 53) + 1, {"A", UINT64_MAX}};
  write.replayed = true;
  history.operations.push_back(write);
  Operation read;
  read.node = "B";
  read.items = {{"x", "", {7, {"A", 5}}}, {"absent", std::nullopt, {}}};
  read.outcome = Outcome::kFailed;
  read.error = "UNAVAILABLE: \"quoted\"\nand broken";
  history.operations.push_back(read);
  history.disk_losses.push_back({"C", 5000, {{{"A", 1}, 17}, {{"B", 2}, 18}}});
  history.final_contents["A"]["x"] = {"x", "10", {7, {"A", 5}}};
  history.final_contents["B"] = {};
  return history;
}

std::string Lines(const History& history) {
  std::ostringstream out;
  EXPECT_EQ(WriteJsonLines(history, &out), absl::OkStatus());
  return out.str();
}

absl::StatusOr<History> Parsed(const std::string& lines) {
  std::istringstream in(lines);
  return ReadJsonLines(&in);
}

void ExpectSame(const Item& a, const Item& b) {
  EXPECT_EQ(a.key, b.key);
  EXPECT_EQ(a.value, b.value);
  EXPECT_EQ(a.version, b.version);
}

void ExpectSame(const Operation& a, const Operation& b) {
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.client, b.client);
  EXPECT_EQ(a.node, b.node);
  EXPECT_EQ(a.start_us, b.start_us);
  EXPECT_EQ(a.end_us, b.end_us);
  EXPECT_EQ(a.request_id, b.request_id);
  EXPECT_EQ(a.outcome, b.outcome);
  EXPECT_EQ(a.error, b.error);
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.replayed, b.replayed);
  ASSERT_EQ(a.items.size(), b.items.size());
  for (size_t i = 0; i < a.items.size(); ++i) ExpectSame(a.items[i], b.items[i]);
}

TEST(JsonLines, GoThereAndBack) {
  const History history = Sample();
  const auto parsed = Parsed(Lines(history));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  ASSERT_EQ(parsed->operations.size(), history.operations.size());
  for (size_t i = 0; i < history.operations.size(); ++i) {
    ExpectSame(parsed->operations[i], history.operations[i]);
  }
  ASSERT_EQ(parsed->disk_losses.size(), 1u);
  EXPECT_EQ(parsed->disk_losses[0].node, "C");
  EXPECT_EQ(parsed->disk_losses[0].at_us, 5000u);
  EXPECT_EQ(parsed->disk_losses[0].kept, history.disk_losses[0].kept);
  ASSERT_EQ(parsed->final_contents.size(), 2u);
  ASSERT_EQ(parsed->final_contents.at("A").size(), 1u);
  ExpectSame(parsed->final_contents.at("A").at("x"), history.final_contents.at("A").at("x"));
  EXPECT_TRUE(parsed->final_contents.at("B").empty());
}

TEST(JsonLines, AreOneLineEachWithNumbersAsStrings) {
  const std::string lines = Lines(Sample());
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 5);
  EXPECT_TRUE(absl::StrContains(lines, "\"counter\":\"9007199254740993\"")) << lines;
}

TEST(JsonLines, BadOnesAreRefusedWithTheirNumber) {
  const std::string good = Lines(Sample());
  const std::string first = good.substr(0, good.find('\n'));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = first;
    const size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return changed.replace(at, from.size(), to);
  };
  for (const std::string& bad : {
           std::string("nonsense"),
           std::string("[]"),
           std::string("{}"),
           first.substr(0, first.size() - 1),
           std::string(R"({"type":"weather"})"),
           with("\"write\"", "\"writes\""),
           with("\"ok\"", "\"maybe\""),
           with("\"client\":\"3\"", "\"client\":3"),
           with("\"1200\"", "\"-1\""),
           with("\"key\":\"x\"", "\"kex\":\"x\""),
           with("\"incarnation\"", "\"reincarnation\""),
           with("true", "\"true\""),
           with("\"items\":[", "\"item\":["),
           std::string(R"({"type":"disk_loss","node":"C","at_us":"1","kept":[{"counter":"1"}]})"),
           std::string(R"({"type":"contents","node":"A","items":[{"key":"x","data":"?"}]})"),
       }) {
    const auto parsed = Parsed(absl::StrCat(good, bad, "\n"));
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_TRUE(absl::StartsWith(parsed.status().message(), "line 6: ")) << parsed.status();
  }
}

TEST(JsonLines, AStreamThatTakesNothingIsAnError) {
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  EXPECT_EQ(WriteJsonLines(Sample(), &out).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace lamppost::history
