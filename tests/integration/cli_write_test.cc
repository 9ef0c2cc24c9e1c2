// write of the lamppost command against real nodes: one batch is one event everywhere, or nothing at all.
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/lamppost_command.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kBatch[] =
    "{\"key\":\"text\",\"value\":\"10\"}\n"
    "{\"key\":\"data\",\"data\":\"AP8=\"}\n"
    "\n"
    "{\"key\":\"for a time\",\"value\":\"v\",\"ttl\":\"1h\"}\n"
    "{\"event\":\"delete\",\"key\":\"old\"}\n";

// A file with these lines.
std::string FileOf(const std::string& lines) {
  const std::string path = NewTestPath("lines");
  std::ofstream(path, std::ios::binary) << lines;
  return path;
}

std::string PutLine(const std::string& key, const std::string& value) {
  return json({{"key", key}, {"value", value}}).dump() + "\n";
}

class CliWrite : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(cluster_.StartAll()); }

  Finished RunAt(const std::string& id, std::vector<std::string> words, const std::string& input_path = "") {
    words.insert(words.begin(), {"--node", cluster_.node(id)->address()});
    CommandSurroundings surroundings;
    surroundings.input_path = input_path;
    return RunLamppost(words, surroundings);
  }

  Cluster cluster_{{}};
};

TEST_F(CliWrite, ABatchIsOneWriteEverywhere) {
  ASSERT_OK(cluster_.client("C")->Put("old", "1").status());
  ASSERT_OK(cluster_.WaitConverged());
  const std::string session = NewTestPath("session");
  const Finished wrote =
      RunAt("A", {"write", FileOf(kBatch), "--session", session, "--replicas", "3", "-o", "json"});
  ASSERT_EQ(wrote.exit_code, 0) << wrote.err;
  const json answer = json::parse(wrote.out);
  EXPECT_EQ(answer.at("operations"), 4);
  EXPECT_EQ(answer.at("replicas"), 3);
  EXPECT_EQ(answer.at("replayed"), false);
  EXPECT_EQ(answer.at("version").at("node_id"), "A");
  for (const std::string id : {"A", "B", "C"}) {
    for (const std::string key : {"text", "data", "for a time"}) {
      const Finished got = RunAt(id, {"get", key, "--session", session, "-o", "json"});
      ASSERT_EQ(got.exit_code, 0) << id << " " << key << got.err;
      EXPECT_EQ(json::parse(got.out).at("version"), answer.at("version")) << id << " " << key;
      EXPECT_EQ(json::parse(got.out).contains("expires_at"), key == "for a time");
    }
    EXPECT_EQ(RunAt(id, {"get", "old", "--session", session}).exit_code, 1) << id;
    EXPECT_EQ(RunAt(id, {"get", "data", "-o", "raw"}).out, std::string("\0\xff", 2));
  }
}

TEST_F(CliWrite, FromStandardInputAndOnceARequestId) {
  const std::string lines = FileOf(kBatch);
  const Finished first = RunAt("A", {"write", "--request-id", "r1", "-o", "raw"}, lines);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  ASSERT_OK(cluster_.client("A")->Put("text", "since").status());
  const Finished again = RunAt("A", {"write", "-", "--request-id", "r1"}, lines);
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ("OK " + first.out, again.out.substr(0, again.out.find(" (")) + "\n");
  EXPECT_THAT(again.out, HasSubstr(" (had been written before)\n"));
  EXPECT_EQ(cluster_.client("A")->Text("text"), "since");
  const Finished other = RunAt("A", {"write", FileOf(PutLine("text", "x")), "--request-id", "r1"});
  EXPECT_EQ(other.exit_code, 3);
  EXPECT_THAT(other.err, StartsWith("lamppost: failed: INVALID_ARGUMENT/REQUEST_ID_REUSED: "));
  EXPECT_EQ(cluster_.client("A")->Text("text"), "since");
}

TEST_F(CliWrite, WhatIsRefusedChangesNothing) {
  ASSERT_OK(cluster_.client("A")->Put("kept", "1").status());
  ASSERT_OK(cluster_.WaitConverged());
  const auto before = cluster_.client("A")->Status();
  const auto expect_refused = [&](const std::string& lines, const std::string& reason,
                                  const std::vector<std::string>& options = {}) {
    SCOPED_TRACE(reason);
    std::vector<std::string> words = {"write", FileOf(lines), "-o", "json"};
    words.insert(words.end(), options.begin(), options.end());
    const Finished refused = RunAt("A", words);
    ASSERT_EQ(refused.exit_code, 3) << refused.out;
    EXPECT_EQ(refused.out, "");
    const json error = json::parse(refused.err).at("error");
    EXPECT_EQ(error.at("code"), "INVALID_ARGUMENT");
    EXPECT_EQ(error.at("reason"), reason);
    EXPECT_EQ(error.at("outcome"), "failed");
    const auto now = cluster_.client("A")->Status();
    EXPECT_EQ(now->content_hash(), before->content_hash());
    EXPECT_EQ(now->keys(), before->keys());
    EXPECT_EQ(now->tombstones(), before->tombstones());
    EXPECT_EQ(now->heads(0).counter(), before->heads(0).counter());
  };
  const std::string fine = PutLine("fine", "1");
  expect_refused("", "BATCH_EMPTY");
  expect_refused("\n \n", "BATCH_EMPTY");
  std::string many;
  for (int i = 0; i < 1001; ++i) many += PutLine(absl::StrCat("key", i), "v");
  expect_refused(many, "BATCH_TOO_LARGE");
  const std::string large(900'000, 'v');
  expect_refused(PutLine("a", large) + PutLine("b", large) + PutLine("c", large), "BATCH_TOO_LARGE");
  expect_refused(fine + PutLine("a", "1") + PutLine("a", "2"), "KEY_REPEATED");
  expect_refused(fine + PutLine("a", "1") + "{\"event\":\"delete\",\"key\":\"a\"}\n", "KEY_REPEATED");
  expect_refused(fine + PutLine("", "1"), "KEY_EMPTY");
  expect_refused(fine + "{\"event\":\"delete\",\"key\":\"\"}\n", "KEY_EMPTY");
  expect_refused(fine + "{\"key\":\"a\"}\n", "BAD_LINE");
  expect_refused(fine + "{\"key\":\"a\",\"value\":\"1\",\"ttl\":\"-1s\"}\n", "BAD_LINE");
  expect_refused(fine, "REPLICAS_TOO_MANY", {"--replicas", "4"});
  expect_refused(fine, "REQUEST_ID_INVALID", {"--request-id", std::string(65, 'i')});
}

// As docs/cli.md says: the time that is left differs each time.
TEST_F(CliWrite, ARepetitionWithAnExpiryIsAnotherWrite) {
  const std::string lines =
      FileOf("{\"key\":\"x\",\"value\":\"1\",\"expires_at\":\"2030-01-31T12:00:00Z\"}\n");
  ASSERT_EQ(RunAt("A", {"write", lines, "--request-id", "r1"}).exit_code, 0);
  const Finished again = RunAt("A", {"write", lines, "--request-id", "r1"});
  EXPECT_EQ(again.exit_code, 3);
  EXPECT_THAT(again.err, HasSubstr("REQUEST_ID_REUSED"));
}

// What a watch tells can be written elsewhere.
TEST_F(CliWrite, TakesTheLinesOfAWatch) {
  ASSERT_EQ(RunAt("A", {"write", FileOf(PutLine("a", "1\n") + PutLine("b", "2"))}).exit_code, 0);
  const Finished told = RunAt("A", {"watch", "--from-beginning", "--limit", "2", "-o", "json"});
  ASSERT_EQ(told.exit_code, 0) << told.err;
  ClusterOptions one;
  one.ids = {"Z"};
  Cluster other(one);
  ASSERT_OK(other.StartAll());
  const Finished wrote = RunLamppost({"--node", other.node("Z")->address(), "write", FileOf(told.out)});
  EXPECT_EQ(wrote.exit_code, 0) << wrote.err;
  EXPECT_EQ(other.client("Z")->Text("a"), "1\n");
  EXPECT_EQ(other.client("Z")->Text("b"), "2");
}

}  // namespace
}  // namespace lamppost::testing
