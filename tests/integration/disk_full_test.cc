// A full disk: writes are refused and said why, reads go on, replication waits, and room heals it all.
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/common/error.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/namespaces.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kDiskBytes = uint64_t{96} << 20;
constexpr uint64_t kReserveBytes = uint64_t{24} << 20;

class DiskFull : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { mounts_ = new absl::Status(EnterPrivateNamespaces(Private::kMounts)); }

  void SetUp() override {
    if (!mounts_->ok()) GTEST_SKIP() << *mounts_;
    ClusterOptions options;
    options.flags = {"--disk-reserve-bytes", absl::StrCat(kReserveBytes), "--memtable-bytes", "4194304"};
    cluster_ = std::make_unique<Cluster>(options);
    const std::string& disk = cluster_->node("C")->data_directory();
    ASSERT_EQ(mkdir(disk.c_str(), 0700), 0);
    const absl::Status mounted = MountSmallDisk(disk, kDiskBytes);
    if (!mounted.ok()) GTEST_SKIP() << mounted;
    ASSERT_OK(cluster_->StartAll());
    ASSERT_OK(cluster_->client("C")->Put("before", "1").status());
    ASSERT_OK(cluster_->WaitConverged());
  }

  void TearDown() override {
    if (!cluster_) return;
    cluster_->node("C")->Kill();
    UnmountSmallDisk(cluster_->node("C")->data_directory());
  }

  std::string BallastPath() { return cluster_->node("C")->data_directory() + "/lost+found"; }

  void TakeRoom(uint64_t left_bytes) { ASSERT_OK(FillDisk(BallastPath(), left_bytes)); }
  void GiveRoom() { fs::remove(BallastPath()); }

  absl::Status WaitRefusal(const std::string& reason) {
    return WaitFor(absl::StrCat("the refusal to be '", reason, "'"), absl::Seconds(20), [&] {
      const auto status = cluster_->client("C")->Status();
      return status.ok() && status->write_refusal() == reason;
    });
  }

  static absl::Status* mounts_;
  std::unique_ptr<Cluster> cluster_;
};

absl::Status* DiskFull::mounts_ = nullptr;

TEST_F(DiskFull, WritesAreRefusedReadsGoOnAndRoomHeals) {
  TakeRoom(kReserveBytes / 2);
  ASSERT_OK(WaitRefusal("DISK_FULL"));
  const auto before = cluster_->client("C")->Status();
  const absl::Status refused = cluster_->client("C")->Put("x", "10").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted) << refused;
  EXPECT_EQ(ReasonOf(refused), "DISK_FULL");
  EXPECT_TRUE(RetryDelayMs(refused).has_value());
  EXPECT_EQ(cluster_->client("C")->Delete("before").status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(cluster_->client("C")->Text("before"), "1");
  EXPECT_TRUE(cluster_->client("C")->IsServing());

  // The others go on, keep nothing in memory for it, and know that it lags.
  ASSERT_OK(cluster_->client("A")->Fill("missed", 5000, std::string(200, 'v')));
  ASSERT_OK(cluster_->WaitText("B", "missed004999", std::string(200, 'v'), absl::Seconds(10)));
  ASSERT_OK(WaitFor("A to see C's refusal", absl::Seconds(10),
                    [&] { return cluster_->PeerOf("A", "C").state() == kv::v1::PEER_STATE_REFUSED; }));
  EXPECT_NE(cluster_->PeerOf("A", "C").detail(), "");
  EXPECT_EQ(cluster_->client("C")->Status()->content_hash(), before->content_hash());
  EXPECT_FALSE(cluster_->client("A")->Status()->converged());

  GiveRoom();
  ASSERT_OK(WaitRefusal(""));
  EXPECT_OK(cluster_->client("C")->Put("x", "10").status());
  ASSERT_OK(cluster_->WaitConverged());
  EXPECT_EQ(cluster_->client("C")->Status()->keys(), 5002u);
}

// No room at all, reserve or not: whatever happens to the process, nothing acknowledged is lost.
TEST_F(DiskFull, WithoutAnyRoomNothingAcknowledgedIsLost) {
  int acknowledged = 0;
  TakeRoom(1 << 20);
  // More than the disk holds: the log has some room of its own, and the node looks at the disk only now and
  // then.
  constexpr size_t kValueBytes = 20000;
  constexpr int kWrites = kDiskBytes / kValueBytes;
  while (acknowledged < kWrites &&
         cluster_->client("C")->Put(absl::StrCat("k", acknowledged), std::string(kValueBytes, 'v')).ok()) {
    ++acknowledged;
  }
  EXPECT_LT(acknowledged, kWrites);
  GiveRoom();
  cluster_->node("C")->Kill();
  ASSERT_OK(cluster_->node("C")->Start());
  ASSERT_OK(cluster_->WaitConverged());
  for (int i = 0; i < acknowledged; ++i) {
    EXPECT_TRUE(cluster_->client("C")->Text(absl::StrCat("k", i))) << i;
    EXPECT_TRUE(cluster_->client("A")->Text(absl::StrCat("k", i))) << i;
  }
}

TEST_F(DiskFull, ARestartOnAFullDiskServesReads) {
  TakeRoom(kReserveBytes / 2);
  ASSERT_OK(WaitRefusal("DISK_FULL"));
  cluster_->node("C")->Kill();
  ASSERT_OK(cluster_->node("C")->Start());
  EXPECT_EQ(cluster_->client("C")->Text("before"), "1");
  ASSERT_OK(WaitRefusal("DISK_FULL"));
  EXPECT_EQ(ReasonOf(cluster_->client("C")->Put("x", "10").status()), "DISK_FULL");
  GiveRoom();
  ASSERT_OK(WaitRefusal(""));
  EXPECT_OK(cluster_->client("C")->Put("x", "10").status());
  EXPECT_OK(cluster_->WaitConverged());
}

}  // namespace
}  // namespace lamppost::testing
