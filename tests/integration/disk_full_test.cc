// A full disk: writes are refused and said why, reads go on, replication waits, and room heals it all.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/common/error.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kDiskBytes = uint64_t{96} << 20;
constexpr uint64_t kReserveBytes = uint64_t{24} << 20;

bool WriteWord(const char* path, const std::string& word) {
  std::ofstream file(path);
  file << word;
  return static_cast<bool>(file.flush());
}

// Mounts of this process alone, so that nothing is left behind. It takes root, or a system where
// everybody may make user namespaces. To be called while the process has one thread.
std::string WhyNoPrivateMounts() {
  if (unshare(CLONE_NEWNS) != 0) {
    const std::string user = absl::StrCat("0 ", geteuid(), " 1");
    const std::string group = absl::StrCat("0 ", getegid(), " 1");
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return std::strerror(errno);
    if (!WriteWord("/proc/self/setgroups", "deny") || !WriteWord("/proc/self/uid_map", user) ||
        !WriteWord("/proc/self/gid_map", group)) {
      return "the user namespace takes no user";
    }
  }
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return std::strerror(errno);
  return "";
}

class DiskFull : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { why_no_mounts_ = new std::string(WhyNoPrivateMounts()); }

  void SetUp() override {
    if (!why_no_mounts_->empty()) {
      GTEST_SKIP() << "a small disk cannot be mounted here (run as root): " << *why_no_mounts_;
    }
    ClusterOptions options;
    options.flags = {"--disk-reserve-bytes", absl::StrCat(kReserveBytes), "--memtable-bytes", "4194304"};
    cluster_ = std::make_unique<Cluster>(options);
    const std::string& disk = cluster_->node("C")->data_directory();
    ASSERT_EQ(mkdir(disk.c_str(), 0700), 0);
    const std::string size = absl::StrCat("size=", kDiskBytes);
    if (mount("lamppost-test", disk.c_str(), "tmpfs", 0, size.c_str()) != 0) {
      GTEST_SKIP() << "a small disk cannot be mounted here (run as root): " << std::strerror(errno);
    }
    ASSERT_OK(cluster_->StartAll());
    ASSERT_OK(cluster_->client("C")->Put("before", "1").status());
    ASSERT_OK(cluster_->WaitConverged());
  }

  void TearDown() override {
    if (!cluster_) return;
    cluster_->node("C")->Kill();
    umount2(cluster_->node("C")->data_directory().c_str(), MNT_DETACH);
  }

  std::string BallastPath() { return cluster_->node("C")->data_directory() + "/lost+found"; }

  // Somebody else fills the disk, but for `left` bytes.
  void TakeRoom(uint64_t left) {
    struct statvfs disk;
    ASSERT_EQ(statvfs(cluster_->node("C")->data_directory().c_str(), &disk), 0);
    const uint64_t free_bytes = static_cast<uint64_t>(disk.f_bavail) * disk.f_bsize;
    std::ofstream ballast(BallastPath(), std::ios::binary | std::ios::app);
    const std::string block(1 << 16, 'b');
    for (uint64_t taken = 0; taken + left < free_bytes; taken += block.size()) ballast << block;
    ballast.flush();
  }

  void GiveRoom() { fs::remove(BallastPath()); }

  absl::Status WaitRefusal(const std::string& reason) {
    return WaitFor(absl::StrCat("the refusal to be '", reason, "'"), absl::Seconds(20), [&] {
      const auto status = cluster_->client("C")->Status();
      return status.ok() && status->write_refusal() == reason;
    });
  }

  static std::string* why_no_mounts_;
  std::unique_ptr<Cluster> cluster_;
};

std::string* DiskFull::why_no_mounts_ = nullptr;

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
