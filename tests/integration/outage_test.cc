// A node that is away costs the others nothing but its catch-up: they go on, in bounded memory.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/integration/peak_memory.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/steady_writer.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

constexpr int kMissedKeys = 200000;
// A node's caches and memtables are bounded by flags; 300 MiB leave room for what malloc keeps.
constexpr uint64_t kMemoryBytesMax = uint64_t{300} << 20;

const std::vector<std::string>& SmallMemory() {
  static const auto* const flags =
      new std::vector<std::string>{"--block-cache-bytes", "16777216", "--memtable-bytes", "16777216"};
  return *flags;
}

// At no time, from each process's start on.
void ExpectBoundedMemory(Cluster* cluster) {
  for (const std::string& id : cluster->ids()) {
    const uint64_t peak = PeakMemoryBytes(*cluster->node(id)->process());
    EXPECT_GT(peak, 0u) << id;
    EXPECT_LT(peak, kMemoryBytesMax) << id;
  }
}

TEST(Outage, ANodeThatWasDownGetsAllItMissed) {
  ClusterOptions options;
  options.flags = SmallMemory();
  Cluster cluster(options);
  ASSERT_OK(cluster.StartAll());
  ASSERT_OK(cluster.client("C")->Put("before", "1").status());
  ASSERT_OK(cluster.WaitConverged());
  cluster.node("C")->Kill();
  SteadyWriter at_a(cluster.node("A")->address(), "a-steady");
  SteadyWriter at_b(cluster.node("B")->address(), "b-steady");
  ASSERT_OK(cluster.client("A")->Fill("missed-a-", kMissedKeys / 2, std::string(100, 'a')));
  ASSERT_OK(cluster.client("B")->Fill("missed-b-", kMissedKeys / 2, std::string(100, 'b')));
  ASSERT_OK(cluster.client("B")->Delete("before").status());
  ASSERT_OK(cluster.node("C")->Start());
  const int written_before = at_a.written() + at_b.written();
  ASSERT_OK(WaitFor("C to have what it missed", absl::Seconds(60), [&] {
    const auto status = cluster.client("C")->Status();
    return status.ok() && status->keys() >= kMissedKeys && cluster.client("C")->Text("missed-a-099999") &&
           cluster.client("C")->Text("missed-b-099999") && !cluster.client("C")->Text("before");
  }));
  EXPECT_GT(at_a.written() + at_b.written(), written_before);
  ExpectSteady(&at_a);
  ExpectSteady(&at_b);
  ASSERT_OK(cluster.WaitConverged());
  ExpectBoundedMemory(&cluster);
}

TEST(Outage, AStalledLinkIsFoundDeadAndComesBack) {
  ClusterOptions options;
  options.links = Links::kProxied;
  Cluster cluster(options);
  ASSERT_OK(cluster.StartAll());
  cluster.SetBoth("A", "C", LinkProxy::Mode::kStalled);
  cluster.SetBoth("B", "C", LinkProxy::Mode::kStalled);
  ASSERT_OK(cluster.client("A")->Put("x", "1").status());
  ASSERT_OK(cluster.WaitText("B", "x", "1", absl::Seconds(1)));
  // Nothing closes the connection: only its silence tells.
  ASSERT_OK(WaitFor("A to give the link up", absl::Seconds(30),
                    [&] { return cluster.PeerOf("A", "C").state() == kv::v1::PEER_STATE_DOWN; }));
  EXPECT_FALSE(cluster.PeerOf("A", "C").detail().empty());
  EXPECT_FALSE(cluster.client("C")->Text("x"));
  for (const std::string& id : {"A", "B"}) cluster.SetBoth(id, "C", LinkProxy::Mode::kOpen);
  EXPECT_OK(cluster.WaitText("C", "x", "1", absl::Seconds(15)));
  EXPECT_OK(cluster.WaitConverged());
}

}  // namespace
}  // namespace lamppost::testing
