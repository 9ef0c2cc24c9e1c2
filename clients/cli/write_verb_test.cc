// write against a node in memory: what is taken, what is printed, and with which code it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "clients/cli/read_input.h"
#include "clients/cli/run_words.h"
#include "clients/cpp/cutting_proxy.h"
#include "clients/cpp/fake_kv_service.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kBatch[] =
    "{\"key\":\"a\",\"value\":\"1\"}\n"
    "\n"
    "{\"key\":\"b\",\"data\":\"AP8=\",\"version\":{\"counter\":1}}\r\n"
    "{\"event\":\"delete\",\"key\":\"c\",\"version\":{\"counter\":1}}";

class WriteVerbTest : public testing::Test {
 protected:
  void SetUp() override {
    unsetenv("LAMPPOST_NODE");
    std::string pattern = testing::TempDir() + "/writeXXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  Ran Run(std::vector<std::string> words, const std::string& input = "") {
    const std::vector<std::string> patient = {
        "--node", "127.0.0.1:" + std::to_string(node_.port()), "--attempt-timeout", "20s", "--timeout",
        "60s"};
    words.insert(words.begin(), patient.begin(), patient.end());
    return RunWords(std::move(words), input);
  }
  std::string Path(const std::string& name) const { return (directory_ / name).string(); }

  client::FakeNode node_{"A"};
  std::filesystem::path directory_;
};

TEST_F(WriteVerbTest, AllLinesAreOneWrite) {
  ASSERT_EQ(Run({"put", "c", "old"}).exit_code, 0);
  const Ran ran = Run({"write"}, kBatch);
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.out, StartsWith("OK "));
  const auto entries = node_.service().entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries.at("a").value.text(), "1");
  EXPECT_EQ(entries.at("b").value.data(), std::string("\0\xff", 2));
  EXPECT_EQ(entries.at("a").counter, entries.at("b").counter);
  EXPECT_EQ(node_.service().writes_applied(), 2);
}

TEST_F(WriteVerbTest, FromAFileAndInEachFormat) {
  std::ofstream(Path("batch")) << kBatch;
  EXPECT_THAT(Run({"write", Path("batch")}).out, testing::MatchesRegex("OK [0-9]+@A\\.2\n"));
  EXPECT_THAT(Run({"write", "-", "-o", "raw"}, kBatch).out, testing::MatchesRegex("[0-9]+@A\\.2\n"));
  const json written = json::parse(Run({"-o", "json", "write", Path("batch")}).out);
  EXPECT_EQ(written["operations"], 3);
  EXPECT_EQ(written["replayed"], false);
  EXPECT_EQ(written["version"]["node_id"], "A");
  EXPECT_EQ(written["request_id"].get<std::string>().size(), 32u);
}

TEST_F(WriteVerbTest, ARequestIdIsReplayed) {
  EXPECT_EQ(Run({"write", "--request-id", "r"}, kBatch).exit_code, 0);
  EXPECT_THAT(Run({"write", "--request-id", "r"}, kBatch).out, HasSubstr(" (had been written before)"));
  const json again = json::parse(Run({"write", "--request-id", "r", "-o", "json"}, kBatch).out);
  EXPECT_EQ(again["replayed"], true);
  EXPECT_EQ(again["request_id"], "r");
  EXPECT_EQ(node_.service().writes_applied(), 1);
}

TEST_F(WriteVerbTest, ABadLineIsNumberedAndNothingIsWritten) {
  const std::string input =
      "{\"key\":\"a\",\"value\":\"1\"}\n\n{\"key\":\"b\"}\n{\"key\":\"c\",\"value\":\"1\"}\n";
  const Ran ran = Run({"write"}, input);
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(
      ran.err,
      "lamppost: failed: INVALID_ARGUMENT/BAD_LINE: line 3: exactly one of \"value\" and \"data\" is needed; "
      "nothing was written\n");
  const json error = json::parse(Run({"write", "-o", "json"}, input).err)["error"];
  EXPECT_EQ(error["reason"], "BAD_LINE");
  EXPECT_EQ(error["outcome"], "failed");
  EXPECT_THAT(Run({"write"}, "{\"key\":\"a\",\"value\":\"1\"}\n{\"key\":\"\",\"value\":\"1\"}\n").err,
              StartsWith("lamppost: failed: INVALID_ARGUMENT/KEY_EMPTY: line 2: "))
      << "a key that cannot be keeps its own reason";
  EXPECT_EQ(Run({"write"}, std::string(9 << 20, ' ')).exit_code, 3) << "a line without an end";
  EXPECT_EQ(node_.service().calls(), 0);
}

TEST_F(WriteVerbTest, FilesThatCannotBeUsed) {
  EXPECT_EQ(Run({"write", Path("absent")}).exit_code, 2);
  EXPECT_EQ(Run({"write", directory_.string()}).exit_code, 2);
  EXPECT_EQ(Run({"write", ""}).exit_code, 2);
  EXPECT_EQ(Run({"write", "a", "b"}).exit_code, 2);
  std::string lines;
  while (lines.size() <= kInputBytesMax)
    lines += "{\"key\":\"a\",\"value\":\"" + std::string(1 << 20, 'v') + "\"}\n";
  const Ran large = Run({"write"}, lines);
  EXPECT_EQ(large.exit_code, 2);
  EXPECT_THAT(large.err, HasSubstr("load takes more"));
  EXPECT_EQ(node_.service().calls(), 0);
}

// What may be in a batch is for the node to say, of an empty one too.
TEST_F(WriteVerbTest, WhatTheNodeRefusesIsReported) {
  for (const char* reason : {"BATCH_EMPTY", "BATCH_TOO_LARGE", "KEY_REPEATED"}) {
    node_.service().RefuseNext(MakeError(absl::StatusCode::kInvalidArgument, reason, "no"));
    const Ran ran = Run({"write"}, reason == std::string("BATCH_EMPTY") ? "\n" : kBatch);
    EXPECT_EQ(ran.exit_code, 3);
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(ran.err, std::string("lamppost: failed: INVALID_ARGUMENT/") + reason + ": no\n");
  }
  std::ofstream(Path("empty")) << "";
  node_.service().RefuseNext(MakeError(absl::StatusCode::kInvalidArgument, "BATCH_EMPTY", "no"));
  const Ran empty = Run({"write", Path("empty"), "-o", "json"});
  EXPECT_EQ(empty.exit_code, 3);
  EXPECT_EQ(json::parse(empty.err)["error"]["reason"], "BATCH_EMPTY");
}

TEST_F(WriteVerbTest, AnUnknownOutcomeNamesTheRequestId) {
  client::CuttingProxy proxy(node_.port());
  node_.service().SetAfterApply([&proxy] { proxy.Cut(); });
  const Ran ran = RunWords({"--node", "127.0.0.1:" + std::to_string(proxy.port()), "--timeout", "1s", "write",
                            "--request-id", "r7"},
                           kBatch);
  EXPECT_EQ(ran.exit_code, 4);
  // By a broken connection, or by the end of the time in the middle of an attempt.
  EXPECT_THAT(ran.err, StartsWith("lamppost: outcome unknown: "));
  EXPECT_THAT(ran.err, HasSubstr("request id r7"));
}

}  // namespace
}  // namespace lamppost::cli
