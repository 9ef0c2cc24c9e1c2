// Writes at one node are at all of them soon, and concurrent ones have the same winner everywhere.
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::UnorderedElementsAre;

constexpr absl::Duration kSoon = absl::Seconds(1);

uint64_t ConflictsOf(Cluster* cluster, const std::string& id) {
  return cluster->client(id)->Status().value().conflicts();
}

TEST(Replicate, APutAtOneNodeIsAtTheOthersWithinASecond) {
  Cluster cluster({});
  ASSERT_OK(cluster.StartAll());
  ASSERT_OK(cluster.client("A")->Put("x", "10").status());
  EXPECT_OK(cluster.WaitText("B", "x", "10", kSoon));
  EXPECT_OK(cluster.WaitText("C", "x", "10", kSoon));
  ASSERT_OK(cluster.client("C")->Put("x", "11").status());
  EXPECT_OK(cluster.WaitText("A", "x", "11", kSoon));
  EXPECT_OK(cluster.WaitText("B", "x", "11", kSoon));
}

TEST(Replicate, ADeletionReplicatesAndTheVersionTellsOfIt) {
  Cluster cluster({});
  ASSERT_OK(cluster.StartAll());
  ASSERT_OK(cluster.client("A")->Put("x", "10").status());
  ASSERT_OK(cluster.WaitText("B", "x", "10", kSoon));
  const auto deleted = cluster.client("B")->Delete("x");
  ASSERT_OK(deleted.status());
  EXPECT_TRUE(deleted->found());
  ASSERT_OK(WaitFor("the deletion at C", kSoon, [&] { return !cluster.client("C")->Text("x"); }));
  ASSERT_OK(cluster.WaitConverged());
  const auto got = cluster.client("A")->Get("x");
  ASSERT_OK(got.status());
  EXPECT_FALSE(got->found());
  // Until it is forgotten, which may be any time now.
  if (got->has_version()) EXPECT_EQ(got->version().counter(), deleted->version().counter());
  EXPECT_EQ(cluster.client("A")->Status()->keys(), 0u);
  const auto again = cluster.client("A")->Delete("x");
  ASSERT_OK(again.status());
  EXPECT_FALSE(again->found());
}

TEST(Replicate, ABatchArrivesWhole) {
  Cluster cluster({});
  ASSERT_OK(cluster.StartAll());
  ASSERT_OK(cluster.client("A")->Put("gone", "1").status());
  kv::v1::WriteRequest batch = Batch({{"left", "1"}, {"right", "1"}});
  batch.add_operations()->mutable_delete_()->set_key("gone");
  ASSERT_OK(cluster.client("A")->Write(batch).status());
  ASSERT_OK(cluster.WaitText("C", "right", "1", kSoon));
  // One after the other, each batch sets both keys: a page that shows them apart has seen half a batch.
  for (int i = 2; i < 200; ++i) {
    const std::string text = std::to_string(i);
    const auto written = cluster.client("A")->Write(Batch({{"left", text}, {"right", text}}));
    ASSERT_OK(written.status());
    const auto seen = cluster.client("C")->Everything();
    ASSERT_OK(seen.status());
    ASSERT_EQ(seen->at("left"), seen->at("right"));
  }
  ASSERT_OK(cluster.WaitConverged());
  const auto left = cluster.client("B")->Get("left");
  const auto right = cluster.client("B")->Get("right");
  EXPECT_EQ(left->version().counter(), right->version().counter());
  EXPECT_EQ(left->value().text(), "199");
  EXPECT_FALSE(cluster.client("B")->Text("gone"));
}

TEST(Replicate, ConcurrentWritesHaveOneWinnerAndAreCounted) {
  ClusterOptions options;
  options.links = Links::kProxied;
  Cluster cluster(options);
  ASSERT_OK(cluster.StartAll());
  cluster.SetBoth("A", "B", LinkProxy::Mode::kCut);
  cluster.SetBoth("A", "C", LinkProxy::Mode::kCut);
  cluster.SetBoth("B", "C", LinkProxy::Mode::kCut);
  for (const std::string& id : cluster.ids()) {
    for (int i = 0; i < 50; ++i) {
      ASSERT_OK(cluster.client(id)->Put("shared" + std::to_string(i), "from " + id).status());
    }
  }
  for (const std::string& id : cluster.ids()) {
    EXPECT_EQ(cluster.client(id)->Text("shared7"), "from " + id);
    EXPECT_FALSE(cluster.client(id)->Status()->converged());
  }
  cluster.SetBoth("A", "B", LinkProxy::Mode::kOpen);
  cluster.SetBoth("A", "C", LinkProxy::Mode::kOpen);
  cluster.SetBoth("B", "C", LinkProxy::Mode::kOpen);
  ASSERT_OK(cluster.WaitConverged());
  const auto at_a = cluster.client("A")->Everything();
  ASSERT_OK(at_a.status());
  EXPECT_EQ(at_a->size(), 50u);
  EXPECT_EQ(*at_a, *cluster.client("B")->Everything());
  EXPECT_EQ(*at_a, *cluster.client("C")->Everything());
  uint64_t conflicts = 0;
  for (const std::string& id : cluster.ids()) conflicts += ConflictsOf(&cluster, id);
  EXPECT_GE(conflicts, 100u);  // each key has two losers, met at one node at least
  const auto version = cluster.client("A")->Get("shared7")->version();
  EXPECT_EQ(at_a->at("shared7"), "from " + version.node_id());
}

TEST(Replicate, WritesThatFollowEachOtherAreNoConflict) {
  Cluster cluster({});
  ASSERT_OK(cluster.StartAll());
  for (int i = 0; i < 30; ++i) {
    const std::string writer(1, static_cast<char>('A' + i % 3));
    ASSERT_OK(cluster.client(writer)->Put("x", std::to_string(i)).status());
    for (const std::string& id : cluster.ids())
      ASSERT_OK(cluster.WaitText(id, "x", std::to_string(i), kSoon));
  }
  for (const std::string& id : cluster.ids()) EXPECT_EQ(ConflictsOf(&cluster, id), 0u);
}

TEST(Replicate, ADelayedLinkDelaysAndLosesNothing) {
  ClusterOptions options;
  options.links = Links::kProxied;
  Cluster cluster(options);
  ASSERT_OK(cluster.StartAll());
  cluster.link("A", "B")->SetDelay(absl::Milliseconds(700));
  const absl::Time sent = absl::Now();
  ASSERT_OK(cluster.client("A")->Put("x", "late").status());
  ASSERT_OK(cluster.WaitText("C", "x", "late", kSoon));
  ASSERT_OK(cluster.WaitText("B", "x", "late", absl::Seconds(5)));
  EXPECT_GE(absl::Now() - sent, absl::Milliseconds(600));
  EXPECT_OK(cluster.WaitConverged());
}

TEST(Replicate, StatusNamesEverything) {
  Cluster cluster({});
  ASSERT_OK(cluster.StartAll());
  ASSERT_OK(cluster.client("A")->Put("x", "10").status());
  ASSERT_OK(cluster.client("A")->Put("y", "10").status());
  ASSERT_OK(cluster.client("A")->Delete("y").status());
  ASSERT_OK(cluster.WaitConverged());
  ASSERT_OK(WaitFor("the write to be stable", absl::Seconds(10), [&] {
    return cluster.client("A")->Status()->stable() >= cluster.client("A")->Get("x")->version().counter();
  }));
  const auto status = cluster.client("A")->Status();
  ASSERT_OK(status.status());
  EXPECT_EQ(status->node_id(), "A");
  EXPECT_GT(status->incarnation() >> 32, 0u);
  EXPECT_EQ(status->clock().node_id(), "A");
  EXPECT_EQ(status->clock().incarnation(), status->incarnation());
  EXPECT_GT(status->clock().counter(), status->stable());
  EXPECT_EQ(status->cluster(), "lamppost");
  EXPECT_FALSE(status->version().empty());
  EXPECT_EQ(status->heads_size(), 3);
  EXPECT_EQ(status->keys(), 1u);
  EXPECT_LE(status->tombstones(), 1u);
  EXPECT_THAT(status->content_hash(), MatchesRegex("[0-9a-f]{32}"));
  EXPECT_EQ(status->durability(), "sync");
  EXPECT_TRUE(status->converged());
  EXPECT_THAT(status->write_refusal(), IsEmpty());
  std::set<std::string> peers;
  for (const kv::v1::PeerStatus& peer : status->peers()) {
    peers.insert(peer.node_id());
    EXPECT_THAT(peer.address(), MatchesRegex("http://127.0.0.1:[0-9]+"));
    EXPECT_EQ(peer.state(), kv::v1::PEER_STATE_LIVE);
    EXPECT_EQ(peer.heads_size(), 3);
    EXPECT_EQ(peer.lag(), 0u);
    EXPECT_EQ(peer.content_hash(), status->content_hash());
    EXPECT_LT(peer.last_answer_ms(), 2000u);
    EXPECT_NE(peer.incarnation(), 0u);
  }
  EXPECT_THAT(peers, UnorderedElementsAre("B", "C"));
}

}  // namespace
}  // namespace lamppost::testing
