// A gigabyte loaded while one of three nodes is frozen: what it does not take waits on the others' disks, not
// in their memory.
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "clients/cpp/bulk_writer.h"
#include "clients/cpp/client.h"
#include "gtest/gtest.h"
#include "services/common/listen_address.h"
#include "tests/integration/peak_memory.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

constexpr size_t kValueBytes = size_t{64} << 10;
constexpr uint64_t kBatchKeys = 16;
constexpr uint64_t kBatches = 1024;
static_assert(kValueBytes * kBatchKeys * kBatches == size_t{1} << 30);

// What a node may hold of it at a time: two memtables of 16 MiB and 16 MiB of cache, as the flags say; 8 MiB
// of the stream; a group of 4 MiB; windows of 4 MiB to two peers, and their messages in gRPC's hands once
// more. With the program itself that makes 130 MiB; up to 200 MiB were measured, for malloc keeps what was
// freed. Were C's share kept for it, it would be a gigabyte more.
constexpr uint64_t kMemoryBytesMax = uint64_t{300} << 20;

// Values that do not compress, each another one.
class Values {
 public:
  Values() {
    std::mt19937_64 random(1);
    for (char& byte : block_) byte = static_cast<char>(random());
  }
  std::string Of(uint64_t number) const {
    std::string value = absl::StrCat(number, ":", block_);
    value.resize(kValueBytes);
    return value;
  }

 private:
  std::string block_ = std::string(kValueBytes, '\0');
};

std::vector<kv::v1::WriteOperation> BatchAt(uint64_t first, const Values& values) {
  std::vector<kv::v1::WriteOperation> operations;
  for (uint64_t i = first; i < first + kBatchKeys; ++i) {
    kv::v1::PutOperation* const put = operations.emplace_back().mutable_put();
    put->set_key(absl::StrCat("k", i));
    put->mutable_value()->set_data(values.Of(i));
  }
  return operations;
}

TEST(BulkGigabyte, TakesNoMoreMemoryThanItMayWhileANodeIsFrozen) {
  ClusterOptions options;
  options.flags = {"--block-cache-bytes", "16777216", "--memtable-bytes", "16777216"};
  Cluster cluster(options);
  ASSERT_OK(cluster.StartAll());
  cluster.node("C")->Pause();
  client::ClientOptions nodes;
  nodes.nodes = ParseAddresses(cluster.node("A")->address()).value();
  client::Client client(nodes);
  client::BulkWriter writer(&client, {});
  const Values values;
  for (uint64_t batch = 0; batch < kBatches; ++batch) {
    ASSERT_TRUE(writer.Add(BatchAt(batch * kBatchKeys, values))) << writer.Finish().status;
  }
  const client::BulkEnd end = writer.Finish();
  ASSERT_OK(end.status);
  EXPECT_EQ(end.answered, kBatches);
  EXPECT_GE(cluster.PeerOf("A", "C").lag(), kBatches) << "C has taken something";
  for (const std::string id : {"A", "B"}) {
    EXPECT_LT(PeakMemoryBytes(*cluster.node(id)->process()), kMemoryBytesMax) << id << ", C frozen";
  }

  cluster.node("C")->Resume();
  ASSERT_OK(cluster.WaitConverged(absl::Seconds(120)));
  for (const std::string& id : cluster.ids()) {
    EXPECT_EQ(cluster.client(id)->Status()->keys(), kBatches * kBatchKeys) << id;
    const uint64_t peak = PeakMemoryBytes(*cluster.node(id)->process());
    EXPECT_GT(peak, 0u) << id;
    EXPECT_LT(peak, kMemoryBytesMax) << id;
  }
  EXPECT_EQ(cluster.client("C")->Get(absl::StrCat("k", 4711))->value().data(), values.Of(4711));
}

}  // namespace
}  // namespace lamppost::testing
