#include "services/kv/snapshot/restore_directory.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/kv/core/testing/store_audit.h"
#include "services/kv/snapshot/sample.h"
#include "services/kv/storage/rocksdb_storage.h"

namespace lamppost::kv {
namespace {

namespace fs = std::filesystem;

class RestoreDirectoryTest : public ::testing::Test {
 protected:
  RestoreDirectoryTest() {
    const std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    root_ = fs::canonical(::testing::TempDir()) / ("restore_" + test);
    fs::remove_all(root_);
    fs::create_directories(root_);
    store_.Fill(2000, 700);
    WriteFile(store_.File());
    plan_.file = root_ / "snapshot";
    plan_.data_directory = root_ / "parent" / "data";
    plan_.node_id = "B";
  }
  ~RestoreDirectoryTest() override { fs::remove_all(root_); }

  void WriteFile(const std::string& content) const {
    std::ofstream(root_ / "snapshot", std::ios::binary | std::ios::trunc) << content;
  }
  void ExpectRefused(const std::string& reason) const {
    const auto facts = RestoreDirectory(plan_);
    EXPECT_FALSE(facts.ok());
    EXPECT_EQ(ErrorReason(facts.status()), reason) << facts.status();
  }

  fs::path root_;
  SampleStore store_;
  RestorePlan plan_;
};

TEST_F(RestoreDirectoryTest, IntoAMissingDirectory) {
  uint64_t done = 0;
  plan_.on_progress = [&done](uint64_t bytes, uint64_t total) {
    EXPECT_LE(bytes, total);
    done = bytes;
  };
  const auto facts = RestoreDirectory(plan_);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->records, 2000u);
  EXPECT_EQ(done, facts->bytes);
  const auto storage = RocksDbStorage::Open(plan_.data_directory, {});
  ASSERT_TRUE(storage.ok()) << storage.status();
  EXPECT_EQ(testing::Audit(**storage), "");
  EXPECT_EQ(testing::Dump(**storage, testing::Tombstones::kIncluded),
            testing::Dump(store_.storage(), testing::Tombstones::kIncluded));
  const auto identity = DecodeIdentity(**(*storage)->Get(Space::kMeta, kIdentityKey));
  ASSERT_TRUE(identity.ok());
  EXPECT_EQ(identity->node_id, "B");
  EXPECT_EQ(identity->cluster, "c");
}

TEST_F(RestoreDirectoryTest, IntoAnEmptyDirectoryOfAnotherCluster) {
  fs::create_directories(fs::path(plan_.data_directory) / "lost+found");
  plan_.cluster = "staging";
  ASSERT_TRUE(RestoreDirectory(plan_).ok());
  const auto storage = RocksDbStorage::Open(plan_.data_directory, {});
  ASSERT_TRUE(storage.ok());
  EXPECT_EQ(DecodeIdentity(**(*storage)->Get(Space::kMeta, kIdentityKey))->cluster, "staging");
}

TEST_F(RestoreDirectoryTest, ADirectoryInUseIsLeftAlone) {
  fs::create_directories(plan_.data_directory);
  std::ofstream(fs::path(plan_.data_directory) / "letter.txt") << "mine";
  ExpectRefused("DATA_DIR_NOT_EMPTY");
  int entries = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(plan_.data_directory)) ++entries;
  EXPECT_EQ(entries, 1);
  plan_.data_directory = root_ / "snapshot";
  ExpectRefused("DATA_DIR_UNUSABLE");
}

// While the file is looked through, a service manager starts the node on the directory that is still empty.
TEST_F(RestoreDirectoryTest, ANodeThatHasStartedMeanwhileKeepsItsData) {
  for (const bool runs_still : {true, false}) {
    plan_.data_directory = root_ / (runs_still ? "running" : "stopped");
    std::unique_ptr<RocksDbStorage> node;
    plan_.on_progress = [&](uint64_t, uint64_t) {
      if (node != nullptr || fs::exists(plan_.data_directory)) return;
      node = *RocksDbStorage::Open(plan_.data_directory, {});
      WriteBatch batch;
      batch.Put(Space::kData, "k", "of the node");
      ASSERT_TRUE(node->Commit(batch, Durability::kSync).ok());
      if (!runs_still) node.reset();
    };
    ExpectRefused("DATA_DIR_NOT_EMPTY");
    if (node == nullptr) node = *RocksDbStorage::Open(plan_.data_directory, {});
    EXPECT_EQ(*node->Get(Space::kData, "k"), "of the node");
  }
}

TEST_F(RestoreDirectoryTest, ADamagedFileMakesNothing) {
  std::string file = store_.File();
  file[file.size() - 20] ^= 1;  // near its end
  WriteFile(file);
  ExpectRefused("SNAPSHOT_DAMAGED");
  EXPECT_FALSE(fs::exists(root_ / "parent"));
  EXPECT_EQ(ErrorReason(VerifySnapshotFile(plan_.file).status()), "SNAPSHOT_DAMAGED");
}

// As if it had been changed between the two readings.
TEST_F(RestoreDirectoryTest, AFileThatChangesLeavesNothing) {
  std::string file = store_.File();
  const std::string damaged = file.substr(0, file.size() / 2);
  plan_.on_progress = [&](uint64_t done, uint64_t total) {
    if (done == total) WriteFile(damaged);
  };
  ExpectRefused("SNAPSHOT_DAMAGED");
  EXPECT_FALSE(fs::exists(root_ / "parent"));
  WriteFile(file);
  fs::create_directories(plan_.data_directory);
  ExpectRefused("SNAPSHOT_DAMAGED");
  EXPECT_TRUE(fs::is_empty(plan_.data_directory));
}

TEST_F(RestoreDirectoryTest, WrongNamesAndFiles) {
  plan_.node_id = "no name";
  ExpectRefused("NODE_ID_INVALID");
  plan_.node_id = "B";
  plan_.cluster = "no name";
  ExpectRefused("CLUSTER_INVALID");
  plan_.cluster = "";
  plan_.file = root_ / "missing";
  ExpectRefused("FILE_UNREADABLE");
  plan_.file = root_;
  ExpectRefused("FILE_UNREADABLE");
  EXPECT_FALSE(fs::exists(root_ / "parent"));
}

}  // namespace
}  // namespace lamppost::kv
