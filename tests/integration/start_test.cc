// What a node says when it cannot start, or cannot work with the peers it was given.
#include <signal.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using ::testing::HasSubstr;

Finished RunNode(const std::vector<std::string>& flags) {
  ProcessOptions options;
  options.command = {kNodeProgram};
  options.command.insert(options.command.end(), flags.begin(), flags.end());
  options.directory = ::testing::TempDir();
  return RunToEnd(options, absl::Seconds(20));
}

ClusterOptions One() {
  ClusterOptions options;
  options.ids = {"A"};
  return options;
}

ClusterOptions Two() {
  ClusterOptions options;
  options.ids = {"A", "B"};
  return options;
}

struct WrongUsage {
  std::vector<std::string> flags;
  std::string message;
};

TEST(Start, WrongUsageIsExitCode2AndSaysWhat) {
  const std::vector<WrongUsage> cases = {
      {{}, "--id is required"},
      {{"--id", "A"}, "--port is required"},
      {{"--id", "A", "--port", "x"}, "--port"},
      {{"--id", "A", "--port", "65536"}, "--port"},
      {{"--id", "A", "--port", "8000", "--nonsense"}, "--nonsense"},
      {{"--id", "A B", "--port", "8000"}, "--id: a node id is 1 to 32 characters"},
      {{"--id", std::string(33, 'A'), "--port", "8000"}, "--id: a node id is 1 to 32 characters"},
      {{"--id", "", "--port", "8000"}, "--id"},
      {{"--id", "A", "--port", "8000", "--cluster", "c d"}, "--cluster: a cluster name"},
      {{"--id", "A", "--port", "8000", "--durability", "never"}, "--durability"},
      {{"--id", "A", "--port", "8000", "--value-bytes-max", "0"}, "--value-bytes-max"},
      {{"--id", "A", "--port", "8000", "--value-bytes-max", "99999999"}, "--value-bytes-max"},
      {{"--id", "A", "--port", "8000", "--peers", "http://127.0.0.1:8000"},
       "--peers: 127.0.0.1:8000 is this node's own address"},
      {{"--id", "A", "--port", "8000", "--peers", "http://localhost:8000"}, "own address"},
      {{"--id", "A", "--port", "8000", "--peers", "http://127.0.0.1:8001,127.0.0.1:8001"},
       "--peers: 127.0.0.1:8001 is there twice"},
      {{"--id", "A", "--port", "8000", "--peers", "http://127.0.0.1"}, "--peers:"},
      {{"--id", "A", "--port", "8000", "--peers", "http://127.0.0.1:8001,,"}, "--peers:"},
      {{"--id", "A", "--port", "8000", "--peers", "ftp://127.0.0.1:8001"}, "--peers:"},
      {{"--id", "A", "--port", "8000", "--listen", "nowhere!"}, "--listen:"},
      {{"--id", "A", "--port", "8000", "--log-level", "loud"}, "--log-level"},
  };
  for (const WrongUsage& wrong : cases) {
    SCOPED_TRACE(wrong.message);
    const Finished finished = RunNode(wrong.flags);
    EXPECT_EQ(finished.exit_code, 2);
    EXPECT_EQ(finished.out, "");
    EXPECT_THAT(finished.err, HasSubstr("lamppost-kv: "));
    EXPECT_THAT(finished.err, HasSubstr(wrong.message));
  }
}

TEST(Start, HelpAndVersionAreExitCode0) {
  const Finished help = RunNode({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* flag : {"--id", "--port", "--peers", "--data-dir", "--durability"}) {
    EXPECT_THAT(help.out, HasSubstr(flag));
  }
  const Finished version = RunNode({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.out, HasSubstr("lamppost-kv 0."));
}

TEST(Start, APortInUseIsExitCode1WithTheReason) {
  Cluster cluster(One());
  ASSERT_OK(cluster.StartAll());
  const Finished second = RunNode(
      {"--id", "B", "--port", absl::StrCat(cluster.node("A")->port()), "--data-dir", NewTestPath("other")});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("PORT_IN_USE"));
  EXPECT_THAT(second.err, HasSubstr(absl::StrCat(cluster.node("A")->port())));
  EXPECT_TRUE(cluster.client("A")->IsServing());
}

TEST(Start, AnUnreachablePeerIsShownDownAndHindersNobody) {
  const int nobody = ReservePort().value();
  Cluster cluster(One());
  cluster.node("A")->set_peers({absl::StrCat("http://127.0.0.1:", nobody)});
  ASSERT_OK(cluster.node("A")->Start());
  ASSERT_OK(cluster.client("A")->Put("x", "10").status());
  EXPECT_EQ(cluster.client("A")->Text("x"), "10");
  const auto status = cluster.client("A")->Status();
  ASSERT_OK(status.status());
  EXPECT_FALSE(status->converged());
  ASSERT_EQ(status->peers_size(), 1);
  EXPECT_EQ(status->peers(0).address(), absl::StrCat("http://127.0.0.1:", nobody));
  EXPECT_EQ(status->peers(0).state(), kv::v1::PEER_STATE_DOWN);
  EXPECT_NE(status->peers(0).detail(), "");
  EXPECT_EQ(status->peers(0).node_id(), "");
}

TEST(Start, AnotherClustersNodeIsRefusedByBoth) {
  Cluster cluster(Two());
  cluster.node("B")->flags()->assign({"--cluster", "other"});
  ASSERT_OK(cluster.node("A")->Start());
  ASSERT_OK(cluster.node("B")->Start());
  ASSERT_OK(cluster.client("A")->Put("x", "10").status());
  ASSERT_OK(cluster.client("B")->Put("y", "10").status());
  for (const std::string& id : cluster.ids()) {
    ASSERT_OK(WaitFor("the link to be refused", absl::Seconds(10), [&] {
      return cluster.client(id)->Status()->peers(0).state() == kv::v1::PEER_STATE_REFUSED;
    }));
    const auto status = cluster.client(id)->Status();
    EXPECT_THAT(status->peers(0).detail(), HasSubstr("belongs to cluster"));
    EXPECT_THAT(status->peers(0).detail(), HasSubstr("other"));
    EXPECT_EQ(status->heads_size(), 1);
    EXPECT_EQ(status->keys(), 1u);
    EXPECT_FALSE(status->converged());
  }
}

TEST(Start, TwoNodesWithOneIdAreToldApart) {
  Cluster cluster(One());
  Cluster impostor(One());
  cluster.node("A")->set_peers({absl::StrCat("http://", impostor.node("A")->address())});
  impostor.node("A")->set_peers({absl::StrCat("http://", cluster.node("A")->address())});
  ASSERT_OK(cluster.node("A")->Start());
  ASSERT_OK(impostor.node("A")->Start());
  ASSERT_OK(cluster.client("A")->Put("x", "10").status());
  for (Cluster* each : {&cluster, &impostor}) {
    ASSERT_OK(WaitFor("the link to be refused", absl::Seconds(10), [&] {
      return each->client("A")->Status()->peers(0).state() == kv::v1::PEER_STATE_REFUSED;
    }));
    EXPECT_NE(each->client("A")->Status()->peers(0).detail(), "");
  }
  EXPECT_FALSE(impostor.client("A")->Text("x"));
}

// B and its twin begin in the same moment, so that A may hear either of them first.
TEST(Start, ATwinOfAPeerIsGotOver) {
  Cluster cluster(Two());
  Cluster other(Two());
  Node* const a = cluster.node("A");
  Node* const b = cluster.node("B");
  Node* const twin = other.node("B");
  const auto url = [](const Node* node) { return absl::StrCat("http://", node->address()); };
  a->set_peers({url(b), url(twin)});
  b->set_peers({url(a), url(twin)});
  twin->set_peers({url(a), url(b)});
  for (Node* node : {a, twin, b}) ASSERT_OK(node->Launch());
  for (Node* node : {a, twin, b}) ASSERT_OK(node->WaitServing());

  const auto before = a->client()->Status();
  absl::SleepFor(absl::Seconds(2));
  const auto after = a->client()->Status();
  ASSERT_OK(before.status());
  ASSERT_OK(after.status());
  EXPECT_LT(after->clock().counter() - before->clock().counter(), 2000u) << "nobody answers in circles";

  // Whoever is kept out by the others in the end says so; nobody's writes are taken that would stay alone.
  ASSERT_OK(WaitFor("the twins to be told apart", absl::Seconds(20), [&] {
    const auto first = b->client()->Put("x", "1");
    const auto second = twin->client()->Put("x", "2");
    return !first.ok() || !second.ok();
  }));
  ASSERT_OK(WaitFor("A to log it", absl::Seconds(20), [&] {
    return absl::StrContains(a->Log(), "calls itself B: there is another node by that id");
  }));
  ASSERT_OK(twin->Stop().status());
  ASSERT_OK(WaitFor("B to take writes", absl::Seconds(20), [&] { return b->client()->Put("y", "1").ok(); }));
  ASSERT_OK(WaitFor("A to have them", absl::Seconds(20), [&] { return a->client()->Text("y") == "1"; }));
  ASSERT_OK(a->client()->Put("z", "1").status());
  ASSERT_OK(WaitFor("B to have A's", absl::Seconds(20), [&] { return b->client()->Text("z") == "1"; }));
}

// It is reached through a name that its own check of --peers cannot see through.
TEST(Start, ANodeThatReachesItselfSaysSo) {
  Cluster cluster(One());
  LinkProxy mirror(cluster.node("A")->port());
  cluster.node("A")->set_peers({absl::StrCat("http://127.0.0.1:", mirror.port())});
  ASSERT_OK(cluster.node("A")->Start());
  ASSERT_OK(WaitFor("the link to be refused", absl::Seconds(10), [&] {
    return cluster.client("A")->Status()->peers(0).state() == kv::v1::PEER_STATE_REFUSED;
  }));
  EXPECT_THAT(cluster.client("A")->Status()->peers(0).detail(), HasSubstr("this node's own"));
  EXPECT_OK(cluster.client("A")->Put("x", "10").status());
}

TEST(Start, SigtermDrainsAndTheLifeGoesOn) {
  Cluster cluster({});
  ASSERT_OK(cluster.StartAll());
  ASSERT_OK(cluster.client("A")->Put("x", "10").status());
  ASSERT_OK(cluster.WaitConverged());
  const uint64_t life = cluster.client("A")->Status()->incarnation();
  const uint64_t counter = cluster.client("A")->Status()->clock().counter();
  const auto code = cluster.node("A")->Stop();
  ASSERT_OK(code.status());
  EXPECT_EQ(*code, 0);
  EXPECT_THAT(cluster.node("A")->Log(), HasSubstr("message=draining"));
  EXPECT_THAT(cluster.node("A")->Log(), HasSubstr("message=stopped"));
  ASSERT_OK(cluster.node("A")->Start());
  EXPECT_EQ(cluster.client("A")->Status()->incarnation(), life);
  EXPECT_GT(cluster.client("A")->Status()->clock().counter(), counter);
  EXPECT_OK(cluster.WaitConverged());
}

}  // namespace
}  // namespace lamppost::testing
