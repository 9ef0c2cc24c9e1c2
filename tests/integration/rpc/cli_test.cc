// The lamppost command against a real server: what it prints and how it ends.
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/rpc/testing/functions_directory.h"
#include "tests/integration/rpc/testing/rpc_server.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class Cli : public ::testing::Test {
 protected:
  void SetUp() override {
    functions_.AddShell("fails", "echo too bad >&2; exit 3");
    ASSERT_OK(server_.Start());
  }

  Finished Run(const std::vector<std::string>& words, const std::string& input = "") {
    ProcessOptions options;
    options.command = {"clients/cli/lamppost", "--server", server_.address()};
    options.command.insert(options.command.end(), words.begin(), words.end());
    if (!input.empty()) {
      options.input_path = NewTestPath("input");
      std::ofstream(options.input_path) << input;
    }
    return RunToEnd(options, absl::Seconds(60));
  }
  Finished RunShell(const std::string& line) {
    ProcessOptions options;
    options.command = {"sh", "-c", line};
    return RunToEnd(options, absl::Seconds(60));
  }

  FunctionsDirectory functions_;
  RpcServer server_{{"--functions-dir", functions_.path(), "--enable-faults"}};
};

TEST_F(Cli, CallsWithParamsInEveryForm) {
  EXPECT_EQ(Run({"call", "add", R"({"a":1,"b":2})"}).out, "3\n");
  EXPECT_EQ(Run({"call", "add", "a=1", "b=2.5"}).out, "3.5\n");
  EXPECT_EQ(Run({"call", "add", "-"}, R"({"a":1,"b":3})").out, "4\n");
  const std::string file = NewTestPath("params");
  std::ofstream(file) << R"({"text":"abc"})";
  EXPECT_EQ(Run({"-o", "raw", "call", "reverse", "@" + file}).out, "cba\n");
  const Json json = Json::parse(Run({"-o", "json", "call", "add", "a=1", "b=2"}).out);
  EXPECT_EQ(json["outcome"]["result"], 3);
  EXPECT_EQ(json["replayed"], false);
  EXPECT_EQ(json["attempts"], 1);
}

TEST_F(Cli, ExitCodesTellTheOutcomesApart) {
  EXPECT_EQ(Run({"call", "add", "a=1"}).exit_code, 3);
  const Finished unknown_function = Run({"call", "ad", "a=1", "b=2"});
  EXPECT_EQ(unknown_function.exit_code, 3);
  EXPECT_THAT(unknown_function.err, HasSubstr("add"));
  const Finished failed = Run({"call", "fails"});
  EXPECT_EQ(failed.exit_code, 5);
  EXPECT_THAT(failed.err, HasSubstr("EXIT_CODE"));
  EXPECT_THAT(failed.err, HasSubstr("too bad"));
  EXPECT_EQ(Run({"call"}).exit_code, 2);
  EXPECT_EQ(Run({"call", "add", "{"}).exit_code, 2);
}

TEST_F(Cli, ALostReplyIsRetriedAndReplayed) {
  EXPECT_EQ(Run({"fault", "rpc", "lose-reply", "--times", "1"}).exit_code, 0);
  EXPECT_THAT(Run({"fault", "rpc", "list"}).out, HasSubstr("lose"));
  const Finished call = Run({"-v", "-o", "json", "call", "counter", "name=lost"});
  ASSERT_EQ(call.exit_code, 0) << call.err;
  const Json json = Json::parse(call.out);
  EXPECT_EQ(json["attempts"], 2);
  EXPECT_EQ(json["replayed"], true);
  EXPECT_EQ(json["outcome"]["result"]["count"], 1);
  EXPECT_THAT(call.err, HasSubstr("UNAVAILABLE"));
}

// Nobody answers any more: the command says so, and how to ask again; and asking again tells.
TEST_F(Cli, AnUnknownOutcomeComesWithTheCommandThatAsksAgain) {
  EXPECT_EQ(Run({"fault", "rpc", "lose-reply"}).exit_code, 0);
  const Finished unknown = Run({"--timeout", "1s", "call", "counter", R"({"name":"asked"})"});
  EXPECT_EQ(unknown.exit_code, 4) << unknown.err;
  const size_t begin = unknown.err.find("lamppost --server");
  ASSERT_NE(begin, std::string::npos) << unknown.err;
  const std::string line = unknown.err.substr(begin, unknown.err.find('\n', begin) - begin);
  EXPECT_THAT(line, HasSubstr("--request-id"));
  EXPECT_EQ(Run({"fault", "rpc", "clear"}).exit_code, 0);
  const Finished again = RunShell(absl::StrCat("clients/cli/", line, " -o json"));
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(Json::parse(again.out)["outcome"]["result"]["count"], 1);
  EXPECT_EQ(Json::parse(again.out)["replayed"], true);
}

TEST_F(Cli, ListsFunctionsAndTellsOfIds) {
  EXPECT_THAT(Run({"functions"}).out, HasSubstr("fails"));
  const std::string id = NewRequestId();
  EXPECT_EQ(Run({"call", "add", "a=1", "b=2", "--request-id", id}).exit_code, 0);
  EXPECT_THAT(Run({"outcome", id}).out, HasSubstr("3"));
  EXPECT_EQ(Run({"outcome", NewRequestId()}).exit_code, 3);
}

TEST_F(Cli, ADeadServerAmongSeveralIsNoTrouble) {
  ProcessOptions options;
  const std::string dead = absl::StrCat("127.0.0.1:", ReservePort().value());
  options.command = {"clients/cli/lamppost",
                     "--server",
                     absl::StrCat(dead, ",", server_.address()),
                     "-o",
                     "json",
                     "call",
                     "add",
                     "a=1",
                     "b=2"};
  const Finished call = RunToEnd(options, absl::Seconds(60));
  ASSERT_EQ(call.exit_code, 0) << call.err;
  EXPECT_EQ(Json::parse(call.out)["attempts"], 1);
  options.command[2] = dead;
  options.command.insert(options.command.begin() + 1, {"--timeout", "1s"});
  const Finished none = RunToEnd(options, absl::Seconds(60));
  EXPECT_EQ(none.exit_code, 3) << none.err;
}

}  // namespace
}  // namespace lamppost::testing
