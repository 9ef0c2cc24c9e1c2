// Damaged tables: they are found, set aside, and the rest goes on.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/kv/storage/rocksdb_storage.h"
#include "services/kv/storage/salvage_files.h"
#include "services/kv/storage/table_check.h"
#include "services/kv/storage/test_files.h"

namespace lamppost::kv {
namespace {

namespace fs = std::filesystem;

class DamagedTablesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    directory_ = (fs::canonical(::testing::TempDir()) / ("damaged_" + test)).string();
    fs::remove_all(directory_);
  }
  void TearDown() override {
    storage_.reset();
    fs::remove_all(directory_);
  }

  void Open() {
    storage_.reset();
    RocksDbOptions options;
    options.on_damage = [this](const absl::Status& status) { damage_ = status; };
    auto opened = RocksDbStorage::Open(directory_, options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    storage_ = *std::move(opened);
  }
  void Put(Space space, const std::string& key, const std::string& value) {
    WriteBatch batch;
    batch.Put(space, key, value);
    ASSERT_TRUE(storage_->Commit(batch, Durability::kSync).ok());
  }
  // Each part becomes a table of its own, for opening a store makes one of its log.
  void FillTable(char part) {
    Open();
    for (int i = 0; i < 100; ++i) {
      const std::string key = absl::StrFormat("%c%02d", part, i);
      Put(Space::kData, key, RandomBytes(1000, i));
      Put(Space::kIndex, key, "");
    }
    Put(Space::kMeta, absl::StrFormat("identity-%c", part), "of a table");
    Open();
  }
  TablesReport Check() {
    Pace pace(0);
    auto report = storage_->CheckTables(&pace);
    EXPECT_TRUE(report.ok()) << report.status();
    return *report;
  }
  int CountOf(Space space) {
    int count = 0;
    const auto cursor = storage_->Scan(space, "", "");
    for (; cursor->Valid(); cursor->Next()) ++count;
    EXPECT_TRUE(cursor->status().ok()) << cursor->status();
    return count;
  }

  std::string directory_;
  std::unique_ptr<RocksDbStorage> storage_;
  absl::Status damage_;
};

TEST_F(DamagedTablesTest, SoundTablesAreSound) {
  FillTable('a');
  FillTable('b');
  const TablesReport report = Check();
  EXPECT_GE(report.tables, 2u);
  EXPECT_GT(report.bytes, 200'000u);
  EXPECT_TRUE(report.damaged.empty());
  EXPECT_TRUE(damage_.ok());
}

// In a running store, too, whatever it has of the table in its caches.
TEST_F(DamagedTablesTest, AFlippedBitAnywhereIsFound) {
  FillTable('a');
  ASSERT_TRUE(storage_->Get(Space::kData, "a50").ok());
  const std::string table = TablesIn(directory_).front();
  const size_t size = fs::file_size(table);
  for (const size_t at : {size_t{10}, size / 2, size - 1000, size - 50, size - 5}) {
    FlipBit(table, at);
    const TablesReport report = Check();
    ASSERT_EQ(report.damaged.size(), 1u) << at << " of " << size;
    EXPECT_EQ(report.damaged[0].path, table);
    EXPECT_EQ(ErrorReason(report.damaged[0].why), "DATA_CORRUPT");
    FlipBit(table, at);
  }
  EXPECT_TRUE(Check().damaged.empty());
}

// A node with too many connections must not take its tables for damaged.
TEST_F(DamagedTablesTest, ATableThatCannotBeOpenedJustNowIsNotDamaged) {
  FillTable('a');
  ASSERT_EQ(Check().unchecked, 0u);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(next, 0);
  close(next);
  const rlimit none_left{static_cast<rlim_t>(next), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none_left), 0);
  const TablesReport report = Check();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(report.damaged.empty());
  EXPECT_EQ(report.unchecked, report.tables);
  EXPECT_EQ(ErrorReason(report.why_unchecked), "STORAGE_FAILED") << report.why_unchecked;
  EXPECT_EQ(Check().unchecked, 0u);
}

TEST_F(DamagedTablesTest, AReadOfDamageTells) {
  FillTable('a');
  const std::string table = TablesIn(directory_).front();
  FlipBit(table, fs::file_size(table) / 2);
  Open();
  EXPECT_TRUE(damage_.ok());
  for (const bool reverse : {false, true}) {
    damage_ = absl::OkStatus();
    const auto cursor =
        reverse ? storage_->ScanReverse(Space::kData, "", "") : storage_->Scan(Space::kData, "", "");
    while (cursor->Valid()) cursor->Next();
    EXPECT_EQ(ErrorReason(cursor->status()), "DATA_CORRUPT");
    EXPECT_EQ(ErrorReason(damage_), "DATA_CORRUPT");
  }
}

TEST_F(DamagedTablesTest, WhatIsSetAsideIsGoneAndTheRestIsThere) {
  FillTable('a');
  FillTable('b');
  Put(Space::kData, "in the log", "1");
  const std::string first = TablesIn(directory_).front();
  FlipBit(first, fs::file_size(first) / 3);
  ASSERT_EQ(Check().damaged.size(), 1u);
  ASSERT_EQ(Check().damaged[0].path, first);
  EXPECT_EQ(ErrorReason(SetTablesAside(directory_, {first})), "DATA_DIR_IN_USE");
  EXPECT_FALSE(IsSalvageMarked(directory_));
  storage_.reset();

  ASSERT_TRUE(SetTablesAside(directory_, {first}).ok());
  EXPECT_TRUE(IsSalvageMarked(directory_));
  EXPECT_EQ(FilesEndingIn(directory_ + "/lost", ".sst").size(), 1u);
  Open();
  EXPECT_TRUE(Check().damaged.empty());
  EXPECT_EQ(**storage_->Get(Space::kData, "b50"), RandomBytes(1000, 50));
  EXPECT_EQ(**storage_->Get(Space::kData, "in the log"), "1");
  EXPECT_FALSE(storage_->Get(Space::kData, "a50")->has_value());
  EXPECT_EQ(CountOf(Space::kIndex), 100);

  ASSERT_TRUE(storage_->PrepareSalvage().ok());
  EXPECT_EQ(CountOf(Space::kIndex), 0);
  EXPECT_EQ(**storage_->Get(Space::kMeta, "identity-a"), "of a table");
  Put(Space::kIndex, "b50", "");
  WriteBatch batch;
  batch.Remove(Space::kIndex, "b50");
  ASSERT_TRUE(storage_->Commit(batch, Durability::kSync).ok());
  Open();
  EXPECT_EQ(CountOf(Space::kIndex), 0);
  ASSERT_TRUE(UnmarkSalvage(directory_).ok());
  EXPECT_FALSE(IsSalvageMarked(directory_));
}

TEST_F(DamagedTablesTest, OnlyTheTablesOfTheLastTimeAreKept) {
  FillTable('a');
  FillTable('b');
  storage_.reset();
  const std::vector<std::string> tables = TablesIn(directory_);
  ASSERT_GE(tables.size(), 2u);
  ASSERT_TRUE(SetTablesAside(directory_, {tables[0]}).ok());
  ASSERT_TRUE(SetTablesAside(directory_, {tables[1]}).ok());
  EXPECT_EQ(FilesEndingIn(directory_ + "/lost", ".sst"),
            std::vector<std::string>{directory_ + "/lost/" + fs::path(tables[1]).filename().string()});
}

TEST_F(DamagedTablesTest, APaceIsKeptAndCanBeStopped) {
  FillTable('a');
  FillTable('b');
  Pace pace(200'000);  // the second table waits until the first one is paid for
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(storage_->CheckTables(&pace).ok());
  EXPECT_GT(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(300));
  Pace slow(10);
  std::thread stopper([&slow] { slow.Stop(); });
  EXPECT_TRUE(absl::IsCancelled(storage_->CheckTables(&slow).status()));
  stopper.join();
}

}  // namespace
}  // namespace lamppost::kv
