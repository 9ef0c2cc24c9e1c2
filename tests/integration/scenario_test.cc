// The scenario command against real nodes: the cluster does what the scenarios say that it does, they are
// drawn, and nothing of them is left.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "clients/diagram/history.h"
#include "clients/diagram/jsonl.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/lamppost_command.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using diagram::Arrow;
using diagram::Event;
using diagram::History;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kEnable[] = "--enable-faults";

int CountOf(const std::string& what, const std::string& text) {
  int count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++count;
  return count;
}

// What a scenario has drawn, as it is stored. It contradicts neither itself nor Lamport.
History Drawn(const std::string& directory, const std::string& name) {
  const auto events = diagram::ParseJsonl(ReadFile(absl::StrCat(directory, "/scenario-", name, ".jsonl")));
  EXPECT_OK(events.status());
  if (!events.ok()) return {};
  const absl::StatusOr<History> history = diagram::Build(*events);
  EXPECT_OK(history.status());
  if (!history.ok()) return {};
  EXPECT_THAT(history->violations, IsEmpty()) << name;
  return *history;
}

bool IsAboutScenario(const std::vector<std::string>& keys) {
  return std::any_of(keys.begin(), keys.end(),
                     [](const std::string& key) { return key.rfind("scenario/", 0) == 0; });
}

// Messages that bring what was written, and have ended so.
size_t MessagesThatAre(const History& history, Arrow::Status status) {
  return static_cast<size_t>(
      std::count_if(history.arrows.begin(), history.arrows.end(), [&](const Arrow& arrow) {
        return arrow.status == status && arrow.from != Arrow::kNowhere &&
               IsAboutScenario(history.points[arrow.from].event.keys);
      }));
}

size_t ConflictsIn(const History& history) {
  size_t conflicts = 0;
  for (const diagram::Point& point : history.points) {
    for (const Event& mark : point.marks) {
      if (mark.kind == Event::Kind::kConflict && IsAboutScenario(mark.keys)) ++conflicts;
    }
  }
  return conflicts;
}

class ScenarioTest : public ::testing::Test {
 protected:
  void Start(const std::vector<std::string>& flags = {kEnable},
             const std::vector<std::string>& ids = {"A", "B", "C"}) {
    ClusterOptions options;
    options.ids = ids;
    options.flags = flags;
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
  }

  // One node is enough: it knows the others.
  std::vector<std::string> Words(const std::vector<std::string>& more) {
    std::vector<std::string> words = {"--node", cluster_->node(cluster_->ids()[0])->address()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Finished Scenario(std::vector<std::string> words) {
    words.insert(words.begin(), "scenario");
    return RunLamppost(Words(words));
  }
  void ExpectNoFaults() {
    const Finished list = RunLamppost(Words({"fault", "list"}));
    EXPECT_EQ(list.exit_code, 0) << list.err;
    EXPECT_EQ(list.out, "no faults\n");
  }
  void ExpectNoKeys() {
    ASSERT_OK(cluster_->WaitConverged());
    for (const std::string& id : cluster_->ids()) {
      EXPECT_THAT(cluster_->client(id)->Everything().value(), IsEmpty()) << id;
    }
  }
  void ExpectRefused(const Finished& refused, const std::string& reason) {
    EXPECT_EQ(refused.exit_code, 3) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr(absl::StrCat("FAILED_PRECONDITION/", reason)));
    EXPECT_EQ(refused.out, "") << "nothing has been played";
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(ScenarioTest, AllOfThemAreAsPromisedAndDrawn) {
  Start();
  const std::string directory = NewTestPath("drawings") + "/deep";
  const Finished all = Scenario({"all", "--draw", directory});
  ASSERT_EQ(all.exit_code, 0) << all.out << all.err;
  EXPECT_EQ(all.err, "");
  EXPECT_THAT(all.out, StartsWith("A. "));
  EXPECT_THAT(all.out, AllOf(HasSubstr("\nB. "), HasSubstr("\nC. ")));
  EXPECT_THAT(CountOf("  ✓ ", all.out), Ge(15));
  EXPECT_EQ(CountOf("  ✓ drawn, ", all.out), 3);
  EXPECT_EQ(CountOf("  ✓ all nodes have the same: content hash ", all.out), 3);
  std::vector<std::string> expected;
  for (const std::string name : {"A", "B", "C"}) {
    for (const std::string end : {"html", "jsonl", "shiviz", "svg"}) {
      expected.push_back(absl::StrCat("scenario-", name, ".", end));
    }
  }
  std::vector<std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    files.push_back(file.path().filename().string());
    EXPECT_GT(file.file_size(), 0u) << files.back();
  }
  EXPECT_THAT(files, ::testing::UnorderedElementsAreArray(expected)) << "and no half of one";
  EXPECT_THAT(ReadFile(directory + "/scenario-B.svg"), HasSubstr("Concurrent writes"));

  const History delayed = Drawn(directory, "A");
  EXPECT_THAT(delayed.lanes, ::testing::SizeIs(3));
  const auto is_delayed = [&](const Arrow& arrow) {
    return arrow.is_delayed && arrow.status == Arrow::Status::kArrived && arrow.message.from == "A" &&
           arrow.message.to == "C" && IsAboutScenario(delayed.points[arrow.from].event.keys);
  };
  EXPECT_TRUE(std::any_of(delayed.arrows.begin(), delayed.arrows.end(), is_delayed));
  const History concurrent = Drawn(directory, "B");
  EXPECT_THAT(MessagesThatAre(concurrent, Arrow::Status::kLost), Gt(0u));
  EXPECT_THAT(ConflictsIn(concurrent), Gt(0u));
  EXPECT_EQ(ConflictsIn(delayed), 0u);
  const History outage = Drawn(directory, "C");
  EXPECT_THAT(MessagesThatAre(outage, Arrow::Status::kLost), Gt(0u));
  EXPECT_EQ(ConflictsIn(outage), 0u);

  ExpectNoFaults();
  ExpectNoKeys();
}

TEST_F(ScenarioTest, OneAloneAndAgainAmongOtherKeys) {
  Start();
  ASSERT_OK(cluster_->client("C")->Put("mine", "1").status());
  for (const char* name : {"C", "B", "B"}) {
    const Finished one = Scenario({name});
    EXPECT_EQ(one.exit_code, 0) << one.out << one.err;
    EXPECT_THAT(one.out, StartsWith(absl::StrCat(name, ". ")));
    EXPECT_THAT(one.out, Not(HasSubstr("drawn")));
  }
  ASSERT_OK(cluster_->WaitConverged());
  EXPECT_THAT(cluster_->client("B")->Everything().value(), ::testing::SizeIs(1));
  const Finished conflicts = RunLamppost(Words({"conflicts", "--open", "-o", "raw"}));
  EXPECT_EQ(conflicts.exit_code, 0) << conflicts.err;
  EXPECT_EQ(conflicts.out, "") << "those that it has made it settles";
}

// Whoever loses patience is not to find his cluster disturbed.
TEST_F(ScenarioTest, AnInterruptEndsItAndItsFaults) {
  Start();
  const std::string out_path = NewTestPath("scenario-out");
  ProcessOptions options;
  options.command = {"clients/cli/lamppost"};
  for (const std::string& word : Words({"scenario", "A"})) options.command.push_back(word);
  options.output_path = out_path;
  options.error_path = NewTestPath("scenario-err");
  const std::unique_ptr<Process> scenario = Process::Start(options).value();
  ASSERT_OK(WaitFor("the delay", absl::Seconds(20),
                    [&] { return ReadFile(out_path).find("delay from A to C") != std::string::npos; }));
  scenario->Signal(SIGINT);
  const absl::StatusOr<int> exit_code = scenario->Wait(absl::Seconds(10));
  ASSERT_OK(exit_code.status());
  EXPECT_EQ(*exit_code, 3);
  EXPECT_THAT(ReadFile(options.error_path), HasSubstr("CANCELLED/INTERRUPTED"));
  ExpectNoFaults();
  ExpectNoKeys();
}

TEST_F(ScenarioTest, NodesThatTakeNoFaultsAreLeftAlone) {
  Start({});
  const Finished refused = Scenario({"all"});
  ExpectRefused(refused, "FAULTS_DISABLED");
  EXPECT_THAT(refused.err, HasSubstr("start the nodes with --enable-faults"));
}

TEST_F(ScenarioTest, TwoNodesAreTooFew) {
  Start({kEnable}, {"A", "B"});
  ExpectRefused(Scenario({"B"}), "TOO_FEW_MEMBERS");
}

TEST_F(ScenarioTest, FaultsOfSomebodyElseAreNotDisturbed) {
  Start();
  ASSERT_EQ(RunLamppost(Words({"fault", "delay", "B", "C", "10s", "--one-way"})).exit_code, 0);
  ExpectRefused(Scenario({"A"}), "FAULTS_PRESENT");
  EXPECT_EQ(RunLamppost(Words({"fault", "list", "-o", "raw"})).out, "B\tC\tdelay 10s\n");
  ASSERT_EQ(RunLamppost(Words({"fault", "clear"})).exit_code, 0);
}

TEST_F(ScenarioTest, WhatCannotBeDrawnIsNotPlayed) {
  Start();
  const std::string file = NewTestPath("no-directory");
  std::ofstream(file) << "a file";
  const Finished refused = Scenario({"A", "--draw", file});
  EXPECT_EQ(refused.exit_code, 2) << refused.err;
  EXPECT_EQ(refused.out, "");
  EXPECT_THAT(refused.err, HasSubstr("no-directory"));
  ExpectNoFaults();
}

// A scenario finds it out: A's writes do not come to C, however long it waits.
TEST_F(ScenarioTest, AClusterThatDoesNotDoWhatItPromisesIsFoundOut) {
  ClusterOptions options;
  options.flags = {kEnable};
  options.links = Links::kProxied;
  cluster_ = std::make_unique<Cluster>(options);
  ASSERT_OK(cluster_->StartAll());
  cluster_->SetBoth("A", "B", LinkProxy::Mode::kCut);
  cluster_->SetBoth("C", "B", LinkProxy::Mode::kCut);
  // It is named for all three: behind the proxies nodes would be asked by the cut ways.
  const std::string nodes =
      absl::StrJoin(cluster_->ids(), ",", [this](std::string* out, const std::string& id) {
        absl::StrAppend(out, cluster_->node(id)->address());
      });
  const Finished failed = RunLamppost({"--node", nodes, "scenario", "B"});
  EXPECT_EQ(failed.exit_code, 3) << failed.out;
  EXPECT_THAT(failed.err, HasSubstr("FAILED_PRECONDITION/NOT_AS_PROMISED"));
  EXPECT_THAT(failed.out, HasSubstr("→ the cuts end"));
  cluster_->SetBoth("A", "B", LinkProxy::Mode::kOpen);
  cluster_->SetBoth("C", "B", LinkProxy::Mode::kOpen);
  ExpectNoFaults();
  ASSERT_OK(cluster_->WaitConverged());
}

TEST(ScenarioCommand, NobodyAnswers) {
  EXPECT_EQ(RunLamppost({"--node", "127.0.0.1:1", "scenario", "A"}).exit_code, 3);
}

}  // namespace
}  // namespace lamppost::testing
