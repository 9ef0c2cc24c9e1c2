// A write outlives the node that took it: whoever has it passes it on.
#include <string>

#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

class Relay : public ::testing::Test {
 protected:
  void SetUp() override {
    ClusterOptions options;
    options.links = Links::kProxied;
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
  }

  Cluster& cluster() { return *cluster_; }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(Relay, ADeadNodesWriteComesFromAnother) {
  // C hears nothing; B hears of the write and A dies before C could.
  cluster().SetBoth("A", "C", LinkProxy::Mode::kCut);
  cluster().SetBoth("B", "C", LinkProxy::Mode::kCut);
  ASSERT_OK(cluster().client("A")->Put("x", "last words").status());
  ASSERT_OK(cluster().client("A")->Fill("k", 3000, "v"));
  ASSERT_OK(cluster().WaitText("B", "k002999", "v", absl::Seconds(10)));
  cluster().node("A")->Kill();
  EXPECT_FALSE(cluster().client("C")->Text("x"));
  cluster().SetBoth("B", "C", LinkProxy::Mode::kOpen);
  EXPECT_OK(cluster().WaitText("C", "x", "last words", absl::Seconds(15)));
  EXPECT_OK(cluster().WaitText("C", "k002999", "v", absl::Seconds(15)));
  ASSERT_OK(WaitFor("B and C to be alike", absl::Seconds(15), [&] {
    return cluster().client("B")->Status()->content_hash() == cluster().client("C")->Status()->content_hash();
  }));
  // The deceased is missed: B and C do not call themselves converged, and say why.
  const auto status = cluster().client("B")->Status();
  EXPECT_FALSE(status->converged());
  EXPECT_EQ(cluster().PeerOf("B", "A").state(), kv::v1::PEER_STATE_DOWN);
  EXPECT_EQ(cluster().client("C")->Get("x")->version().node_id(), "A");
}

TEST_F(Relay, WithBothAliveWhatTheCutKeepsApartGoesAround) {
  cluster().SetBoth("A", "C", LinkProxy::Mode::kCut);
  for (int i = 0; i < 20; ++i) {
    ASSERT_OK(cluster().client("A")->Put("from-a", std::to_string(i)).status());
    ASSERT_OK(cluster().client("C")->Put("from-c", std::to_string(i)).status());
  }
  EXPECT_OK(cluster().WaitText("C", "from-a", "19", absl::Seconds(15)));
  EXPECT_OK(cluster().WaitText("A", "from-c", "19", absl::Seconds(15)));
  EXPECT_EQ(cluster().client("A")->Status()->content_hash(), cluster().client("C")->Status()->content_hash());
  cluster().SetBoth("A", "C", LinkProxy::Mode::kOpen);
  EXPECT_OK(cluster().WaitConverged());
}

TEST_F(Relay, AOneWayCutIsGoneAround) {
  cluster().link("A", "C")->SetMode(LinkProxy::Mode::kCut);
  ASSERT_OK(cluster().client("A")->Put("x", "around").status());
  EXPECT_OK(cluster().WaitText("C", "x", "around", absl::Seconds(15)));
  ASSERT_OK(cluster().client("C")->Put("y", "straight").status());
  EXPECT_OK(cluster().WaitText("A", "y", "straight", absl::Seconds(1)));
}

TEST_F(Relay, ADeletionIsRelayedToo) {
  ASSERT_OK(cluster().client("C")->Put("x", "1").status());
  ASSERT_OK(cluster().WaitConverged());
  cluster().SetBoth("A", "C", LinkProxy::Mode::kCut);
  cluster().SetBoth("B", "C", LinkProxy::Mode::kCut);
  ASSERT_OK(cluster().client("A")->Delete("x").status());
  ASSERT_OK(
      WaitFor("the deletion at B", absl::Seconds(5), [&] { return !cluster().client("B")->Text("x"); }));
  cluster().node("A")->Kill();
  EXPECT_EQ(cluster().client("C")->Text("x"), "1");
  cluster().SetBoth("B", "C", LinkProxy::Mode::kOpen);
  EXPECT_OK(
      WaitFor("the deletion at C", absl::Seconds(15), [&] { return !cluster().client("C")->Text("x"); }));
}

}  // namespace
}  // namespace lamppost::testing
