// Whole commands against servers of functions in memory: outputs and exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "clients/cli/run.h"
#include "clients/cpp/cutting_proxy.h"
#include "clients/cpp/fake_function_service.h"
#include "clients/cpp/fake_kv_service.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

using client::FakeFunctionServer;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kId[] = "0190f3c2-7a8b-7c3d-9e4f-0123456789ab";

class CallRunTest : public testing::Test {
 protected:
  void SetUp() override { unsetenv("LAMPPOST_SERVER"); }

  // With server_ as the server, unless `words` name others.
  int Run(std::vector<std::string> words, const std::string& input = "") {
    const std::vector<std::string> patient = {"lamppost", "--server", server_.address(), "--attempt-timeout",
                                              "20s"};
    if (std::find(words.begin(), words.end(), "--server") == words.end()) {
      words.insert(words.begin(), patient.begin(), patient.end());
    } else {
      words.insert(words.begin(), "lamppost");
    }
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    Io io{&in, &out, &err};
    io.progress = progress_;
    const int exit_code = cli::Run(static_cast<int>(argv.size()), argv.data(), io);
    out_ = out.str();
    err_ = err.str();
    return exit_code;
  }
  // Does something once a condition holds, beside what runs.
  static std::thread When(std::function<bool()> condition, std::function<void()> then) {
    return std::thread([condition, then] {
      const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
      while (!condition() && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      then();
    });
  }
  static std::string DeadServer() {
    FakeFunctionServer server("dead");
    server.Stop();
    return server.address();
  }

  std::shared_ptr<client::FakeFunctions> functions_ = std::make_shared<client::FakeFunctions>();
  FakeFunctionServer server_{"A", functions_};
  ProgressBar progress_ = ProgressBar::kOff;
  std::string out_;
  std::string err_;
};

TEST_F(CallRunTest, ResultsInAllFormats) {
  EXPECT_EQ(Run({"call", "echo", "a=1", "b=two"}), 0) << err_;
  EXPECT_EQ(out_, "{\n  \"a\": 1,\n  \"b\": \"two\"\n}\n");
  EXPECT_EQ(err_, "");
  EXPECT_EQ(Run({"call", "echo", "-", "-o", "raw"}, "{\"a\":1}"), 0);
  EXPECT_EQ(out_, "{\"a\":1}\n");
  EXPECT_EQ(Run({"call", "text", "-o", "raw"}), 0);
  EXPECT_EQ(out_, "two \"words\"");
  EXPECT_EQ(Run({"call", "count", "-o", "json", "--request-id", kId}), 0);
  json object = json::parse(out_);
  EXPECT_EQ(object["request_id"], kId);
  EXPECT_EQ(object["outcome"]["result"], 4);
  EXPECT_EQ(object["replayed"], false);
  EXPECT_EQ(object["attempts"], 1);
  EXPECT_EQ(object["server"], server_.address());
  EXPECT_EQ(Run({"call", "count", "-o", "json", "--request-id", kId}), 0);
  object = json::parse(out_);
  EXPECT_EQ(object["outcome"]["result"], 4);
  EXPECT_EQ(object["replayed"], true);
}

TEST_F(CallRunTest, UsageIsFoundBeforeAnythingIsSent) {
  EXPECT_EQ(Run({"call", "echo", "nonsense"}), 2);
  EXPECT_EQ(Run({"call", "echo", "a=9007199254740993"}), 2);
  EXPECT_THAT(err_, HasSubstr("2^53"));
  EXPECT_EQ(Run({"call", "echo", "@/nonexistent"}), 2);
  EXPECT_EQ(Run({"call", "echo", "--request-id", "no-uuid"}), 2);
  EXPECT_EQ(Run({"outcome", "no-uuid"}), 2);
  EXPECT_EQ(Run({"--server", "dns:///a:1,b:2", "call", "echo"}), 2);
  EXPECT_TRUE(server_.service().seen().empty());
}

TEST_F(CallRunTest, TheFunctionItselfFailed) {
  EXPECT_EQ(Run({"call", "fail"}), 5);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(err_,
            "lamppost: function failed: EXIT_CODE: it ended with 3 (exit code 3)\n"
            "the end of its standard error:\n  first line\n  second \\x1b[31mline\n");
  EXPECT_EQ(Run({"call", "fail", "-o", "json"}), 5);
  EXPECT_EQ(err_, "");
  EXPECT_EQ(json::parse(out_)["outcome"]["error"]["exit_code"], 3);
  EXPECT_EQ(json::parse(out_)["outcome"]["error"]["signal"], nullptr);
}

TEST_F(CallRunTest, FailedForCertain) {
  EXPECT_EQ(Run({"--server", DeadServer(), "--timeout", "300ms", "call", "echo"}), 3);
  EXPECT_THAT(err_, StartsWith("lamppost: failed: UNAVAILABLE/NOT_CONNECTED: "));
  EXPECT_EQ(Run({"call", "ecko"}), 3);
  EXPECT_THAT(err_, HasSubstr("near: echo"));
  EXPECT_THAT(err_, HasSubstr(" (lamppost functions lists them)\n"));
  EXPECT_EQ(Run({"call", "ecko", "-o", "json"}), 3);
  const json error = json::parse(err_)["error"];
  EXPECT_EQ(error["reason"], "FUNCTION_UNKNOWN");
  EXPECT_EQ(error["outcome"], "failed");
  EXPECT_EQ(error["attempts"], 1);
  EXPECT_FALSE(error.contains("ask_again"));
  server_.service().RefuseNext(MakeError(absl::StatusCode::kInvalidArgument, "A\x1b[2J", "B\x1b[2J"));
  EXPECT_EQ(Run({"call", "echo"}), 3);
  EXPECT_THAT(err_, Not(HasSubstr("\x1b")));
}

TEST_F(CallRunTest, OutcomeUnknownSaysHowToAskAgain) {
  server_.service().LoseReplies(1);
  EXPECT_EQ(Run({"--server", server_.address(), "call", "echo", "a=it's", "--retries", "0"}), 4);
  const std::string id = server_.service().seen()[0].request_id;
  EXPECT_THAT(err_, StartsWith("lamppost: outcome unknown: UNAVAILABLE: "));
  EXPECT_THAT(err_,
              HasSubstr("\nrequest id " + id + "; to ask again:\n  lamppost --server " + server_.address() +
                        " call echo '{\"a\":\"it'\\''s\"}' --request-id " + id + "\n"));
  EXPECT_EQ(out_, "");
  EXPECT_EQ(Run({"call", "echo", R"({"a":"it's"})", "--request-id", id}), 0);
  EXPECT_EQ(functions_->runs(), 1);
  server_.service().LoseReplies(1);
  EXPECT_EQ(Run({"call", "count", "--retries", "0", "-o", "json"}), 4);
  const json error = json::parse(err_)["error"];
  EXPECT_EQ(error["outcome"], "unknown");
  EXPECT_THAT(error["ask_again"].get<std::string>(), HasSubstr(error["request_id"].get<std::string>()));
}

TEST_F(CallRunTest, AnUnknownOutcomeOfTheServers) {
  EXPECT_EQ(Run({"call", "lost"}), 4);
  EXPECT_THAT(err_, StartsWith("lamppost: outcome unknown: UNKNOWN/SERVER_CRASHED: the server that ran it"));
  EXPECT_THAT(err_, HasSubstr("this is final"));
  EXPECT_THAT(err_, Not(HasSubstr("ask again:"))) << "it would tell the same for ever";
  EXPECT_EQ(Run({"call", "lost", "-o", "json"}), 4);
  EXPECT_FALSE(json::parse(err_)["error"].contains("ask_again"));
  EXPECT_EQ(json::parse(out_)["outcome"]["unknown"]["reason"], "SERVER_CRASHED");
  EXPECT_EQ(json::parse(err_)["error"]["reason"], "SERVER_CRASHED");
}

TEST_F(CallRunTest, AServerOfAnotherKindIsNamed) {
  client::FakeNode node("A");
  const std::string address = "127.0.0.1:" + std::to_string(node.port());
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"call", "echo"}, {"functions"}, {"outcome", kId}, {"call", "echo", "--stream"}}) {
    std::vector<std::string> words = {"--server", address};
    words.insert(words.end(), command.begin(), command.end());
    EXPECT_EQ(Run(words), 3);
    EXPECT_EQ(err_, "lamppost: failed: UNIMPLEMENTED: the server at " + address + " is not a lamppost-rpc\n");
  }
}

TEST_F(CallRunTest, AnIdOfAnEarlierCallIsNotCalledFailedWithoutAWordAboutIt) {
  EXPECT_EQ(Run({"--server", DeadServer(), "--timeout", "300ms", "call", "echo", "--request-id", kId}), 4);
  server_.service().RefuseNext(MakeError(absl::StatusCode::kFailedPrecondition, "REQUEST_ID_EXPIRED", "old"));
  EXPECT_EQ(Run({"call", "echo", "--request-id", kId}), 4);
  server_.service().RefuseNext(MakeError(absl::StatusCode::kInvalidArgument, "REQUEST_ID_REUSED", "other"));
  EXPECT_EQ(Run({"call", "echo", "--request-id", kId}), 3);
}

TEST_F(CallRunTest, EachAttemptIsToldIfAsked) {
  server_.service().LoseReplies(1);
  EXPECT_EQ(Run({"-v", "call", "count"}), 0);
  EXPECT_THAT(err_, testing::ContainsRegex("attempt 1: Call at " + server_.address() +
                                           ": UNAVAILABLE after [0-9.]+ ms, clock 1, again in [0-9]+ ms\n"
                                           "attempt 2: Call at " +
                                           server_.address() + ": OK after [0-9.]+ ms, clock 2 -> [0-9]+\n"));
}

TEST_F(CallRunTest, AHedgeIsTold) {
  server_.service().Hold(true);
  std::thread release = When([this] { return server_.service().seen().size() == 2; },
                             [this] { server_.service().Hold(false); });
  EXPECT_EQ(Run({"-v", "call", "count", "--hedge", "20ms"}), 0) << err_;
  release.join();
  EXPECT_EQ(functions_->runs(), 1);
  EXPECT_THAT(err_, testing::ContainsRegex("\n  sent after 0.[0-9] ms, at .*, clock 1"));
  EXPECT_THAT(err_, testing::ContainsRegex("\n  hedge after 2[0-9.]+ ms, at .*, clock 2"));
}

TEST_F(CallRunTest, Progress) {
  std::thread release =
      When([this] { return server_.service().clock() >= 6; }, [this] { functions_->Release(); });
  progress_ = ProgressBar::kOn;
  EXPECT_EQ(Run({"call", "wait", "--stream"}), 0) << err_;
  release.join();
  EXPECT_THAT(err_, StartsWith("\r[==>"));
  EXPECT_THAT(err_, HasSubstr("%  step  "));
  EXPECT_THAT(err_, testing::EndsWith("\r\x1b[K")) << "nothing is left on the line";
  EXPECT_EQ(out_, "1\n");
}

TEST_F(CallRunTest, ProgressInLinesWithVerbose) {
  std::thread release =
      When([this] { return server_.service().clock() >= 6; }, [this] { functions_->Release(); });
  EXPECT_EQ(Run({"call", "wait", "--stream", "-v"}), 0) << err_;
  release.join();
  EXPECT_THAT(err_, StartsWith("progress: 10.0% step after "));
  EXPECT_THAT(err_, HasSubstr("attempt 1: CallStream at "));
}

TEST_F(CallRunTest, OutcomeTellsWhatIsKnown) {
  EXPECT_EQ(Run({"outcome", kId}), 3);
  EXPECT_THAT(err_, HasSubstr("REQUEST_ID_UNKNOWN"));
  EXPECT_EQ(Run({"call", "text", "--request-id", kId}), 0);
  EXPECT_EQ(Run({"outcome", kId, "-o", "raw"}), 0);
  EXPECT_EQ(out_, "two \"words\"");
  EXPECT_EQ(Run({"outcome", kId, "-o", "json"}), 0);
  EXPECT_EQ(json::parse(out_)["state"], "done");
  EXPECT_EQ(json::parse(out_)["outcome"]["result"], "two \"words\"");
  FakeFunctionServer other("B");
  EXPECT_EQ(Run({"--server", other.address() + "," + server_.address(), "outcome", kId}), 0)
      << "each has a store of its own: " << err_;
  EXPECT_EQ(
      Run({"--server", other.address() + "," + DeadServer(), "--attempt-timeout", "300ms", "outcome", kId}),
      3);
  EXPECT_THAT(err_, HasSubstr("NOT_CONNECTED")) << "the one that could not be asked might know";
}

TEST_F(CallRunTest, OutcomeOfWhatIsNotDone) {
  EXPECT_EQ(Run({"--server", server_.address(), "--attempt-timeout", "100ms", "--timeout", "300ms", "call",
                 "wait", "--request-id", kId}),
            4);
  EXPECT_THAT(err_, HasSubstr(server_.address() + " call wait --request-id ")) << "the timeout was too short";
  EXPECT_EQ(Run({"outcome", kId}), 4);
  EXPECT_EQ(out_, "running (wait)\n");
  EXPECT_EQ(Run({"outcome", kId, "-o", "json"}), 4);
  EXPECT_EQ(json::parse(out_)["state"], "running");
  EXPECT_EQ(json::parse(out_)["outcome"], nullptr);
  server_.service().RefuseNext(MakeError(absl::StatusCode::kFailedPrecondition, "REQUEST_ID_EXPIRED", "old"));
  EXPECT_EQ(Run({"outcome", kId}), 4);
}

TEST_F(CallRunTest, Functions) {
  EXPECT_EQ(Run({"functions"}), 0);
  EXPECT_THAT(out_, StartsWith("NAME  PARAMS"));
  EXPECT_THAT(out_, HasSubstr("a:number b?:integer"));
  EXPECT_THAT(out_, HasSubstr("30s, 16+256, idempotent"));
  EXPECT_THAT(out_, Not(HasSubstr("\x1b")));
  EXPECT_EQ(err_, "not a function: bad.json: not JSON text\n");
  EXPECT_EQ(Run({"functions", "-o", "raw"}), 0);
  EXPECT_EQ(out_, "add\n");
  EXPECT_EQ(Run({"functions", "-o", "json"}), 0);
  EXPECT_EQ(json::parse(out_)["functions"][0]["params"]["required"][0], "a");
  EXPECT_EQ(json::parse(out_)["problems"][0]["file"], "bad.json");
}

TEST_F(CallRunTest, FaultsOfEachServer) {
  FakeFunctionServer other("B");
  const std::string both = server_.address() + "," + other.address();
  EXPECT_EQ(Run({"--server", both, "fault", "rpc", "crash", "20ms", "--times", "2"}), 0) << err_;
  EXPECT_EQ(out_, "OK crash at " + server_.address() + "\nOK crash at " + other.address() + "\n");
  ASSERT_EQ(other.faults().faults().size(), 1u);
  EXPECT_EQ(other.faults().faults()[0].delay_ms(), 20u);
  EXPECT_EQ(Run({"--server", both, "fault", "rpc", "list"}), 0);
  EXPECT_THAT(out_, HasSubstr(other.address() + "  crash  *       20ms   2      1"));
  EXPECT_EQ(Run({"--server", both, "fault", "rpc", "list", "-o", "json"}), 0);
  EXPECT_EQ(json::parse(out_)["servers"][1]["faults"][0]["kind"], "crash");
  EXPECT_EQ(Run({"fault", "rpc", "clear"}), 0);
  EXPECT_EQ(out_, "OK 1 cleared at " + server_.address() + "\n");
  EXPECT_EQ(Run({"--server", server_.address() + "," + DeadServer(), "--timeout", "300ms", "fault", "rpc",
                 "lose-reply", "-o", "json"}),
            3);
  EXPECT_EQ(json::parse(out_)["servers"][0]["added"]["kind"], "lose-reply");
  EXPECT_EQ(json::parse(out_)["servers"][1]["error"]["reason"], "NOT_CONNECTED");
}

}  // namespace
}  // namespace lamppost::cli
