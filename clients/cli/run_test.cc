// Whole commands against nodes in memory: outputs and exit codes.
#include "clients/cli/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "clients/cpp/cutting_proxy.h"
#include "clients/cpp/fake_function_service.h"
#include "clients/cpp/fake_kv_service.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

class RunTest : public testing::Test {
 protected:
  void SetUp() override {
    unsetenv("LAMPPOST_NODE");
    std::string pattern = testing::TempDir() + "/runXXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // With node_ as the node, unless `words` name others.
  int Run(std::vector<std::string> words, const std::string& input = "") {
    const std::string node = "127.0.0.1:" + std::to_string(node_.port());
    const std::vector<std::string> patient = {"lamppost", "--node", node, "--attempt-timeout", "20s"};
    if (std::find(words.begin(), words.end(), "--node") == words.end()) {
      words.insert(words.begin(), patient.begin(), patient.end());
    } else {
      words.insert(words.begin(), "lamppost");
    }
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    const int exit_code = cli::Run(static_cast<int>(argv.size()), argv.data(), {&in, &out, &err});
    out_ = out.str();
    err_ = err.str();
    return exit_code;
  }
  static std::string DeadNode() {
    client::FakeNode node("dead");
    node.Stop();
    return "127.0.0.1:" + std::to_string(node.port());
  }
  std::string Path(const std::string& name) const { return (directory_ / name).string(); }
  std::string Read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(Path(name)).rdbuf();
    return text.str();
  }

  client::FakeNode node_{"A"};
  std::filesystem::path directory_;
  std::string out_;
  std::string err_;
};

TEST_F(RunTest, PutGetDelete) {
  EXPECT_EQ(Run({"put", "x", "10"}), 0) << err_;
  EXPECT_THAT(out_, StartsWith("OK "));
  EXPECT_EQ(Run({"get", "x"}), 0);
  EXPECT_EQ(out_, "10\n");
  EXPECT_EQ(Run({"get", "x", "-o", "raw"}), 0);
  EXPECT_EQ(out_, "10");
  EXPECT_EQ(Run({"del", "x"}), 0);
  EXPECT_EQ(Run({"get", "x"}), 1);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(err_, "key not found: x\n");
  EXPECT_EQ(Run({"-o", "json", "get", "x"}), 1);
  EXPECT_EQ(json::parse(out_)["found"], false);
  EXPECT_EQ(err_, "");
}

TEST_F(RunTest, ValuesFromStdinAndBytes) {
  EXPECT_EQ(Run({"put", "x", "-", "--bytes"}, std::string("\0\xff", 2)), 0);
  EXPECT_EQ(Run({"get", "x", "-o", "raw"}), 0);
  EXPECT_EQ(out_, std::string("\0\xff", 2));
  EXPECT_EQ(Run({"put", "x", "-"}, "\xff"), 2);
  EXPECT_THAT(err_, HasSubstr("--bytes"));
  EXPECT_EQ(Run({"put", "x", "@" + Path("absent")}), 2);
}

TEST_F(RunTest, ARequestIdIsReplayed) {
  EXPECT_EQ(Run({"put", "x", "10", "--request-id", "r"}), 0);
  EXPECT_EQ(Run({"put", "x", "10", "--request-id", "r", "-o", "json"}), 0);
  EXPECT_EQ(json::parse(out_)["replayed"], true);
  EXPECT_EQ(json::parse(out_)["request_id"], "r");
  EXPECT_EQ(node_.service().writes_applied(), 1);
}

TEST_F(RunTest, Scan) {
  for (const char* key : {"a1", "a2", "b1"}) Run({"put", key, "v"});
  node_.service().SetPageKeysMax(1);
  EXPECT_EQ(Run({"scan", "a", "--keys-only", "-o", "raw"}), 0);
  EXPECT_EQ(out_, "a1\na2\n");
  EXPECT_EQ(Run({"scan", "--start", "a2", "-o", "raw"}), 0);
  EXPECT_EQ(out_, "a2\tv\nb1\tv\n");
  EXPECT_EQ(Run({"scan", "--limit", "2", "-o", "json"}), 0);
  EXPECT_EQ(json::parse(out_)["count"], 2);
  EXPECT_EQ(Run({"scan", "none", "-o", "json"}), 0);
  EXPECT_EQ(json::parse(out_)["entries"].size(), 0u);
  node_.service().RefuseNext(MakeError(absl::StatusCode::kInternal, "BROKEN", "broken"));
  EXPECT_EQ(Run({"scan"}), 3);
}

TEST_F(RunTest, StatusOfOneAndOfSeveral) {
  EXPECT_EQ(Run({"status", "-o", "json"}), 0);
  EXPECT_EQ(json::parse(out_)["node_id"], "A");
  const std::string both = "127.0.0.1:" + std::to_string(node_.port()) + "," + DeadNode();
  EXPECT_EQ(Run({"--node", both, "status"}), 0);
  EXPECT_THAT(out_, HasSubstr("no answer"));
  EXPECT_EQ(Run({"--node", both, "status", "--all", "-o", "json"}), 0);
  EXPECT_EQ(json::parse(out_)["nodes"][0]["node_id"], "A");
  EXPECT_EQ(json::parse(out_)["nodes"][1]["error"]["code"], "UNAVAILABLE");
  EXPECT_EQ(Run({"--node", both, "status", "-o", "json"}), 0);
  EXPECT_EQ(json::parse(out_)["node_id"], "A");
  EXPECT_EQ(Run({"--node", DeadNode() + "," + DeadNode(), "status"}), 3);
}

TEST_F(RunTest, FailedForCertain) {
  EXPECT_EQ(Run({"--node", DeadNode(), "--timeout", "300ms", "put", "x", "1"}), 3);
  EXPECT_THAT(err_, StartsWith("lamppost: failed: UNAVAILABLE/NOT_CONNECTED: "));
  EXPECT_EQ(Run({"--node", DeadNode(), "--timeout", "300ms", "-o", "json", "put", "x", "1"}), 3);
  const json error = json::parse(err_)["error"];
  EXPECT_EQ(error["code"], "UNAVAILABLE");
  EXPECT_EQ(error["reason"], "NOT_CONNECTED");
  EXPECT_EQ(error["outcome"], "failed");
  EXPECT_EQ(error["request_id"].get<std::string>().size(), 32u);
  node_.service().RefuseNext(MakeError(absl::StatusCode::kInvalidArgument, "KEY_TOO_LONG", "too long"));
  EXPECT_EQ(Run({"put", "x", "1"}), 3);
  node_.service().RefuseNext(MakeError(absl::StatusCode::kInvalidArgument, "A\x1b[2J", "B\x1b[2J"));
  EXPECT_EQ(Run({"put", "x", "1"}), 3);
  EXPECT_EQ(err_.find('\x1b'), std::string::npos) << "a server's error must not steer the terminal: " << err_;
}

TEST_F(RunTest, AServerOfAnotherKindIsNamed) {
  client::FakeFunctionServer server("A");
  EXPECT_EQ(Run({"--node", server.address(), "get", "x"}), 3);
  EXPECT_EQ(err_,
            "lamppost: failed: UNIMPLEMENTED: the server at " + server.address() + " is not a lamppost-kv\n");
  EXPECT_EQ(Run({"--node", server.address(), "put", "x", "1"}), 3);
  EXPECT_THAT(err_, HasSubstr("is not a lamppost-kv"));
}

TEST_F(RunTest, OutcomeUnknown) {
  client::CuttingProxy proxy(node_.port());
  node_.service().SetAfterApply([&proxy] { proxy.Cut(); });
  const std::string address = "127.0.0.1:" + std::to_string(proxy.port());
  EXPECT_EQ(Run({"--node", address, "--timeout", "1s", "put", "x", "1", "--request-id", "r7"}), 4);
  EXPECT_THAT(err_, StartsWith("lamppost: outcome unknown: UNAVAILABLE: "));
  EXPECT_THAT(err_, HasSubstr("request id r7"));
  EXPECT_EQ(Run({"--node", address, "--timeout", "1s", "get", "x"}), 0) << "a read needs no second thought";
}

TEST_F(RunTest, EachAttemptIsToldIfAsked) {
  node_.service().RefuseNext(MakeRetryableError(absl::StatusCode::kUnavailable, "DRAINING", "stopping", 1));
  EXPECT_EQ(Run({"-v", "put", "x", "1"}), 0);
  EXPECT_THAT(err_, HasSubstr("attempt 1: Put at 127.0.0.1:"));
  EXPECT_THAT(err_, HasSubstr("UNAVAILABLE/DRAINING"));
  EXPECT_THAT(err_, HasSubstr("attempt 2: Put at 127.0.0.1:"));
}

TEST_F(RunTest, UsageHelpVersion) {
  EXPECT_EQ(Run({"put"}), 2);
  EXPECT_EQ(Run({"help"}), 0);
  EXPECT_EQ(Run({"--version"}), 0);
}

TEST_F(RunTest, ALoadedDumpEqualsTheOriginal) {
  std::string original;
  for (int i = 0; i < 1234; ++i) {
    char key[16];
    snprintf(key, sizeof key, "k%05d", i);
    original += i % 2 == 0 ? json({{"key", key}, {"value", "line\n" + std::to_string(i)}}).dump()
                           : "{\"key\":\"" + std::string(key) + "\",\"data\":\"AP8=\"}";
    original += "\n";
  }
  std::ofstream(Path("in")) << original;
  EXPECT_EQ(Run({"load", Path("in"), "-o", "json"}), 0) << err_;
  EXPECT_EQ(json::parse(out_)["lines_written"], 1234);
  node_.service().SetPageKeysMax(100);
  EXPECT_EQ(Run({"dump", Path("out")}), 0) << err_;
  EXPECT_EQ(Run({"dump", "-"}), 0);
  EXPECT_EQ(Read("out"), out_);

  client::FakeNode other("B");
  const std::string address = "127.0.0.1:" + std::to_string(other.port());
  EXPECT_EQ(Run({"--node", address, "load", "-"}, out_), 0) << err_;
  const auto entries = node_.service().entries();
  const auto copies = other.service().entries();
  ASSERT_EQ(entries.size(), 1234u);
  ASSERT_EQ(copies.size(), 1234u);
  for (const auto& [key, entry] : entries) {
    EXPECT_EQ(copies.at(key).value.SerializeAsString(), entry.value.SerializeAsString()) << key;
  }
}

TEST_F(RunTest, ABadLineStopsTheLoadAndIsNumbered) {
  const std::string input =
      "{\"key\":\"a\",\"value\":\"1\"}\n\n{\"key\":\"b\"}\n{\"key\":\"c\",\"value\":\"1\"}\n";
  EXPECT_EQ(Run({"load", "-"}, input), 3);
  EXPECT_THAT(err_, HasSubstr("line 3: "));
  EXPECT_THAT(err_, HasSubstr("1 line was written"));
  EXPECT_EQ(node_.service().entries().size(), 1u);
  EXPECT_EQ(Run({"load", "-", "-o", "json"}, input), 3);
  EXPECT_EQ(json::parse(err_)["error"]["lines_written"], 1);
  EXPECT_EQ(json::parse(err_)["error"]["reason"], "BAD_LINE");
  EXPECT_EQ(Run({"load", "-", "-o", "json"}, "{\"key\":\"\",\"value\":\"1\"}\n"), 3);
  EXPECT_EQ(json::parse(err_)["error"]["reason"], "KEY_EMPTY") << "a key that cannot be keeps its own reason";
}

TEST_F(RunTest, ALoadThatOthersHaveNotYetGotIsWrittenAllTheSame) {
  for (int i = 0; i < 100; ++i) {
    node_.service().RefuseNext(MakeError(absl::StatusCode::kDeadlineExceeded, "REPLICAS_PENDING", "1 of 2"));
  }
  EXPECT_EQ(Run({"load", "-", "--replicas", "2", "-o", "json", "--timeout", "1s"},
                "{\"key\":\"a\",\"value\":\"1\"}\n{\"key\":\"b\",\"value\":\"1\"}\n"),
            4);
  EXPECT_EQ(json::parse(err_)["error"]["reason"], "REPLICAS_PENDING") << err_;
  EXPECT_EQ(json::parse(err_)["error"]["lines_written"], 2) << err_;
}

TEST_F(RunTest, ADumpThatDoesNotFitHasFailed) {
  EXPECT_EQ(Run({"put", "x", "1"}), 0);
  EXPECT_EQ(Run({"dump", "/dev/full", "-o", "json"}), 3);
  EXPECT_EQ(json::parse(err_)["error"]["reason"], "FILE_NOT_WRITTEN") << err_;
}

TEST_F(RunTest, AWatchThatNobodyAnswersHasFailed) {
  EXPECT_EQ(Run({"--node", DeadNode(), "--timeout", "500ms", "-o", "json", "watch"}), 3);
  EXPECT_EQ(json::parse(err_)["error"]["reason"], "NOT_CONNECTED") << err_;
  EXPECT_EQ(Run({"--timeout", "500ms", "-o", "json", "watch"}), 3);
  EXPECT_EQ(json::parse(err_)["error"]["reason"], "NO_ANSWER") << err_;
}

TEST_F(RunTest, FilesThatCannotBeUsed) {
  EXPECT_EQ(Run({"load", Path("absent")}), 2);
  EXPECT_EQ(Run({"load", directory_.string()}), 2);
  EXPECT_EQ(Run({"dump", Path("no/such/directory")}), 2);
  std::ofstream(Path("empty")) << "";
  EXPECT_EQ(Run({"load", Path("empty")}), 0) << err_;
}

TEST_F(RunTest, AFailedDumpLeavesTheOldFile) {
  std::ofstream(Path("out")) << "old";
  node_.service().RefuseNext(MakeError(absl::StatusCode::kInternal, "BROKEN", "broken"));
  EXPECT_EQ(Run({"dump", Path("out")}), 3);
  EXPECT_EQ(Read("out"), "old");
}

}  // namespace
}  // namespace lamppost::cli
