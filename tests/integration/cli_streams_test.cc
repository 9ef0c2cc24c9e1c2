// load and watch of the lamppost command, against real nodes and broken links.
#include <csignal>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using nlohmann::json;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The command, running.
class Command {
 public:
  Command(const std::vector<std::string>& nodes, const std::vector<std::string>& words)
      : out_path_(NewTestPath("out")), err_path_(NewTestPath("err")) {
    ProcessOptions options;
    options.command = {"clients/cli/lamppost", "--node", absl::StrJoin(nodes, ",")};
    options.command.insert(options.command.end(), words.begin(), words.end());
    options.output_path = out_path_;
    options.error_path = err_path_;
    process_ = *Process::Start(options);
  }

  std::string Out() const { return ReadFile(out_path_); }
  std::string Err() const { return ReadFile(err_path_); }
  std::vector<std::string> Lines() const { return absl::StrSplit(Out(), '\n', absl::SkipEmpty()); }
  // The exit code; -1 if it does not end.
  int End() { return process_->Wait(absl::Seconds(60)).value_or(-1); }
  Process* process() { return process_.get(); }

 private:
  const std::string out_path_;
  const std::string err_path_;
  std::unique_ptr<Process> process_;
};

class CliStreams : public ::testing::Test {
 protected:
  void Start(const std::vector<std::string>& ids) {
    ClusterOptions options;
    options.ids = ids;
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
  }
  std::string Url(const std::string& id) { return absl::StrCat("http://", cluster_->node(id)->address()); }
  KvClient* client(const std::string& id) { return cluster_->client(id); }
  // Until the watch tells of a put, so that what comes from then on is told.
  void AwaitWatching(const Command& watch) {
    ASSERT_OK(WaitFor("the watch", absl::Seconds(20), [&] {
      client("A")->Put("w/started", "1").IgnoreError();
      return watch.Out().find("w/started") != std::string::npos;
    }));
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(CliStreams, ALoadGoesOnAfterBrokenLinks) {
  constexpr int kLines = 60'000;
  Start({"A"});
  const std::string path = NewTestPath("lines");
  {
    std::ofstream file(path);
    for (int i = 0; i < kLines; ++i) file << "{\"key\":\"k" << i << "\",\"value\":\"" << i << "\"}\n";
  }
  LinkProxy proxy(cluster_->node("A")->port());
  proxy.SetDelay(absl::Milliseconds(2));
  Command load({absl::StrCat("127.0.0.1:", proxy.port())}, {"load", path, "-o", "json", "-v"});
  int breaks = 0;
  for (; load.process()->IsRunning() && breaks < 10; ++breaks) {
    const uint64_t before = client("A")->Status()->keys();
    ASSERT_OK(WaitFor("progress", absl::Seconds(20), [&] {
      return !load.process()->IsRunning() || client("A")->Status()->keys() > before + 3000;
    }));
    proxy.BreakConnections();
  }
  ASSERT_EQ(load.End(), 0) << load.Err();
  EXPECT_EQ(json::parse(load.Out()).at("lines_written"), kLines);
  EXPECT_EQ(json::parse(load.Out()).at("batches"), kLines / 500);
  EXPECT_THAT(load.Err(), HasSubstr("BulkWrite"));
  EXPECT_EQ(client("A")->Status()->keys(), static_cast<uint64_t>(kLines));
  EXPECT_EQ(client("A")->Text("k59999"), "59999");
}

TEST_F(CliStreams, ALoadForSeveralMembersFailsIfThereAreTooFew) {
  Start({"A"});
  const std::string path = NewTestPath("lines");
  std::ofstream(path) << "{\"key\":\"k\",\"value\":\"1\"}\n";
  Command load({Url("A")}, {"load", path, "--replicas", "2"});
  EXPECT_EQ(load.End(), 3);
  EXPECT_THAT(load.Err(), HasSubstr("INVALID_ARGUMENT/REPLICAS_TOO_MANY: lines 1 to 1:"));
}

TEST_F(CliStreams, AWatchPrintsALineAnEventAndEndsInOrderAtASignal) {
  Start({"A"});
  Command watch({Url("A")}, {"watch", "w/", "-o", "json"});
  AwaitWatching(watch);
  ASSERT_OK(client("A")->Put("w/x", "10").status());
  ASSERT_OK(client("A")->Put("other", "10").status());
  ASSERT_OK(client("A")->Delete("w/x").status());
  ASSERT_OK(WaitFor("the deletion", absl::Seconds(10),
                    [&] { return watch.Out().find("delete") != std::string::npos; }));
  watch.process()->Signal(SIGINT);
  EXPECT_EQ(watch.End(), 0) << watch.Err();
  const std::vector<std::string> lines = watch.Lines();
  // A put that is replaced before its turn is left out.
  const json last = json::parse(lines.back());
  EXPECT_EQ(last.at("event"), "delete");
  EXPECT_EQ(last.at("key"), "w/x");
  EXPECT_EQ(last.at("version").at("node_id"), "A");
  // How often w/started was put before the watch told of it depends on the machine.
  int of_x = 0;
  for (const std::string& line : lines) {
    const std::string key = json::parse(line).at("key");
    EXPECT_THAT(key, AnyOf("w/started", "w/x"));
    if (key == "w/x") ++of_x;
  }
  EXPECT_LE(of_x, 2);
}

TEST_F(CliStreams, AWatchGoesOnFromItsFileAtAnotherNode) {
  Start({"A", "B"});
  const std::string session = NewTestPath("session");
  Command watch({Url("A")}, {"watch", "w/", "--session", session, "-o", "raw"});
  AwaitWatching(watch);
  // Once this is told all before it is, the last of what AwaitWatching has written too.
  ASSERT_OK(client("A")->Put("w/0", "v").status());
  ASSERT_OK(
      WaitFor("all so far", absl::Seconds(10), [&] { return watch.Out().find("w/0") != std::string::npos; }));
  watch.process()->Signal(SIGTERM);
  ASSERT_EQ(watch.End(), 0) << watch.Err();
  for (int i = 1; i <= 5; ++i) ASSERT_OK(client("A")->Put(absl::StrCat("w/", i), "v").status());
  ASSERT_OK(cluster_->WaitConverged());
  const std::vector<std::string> words = {"watch", "w/", "--session", session, "-o", "raw"};
  const auto with_limit = [&](const std::string& limit) {
    std::vector<std::string> all = words;
    all.insert(all.end(), {"--limit", limit});
    return all;
  };
  Command two({Url("B")}, with_limit("2"));
  EXPECT_EQ(two.End(), 0) << two.Err();
  EXPECT_THAT(two.Lines(), ElementsAre("put\tw/1\tv", "put\tw/2\tv"));
  Command three({Url("A")}, with_limit("3"));
  EXPECT_EQ(three.End(), 0) << three.Err();
  EXPECT_THAT(three.Lines(), ElementsAre("put\tw/3\tv", "put\tw/4\tv", "put\tw/5\tv"));
}

TEST_F(CliStreams, ACommandThatFailsEndsTheWatchAndGetsItsEventAgain) {
  Start({"A"});
  const std::string session = NewTestPath("session");
  const std::string done = NewTestPath("done");
  for (int i = 1; i <= 3; ++i)
    ASSERT_OK(client("A")->Put(absl::StrCat("w/", i), absl::StrCat("v", i)).status());
  const auto words = [&](const std::string& command) {
    return std::vector<std::string>{"watch",     "w/",    "--from-beginning", "--limit", "3",
                                    "--session", session, "--exec",           command};
  };
  const std::string note = absl::StrCat("{ echo $LAMPPOST_EVENT $LAMPPOST_KEY; cat; echo; } >>", done);
  Command failing({Url("A")}, words(absl::StrCat("test $LAMPPOST_KEY != w/2 && ", note)));
  EXPECT_EQ(failing.End(), 3);
  EXPECT_THAT(failing.Err(),
              HasSubstr("ABORTED/COMMAND_FAILED: the command ended with code 1 at put of w/2"));
  EXPECT_EQ(ReadFile(done), "put w/1\nv1\n");
  Command rest({Url("A")}, {"watch", "w/", "--limit", "2", "--session", session, "--exec", note});
  EXPECT_EQ(rest.End(), 0) << rest.Err();
  EXPECT_EQ(ReadFile(done), "put w/1\nv1\nput w/2\nv2\nput w/3\nv3\n");
}

TEST_F(CliStreams, TheTimeoutOfAWatch) {
  Start({"A"});
  Command enough({Url("A")}, {"watch", "--timeout", "500ms"});
  EXPECT_EQ(enough.End(), 0) << enough.Err();
  Command too_few({Url("A")}, {"watch", "--timeout", "500ms", "--limit", "1"});
  EXPECT_EQ(too_few.End(), 3);
  EXPECT_THAT(too_few.Err(), HasSubstr("DEADLINE_EXCEEDED/TIMEOUT"));
  cluster_->node("A")->Kill();
  Command nobody({Url("A")}, {"watch", "--timeout", "1s"});
  EXPECT_EQ(nobody.End(), 3);
}

}  // namespace
}  // namespace lamppost::testing
