// Faults on the links between real nodes, asked for with lamppost: what each does to the replication, that
// all heals when it is over, and what is told of it.
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/lamppost_command.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kEnable[] = "--enable-faults";

class LinkFault : public ::testing::Test {
 protected:
  void Start(const std::vector<std::string>& ids, const std::vector<std::string>& flags = {kEnable}) {
    ClusterOptions options;
    options.ids = ids;
    options.flags = flags;
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
  }

  std::string Addresses() {
    return absl::StrJoin(cluster_->ids(), ",", [this](std::string* out, const std::string& id) {
      absl::StrAppend(out, cluster_->node(id)->address());
    });
  }
  // `words` follow "fault".
  Finished Fault(std::vector<std::string> words) {
    words.insert(words.begin(), {"--node", Addresses(), "fault"});
    return RunLamppost(words);
  }
  void Must(const std::vector<std::string>& words) {
    const Finished done = Fault(words);
    ASSERT_EQ(done.exit_code, 0) << absl::StrJoin(words, " ") << ": " << done.err;
  }

  // As `fault list` has them, whatever it says of other nodes.
  std::vector<json> Faults() {
    std::vector<json> faults;
    const Finished list = Fault({"list", "-o", "json"});
    const json told = json::parse(list.out);
    for (const json& node : told.at("nodes")) {
      if (!node.contains("faults")) continue;
      for (const json& fault : node["faults"]) faults.push_back(fault);
    }
    return faults;
  }
  // The one from there to there; null if there is none. to: empty of a pause.
  json FaultOf(const std::string& from, const std::string& to) {
    for (const json& fault : Faults()) {
      if (fault["from"] == from && fault["to"] == to) return fault;
    }
    return nullptr;
  }
  uint64_t Dropped(const std::string& from, const std::string& to) {
    const json fault = FaultOf(from, to);
    return fault.is_null() ? 0 : fault["dropped"].get<uint64_t>();
  }
  // Until so much of what was sent since is lost that a value would have gone with it, sent for the second
  // time.
  absl::Status WaitLost(const std::string& from, const std::string& to) {
    const uint64_t enough = Dropped(from, to) + 8;
    return WaitFor("messages to be lost", absl::Seconds(20), [&] { return Dropped(from, to) >= enough; });
  }

  std::optional<std::string> Text(const std::string& id, const std::string& key) {
    return cluster_->client(id)->Text(key);
  }
  void Put(const std::string& id, const std::string& key, const std::string& text) {
    ASSERT_OK(cluster_->client(id)->Put(key, text).status());
  }
  absl::Status WaitText(const std::string& id, const std::string& key, const std::string& text) {
    return cluster_->WaitText(id, key, text, absl::Seconds(20));
  }
  // When the node got what it has for the key, by its own account.
  absl::Time Arrival(const std::string& id, const std::string& key) {
    const Finished explained =
        RunLamppost({"--node", cluster_->node(id)->address(), "explain", key, "-o", "json"});
    absl::Time at;
    std::string error;
    EXPECT_EQ(explained.exit_code, 0) << explained.err;
    if (explained.exit_code != 0) return absl::InfinitePast();
    const std::string text = json::parse(explained.out)["arrival"]["at"];
    EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &at, &error)) << error;
    return at;
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(LinkFault, ADelayHoldsUpOneLinkAndNoOther) {
  Start({"A", "B", "C"});
  const absl::Duration delay = absl::Milliseconds(800);
  Must({"delay", "A", "C", "800ms"});
  const absl::Time put = absl::Now();
  Put("A", "x", "1");
  ASSERT_OK(WaitText("B", "x", "1"));
  ASSERT_OK(WaitText("C", "x", "1"));
  EXPECT_LT(Arrival("B", "x"), Arrival("C", "x"));
  const absl::Duration grain = absl::Milliseconds(5);  // several clocks of milliseconds take part
  EXPECT_GE(Arrival("C", "x") - put, delay - grain);
  EXPECT_GT(FaultOf("A", "C")["delayed"], 0);
  EXPECT_EQ(FaultOf("C", "A")["delay_ms"], 800) << "both ways";
  Must({"clear"});
  EXPECT_OK(cluster_->WaitConverged());
}

TEST_F(LinkFault, AOneWayCutLeavesTheOtherWay) {
  Start({"A", "C"});
  Must({"cut", "A", "C", "--one-way"});
  EXPECT_THAT(Faults(), SizeIs(1));
  Put("A", "from-a", "1");
  Put("C", "from-c", "1");
  EXPECT_OK(WaitText("A", "from-c", "1"));
  ASSERT_OK(WaitLost("A", "C"));
  EXPECT_EQ(Text("C", "from-a"), std::nullopt);
  Must({"clear", "A", "C", "--one-way"});
  EXPECT_OK(WaitText("C", "from-a", "1"));
  EXPECT_OK(cluster_->WaitConverged());
}

TEST_F(LinkFault, ACutOfBothWaysHealsOnceItIsCleared) {
  Start({"A", "C"});
  Must({"cut", "A", "C"});
  Put("A", "x", "from A");
  Put("C", "x", "from C");
  Put("A", "a", "1");
  ASSERT_OK(WaitLost("A", "C"));
  ASSERT_OK(WaitLost("C", "A"));
  EXPECT_EQ(Text("C", "x"), "from C");
  EXPECT_EQ(Text("A", "x"), "from A");
  EXPECT_EQ(Text("C", "a"), std::nullopt);
  const Finished cleared = Fault({"clear", "A", "C"});
  EXPECT_EQ(cleared.out, "OK 1 cleared at A\nOK 1 cleared at C\n");
  ASSERT_OK(cluster_->WaitConverged());
  EXPECT_EQ(Text("C", "a"), "1");
  EXPECT_EQ(Text("A", "x"), Text("C", "x"));
  EXPECT_EQ(Fault({"list"}).out, "no faults\n");
}

TEST_F(LinkFault, DroppingAllIsACut) {
  Start({"A", "C"});
  Must({"drop", "A", "C", "100%"});
  Put("A", "x", "1");
  ASSERT_OK(WaitLost("A", "C"));
  EXPECT_EQ(Text("C", "x"), std::nullopt);
  Must({"clear"});
  EXPECT_OK(WaitText("C", "x", "1"));
  EXPECT_OK(cluster_->WaitConverged());
}

TEST_F(LinkFault, DroppingSomeOnlyTakesLonger) {
  Start({"A", "C"});
  Must({"drop", "A", "C", "40%"});
  for (int i = 0; i < 30; ++i) {
    Put("A", absl::StrCat("a", i), "1");
    Put("C", absl::StrCat("c", i), "1");
  }
  EXPECT_OK(cluster_->WaitConverged(absl::Seconds(60)));
  EXPECT_GT(Dropped("A", "C"), 0u);
}

TEST_F(LinkFault, WhatComesTwiceAndOutOfOrderConverges) {
  Start({"A", "B", "C"});
  for (const auto& [from, to] : std::map<std::string, std::string>{{"A", "B"}, {"B", "C"}, {"C", "A"}}) {
    Must({"duplicate", from, to, "100%"});
    Must({"reorder", from, to, "100%"});
  }
  for (int i = 0; i < 50; ++i) {
    for (const std::string& id : cluster_->ids()) Put(id, absl::StrCat("k", i % 7), absl::StrCat(id, i));
  }
  EXPECT_OK(cluster_->WaitConverged());
  const json fault = FaultOf("A", "B");
  EXPECT_GT(fault["duplicated"], 0);
  EXPECT_GT(fault["delayed"], 0);
  EXPECT_EQ(fault["dropped"], 0);
  Must({"clear"});
  EXPECT_OK(cluster_->WaitConverged());
}

TEST_F(LinkFault, ItEndsByItself) {
  Start({"A", "C"});
  Must({"cut", "A", "C", "--for", "60s"});
  Must({"drop", "A", "C", "50%"});
  const json fault = FaultOf("A", "C");
  EXPECT_THAT(fault["left_ms"].get<int>(), AllOf(Gt(0), Le(60'000))) << "what was left of it stays";
  EXPECT_TRUE(fault["cut"]);
  EXPECT_EQ(fault["drop"], 0.5);
  const Finished shorter = Fault({"reorder", "A", "C", "0.1", "--for", "2s"});
  EXPECT_EQ(shorter.out,
            "OK A to C: drop 50%, reorder 10%, cut, for 2s\n"
            "OK C to A: drop 50%, reorder 10%, cut, for 2s\n");
  Put("A", "x", "1");
  ASSERT_OK(WaitFor("the fault to end", absl::Seconds(20), [&] { return Faults().empty(); }));
  EXPECT_OK(WaitText("C", "x", "1"));
  EXPECT_OK(cluster_->WaitConverged());
}

TEST_F(LinkFault, APausedNodeHearsAndSaysNothing) {
  Start({"A", "B", "C"});
  const Finished paused = Fault({"pause", "C"});
  EXPECT_EQ(paused.out, "OK C: pause, until cleared\n");
  Put("A", "x", "1");
  Put("C", "y", "1");
  ASSERT_OK(WaitText("B", "x", "1"));
  ASSERT_OK(WaitLost("C", ""));
  EXPECT_EQ(Text("C", "x"), std::nullopt);
  EXPECT_EQ(Text("A", "y"), std::nullopt);
  EXPECT_EQ(Text("B", "y"), std::nullopt);
  EXPECT_THAT(Fault({"list"}).out, HasSubstr("\nC     all  pause  until cleared  "));
  Must({"clear"});
  EXPECT_OK(WaitText("C", "x", "1"));
  EXPECT_OK(WaitText("B", "y", "1"));
  EXPECT_OK(cluster_->WaitConverged());
}

TEST_F(LinkFault, ListAndStatusTellOfThem) {
  Start({"A", "B", "C"});
  Must({"delay", "A", "C", "20ms", "--jitter", "10ms"});
  Must({"drop", "A", "C", "30%", "--one-way"});
  Must({"cut", "A", "B"});
  ASSERT_OK(WaitLost("A", "B"));
  const std::string table = Fault({"list"}).out;
  EXPECT_THAT(table, AllOf(StartsWith("FROM  TO  FAULT"), HasSubstr("\nA     B   cut "),
                           HasSubstr("\nA     C   delay 20ms to 30ms, drop 30%  until cleared  "),
                           HasSubstr("\nB     A   cut "), HasSubstr("\nC     A   delay 20ms to 30ms  ")));
  EXPECT_EQ(Fault({"list", "-o", "raw"}).out,
            "A\tB\tcut\nA\tC\tdelay 20ms to 30ms, drop 30%\nB\tA\tcut\nC\tA\tdelay 20ms to 30ms\n");
  const auto status = [this](const std::string& id, const std::string& format) {
    return RunLamppost({"--node", cluster_->node(id)->address(), "status", "-o", format}).out;
  };
  EXPECT_THAT(status("A", "table"), HasSubstr("\nfaults      in force on 2 links"));
  EXPECT_EQ(json::parse(status("A", "json"))["link_faults"], 2);
  EXPECT_EQ(json::parse(status("B", "json"))["link_faults"], 1);
  Must({"clear", "A", "C"});
  EXPECT_THAT(Faults(), SizeIs(2)) << "the other link's stay";
  Must({"clear"});
  EXPECT_THAT(status("A", "table"), Not(HasSubstr("faults")));
}

TEST_F(LinkFault, ANodeCanBeClearedOfAllThatStrikesIt) {
  Start({"A", "B", "C"});
  Must({"pause", "C"});
  Must({"cut", "A", "C"});
  Must({"cut", "A", "B"});
  Must({"clear", "C", "--one-way"});
  EXPECT_EQ(Fault({"list", "-o", "raw"}).out, "A\tB\tcut\nA\tC\tcut\nB\tA\tcut\n")
      << "what C sends, and its pause";
  Must({"pause", "C"});
  EXPECT_EQ(Fault({"clear", "C"}).out, "OK 1 cleared at C\nOK 1 cleared at A\nOK 0 cleared at B\n");
  EXPECT_EQ(Fault({"list", "-o", "raw"}).out, "A\tB\tcut\nB\tA\tcut\n") << "other links stay as they were";
}

// docs/cli.md shows these.
TEST_F(LinkFault, TheCommandsOfThePageWork) {
  Start({"A", "B", "C"});
  Must({"delay", "A", "C", "5s", "--jitter", "1s"});
  Must({"drop", "A", "C", "30%", "--for", "1m"});
  Must({"duplicate", "A", "C", "20%"});
  Must({"reorder", "A", "C", "20%"});
  Must({"cut", "A", "B", "--one-way"});
  Must({"pause", "B", "--for", "30s"});
  Must({"list"});
  Must({"clear", "A", "C"});
  Must({"clear", "B"});
  Must({"clear"});
  EXPECT_THAT(Faults(), SizeIs(0));
}

TEST_F(LinkFault, ANodeThatDoesNotTakeFaultsSaysSo) {
  Start({"A", "C"}, {});
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"cut", "A", "C"}, {"pause", "A"}, {"list"}, {"clear"}}) {
    const Finished refused = Fault(words);
    EXPECT_EQ(refused.exit_code, 3) << words[0];
    EXPECT_EQ(refused.out, "") << words[0];
    EXPECT_THAT(refused.err, AllOf(HasSubstr("FAILED_PRECONDITION/FAULTS_DISABLED"),
                                   HasSubstr("start node A with --enable-faults")));
  }
}

TEST_F(LinkFault, OneNodeThatTakesNoneKeepsTheOtherFromHavingIt) {
  ClusterOptions options;
  options.ids = {"A", "C"};
  options.flags = {kEnable};
  cluster_ = std::make_unique<Cluster>(options);
  cluster_->node("C")->flags()->clear();
  ASSERT_OK(cluster_->StartAll());
  const Finished refused = Fault({"cut", "A", "C", "-o", "json"});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_EQ(refused.out, "");
  const json error = json::parse(refused.err)["error"];
  EXPECT_EQ(error["reason"], "FAULTS_DISABLED");
  EXPECT_EQ(error["node_id"], "C");
  EXPECT_THAT(Faults(), SizeIs(0));
  Must({"cut", "A", "C", "--one-way"});
  const Finished list = Fault({"list"});
  EXPECT_EQ(list.exit_code, 3);
  EXPECT_THAT(list.out, HasSubstr("\nA     C   cut "));
}

// The second of two refuses: C has never heard of A, which was told that C is a member.
TEST_F(LinkFault, AFaultThatOneOfTwoRefusesIsTakenBackAtTheOther) {
  Start({"A"});
  ClusterOptions options;
  options.ids = {"C"};
  options.flags = {kEnable};
  Cluster other(options);
  ASSERT_OK(other.StartAll());
  const std::string nowhere = absl::StrCat("http://127.0.0.1:", ReservePort().value());
  ASSERT_EQ(RunLamppost({"--node", Addresses(), "member", "add", nowhere, "--id", "C"}).exit_code, 0);
  const auto fault = [&](std::vector<std::string> words) {
    words.insert(words.begin(),
                 {"--node", absl::StrCat(Addresses(), ",", other.node("C")->address()), "fault"});
    return RunLamppost(words);
  };
  const auto refuse = [&] {
    const Finished refused = fault({"cut", "A", "C"});
    EXPECT_EQ(refused.exit_code, 3) << refused.err;
    EXPECT_EQ(refused.out, "");
    EXPECT_THAT(refused.err, AllOf(StartsWith("lamppost: failed: NOT_FOUND/MEMBER_UNKNOWN: "),
                                   HasSubstr("node C has no link to a node 'A'")));
  };
  refuse();
  EXPECT_EQ(fault({"list"}).out, "no faults\n");
  ASSERT_EQ(fault({"delay", "A", "C", "5s", "--one-way"}).exit_code, 0);
  refuse();
  EXPECT_EQ(fault({"list", "-o", "raw"}).out, "A\tC\tdelay 5s\n") << "what was there before is there again";
}

TEST_F(LinkFault, ANodeThatIsDownKeepsNobodyElseFromAnswering) {
  Start({"A", "B", "C"});
  Must({"cut", "A", "B"});
  cluster_->node("C")->Kill();
  const Finished list = Fault({"list", "-o", "json"});
  EXPECT_EQ(list.exit_code, 3);
  const json nodes = json::parse(list.out)["nodes"];
  ASSERT_THAT(nodes, SizeIs(3));
  EXPECT_THAT(nodes[0]["faults"], SizeIs(1));
  EXPECT_THAT(nodes[1]["faults"], SizeIs(1));
  EXPECT_EQ(nodes[2]["error"]["code"], "UNAVAILABLE");
  EXPECT_EQ(json::parse(list.err)["error"]["node_id"], "C");
  const Finished cleared = Fault({"clear"});
  EXPECT_EQ(cleared.exit_code, 3);
  EXPECT_EQ(cleared.out, "OK 1 cleared at A\nOK 1 cleared at B\n");
  EXPECT_THAT(cleared.err, HasSubstr("node C at "));
  EXPECT_THAT(Faults(), SizeIs(0));
}

TEST_F(LinkFault, ANodeThatStandsStillKeepsNobodyElseFromAnswering) {
  Start({"A", "B", "C"});
  Must({"cut", "B", "C"});
  cluster_->node("A")->Pause();
  const Finished cleared = Fault({"clear"});
  EXPECT_EQ(cleared.exit_code, 3) << cleared.err;
  EXPECT_EQ(cleared.out, "OK 1 cleared at B\nOK 1 cleared at C\n");
  EXPECT_THAT(cleared.err, HasSubstr("node A at "));
  cluster_->node("A")->Resume();
  EXPECT_OK(cluster_->WaitConverged());
}

TEST_F(LinkFault, Mistakes) {
  Start({"A", "C"});
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"cut", "A", "Z"}, {"cut", "Z", "A"}, {"pause", "Z"}, {"clear", "A", "Z"}}) {
    const Finished unknown = Fault(words);
    EXPECT_EQ(unknown.exit_code, 3) << words[0];
    EXPECT_THAT(unknown.err, AllOf(HasSubstr("NOT_FOUND/MEMBER_UNKNOWN"), HasSubstr("there are A, C")));
  }
  const Finished self = Fault({"cut", "A", "A"});
  EXPECT_EQ(self.exit_code, 2);
  EXPECT_EQ(RunLamppost({"--node", "127.0.0.1:1", "fault", "drop", "A", "C", "130%"}).exit_code, 2)
      << "before anybody is asked";
  EXPECT_THAT(Faults(), SizeIs(0));
  const Finished nobody = RunLamppost({"--node", "127.0.0.1:1", "fault", "list"});
  EXPECT_EQ(nobody.exit_code, 3);
}

}  // namespace
}  // namespace lamppost::testing
