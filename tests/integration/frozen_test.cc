// A node that is frozen, with its connections open, fills no queue of the others.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/steady_writer.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

// A node's caches and memtables are bounded by flags; 300 MiB leave room for what malloc keeps.
constexpr uint64_t kMemoryBytesMax = uint64_t{300} << 20;

TEST(Frozen, HoldsNobodyUpAndCatchesUp) {
  ClusterOptions options;
  options.flags = {"--block-cache-bytes", "16777216", "--memtable-bytes", "16777216"};
  Cluster cluster(options);
  ASSERT_OK(cluster.StartAll());
  cluster.node("C")->Pause();
  const absl::Time frozen_until = absl::Now() + absl::Seconds(20);
  SteadyWriter at_a(cluster.node("A")->address(), "a-steady");
  SteadyWriter at_b(cluster.node("B")->address(), "b-steady");
  // 300 MB in a thousand keys: far more than what any queue may hold.
  const std::string large(100000, 'v');
  uint64_t most_memory = 0;
  int rounds = 0;
  for (; absl::Now() < frozen_until || rounds < 3; ++rounds) {
    for (int i = 0; i < 1000 && (absl::Now() < frozen_until || rounds < 3); i += 10) {
      TextPairs pairs;
      for (int k = i; k < i + 10; ++k) pairs.emplace_back(absl::StrCat("large", k), large);
      ASSERT_OK(cluster.client(i % 20 == 0 ? "A" : "B")->Write(Batch(pairs)).status());
      for (const std::string& id : {"A", "B"}) {
        most_memory = std::max(most_memory, cluster.node(id)->process()->MemoryBytes());
      }
    }
  }
  EXPECT_LT(most_memory, kMemoryBytesMax);
  ASSERT_OK(WaitFor("A to see that C does not answer", absl::Seconds(30),
                    [&] { return !cluster.client("A")->Status()->converged(); }));
  cluster.node("C")->Resume();
  ExpectSteady(&at_a);
  ExpectSteady(&at_b);
  ASSERT_OK(cluster.WaitConverged());
  for (const std::string& id : cluster.ids()) {
    EXPECT_LT(cluster.node(id)->process()->MemoryBytes(), kMemoryBytesMax) << id;
  }
}

}  // namespace
}  // namespace lamppost::testing
