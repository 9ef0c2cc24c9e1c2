// What RocksDbStorage does about crashes, damage and the directory it is given.
#include "services/kv/storage/rocksdb_storage.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/kv/storage/test_files.h"

namespace lamppost::kv {
namespace {

namespace fs = std::filesystem;

class RocksDbStorageTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    directory_ = (fs::canonical(testing::TempDir()) / ("rocksdb_" + test)).string();
    fs::remove_all(directory_);
  }
  void TearDown() override {
    storage_.reset();
    fs::remove_all(directory_);
  }

  absl::Status TryOpen(const RocksDbOptions& options = {}) {
    storage_.reset();
    auto opened = RocksDbStorage::Open(directory_, options);
    if (opened.ok()) storage_ = *std::move(opened);
    return opened.status();
  }
  void Open(const RocksDbOptions& options = {}) {
    const absl::Status status = TryOpen(options);
    ASSERT_TRUE(status.ok()) << status;
  }
  absl::Status TryPut(const std::string& key, const std::string& value,
                      Durability durability = Durability::kInterval) {
    WriteBatch batch;
    batch.Put(Space::kData, key, value);
    return storage_->Commit(batch, durability);
  }
  void Put(const std::string& key, const std::string& value, Durability durability = Durability::kInterval) {
    const absl::Status status = TryPut(key, value, durability);
    ASSERT_TRUE(status.ok()) << status;
  }
  std::optional<std::string> Get(const std::string& key) {
    const auto value = storage_->Get(Space::kData, key);
    EXPECT_TRUE(value.ok()) << value.status();
    return value.ok() ? *value : std::nullopt;
  }

  // The one log of a closed store whose writes are still in it: 100 keys of 1000 bytes.
  std::string WriteOneLog() {
    Open();
    for (int i = 0; i < 100; ++i) Put(absl::StrCat("key", i), RandomBytes(1000, i));
    storage_.reset();
    const std::vector<std::string> logs = FilesEndingIn(directory_, ".log");
    EXPECT_EQ(logs.size(), 1u);
    return logs.front();
  }
  // Opening a store moves what its log holds into a table.
  std::string WriteOneTable() {
    WriteOneLog();
    Open();
    storage_.reset();
    const std::vector<std::string> tables = FilesEndingIn(directory_, ".sst");
    EXPECT_EQ(tables.size(), 1u);
    return tables.front();
  }

  void ExpectRefused(const absl::Status& status, absl::StatusCode code, const std::string& reason) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ErrorReason(status), reason) << status;
    EXPECT_NE(status.message().find(directory_), absl::string_view::npos) << status;
  }
  void ExpectOpenFindsDamage() {
    ExpectRefused(TryOpen(), absl::StatusCode::kDataLoss, "DATA_CORRUPT");
    ExpectRefused(TryOpen(), absl::StatusCode::kDataLoss, "DATA_CORRUPT");  // and it changed nothing
  }

  std::string directory_;
  std::unique_ptr<RocksDbStorage> storage_;
};

TEST_F(RocksDbStorageTest, ReopenFindsWhatWasWritten) {
  Open();
  Put("sync", "1", Durability::kSync);
  Put("interval", "2", Durability::kInterval);
  Open();
  EXPECT_EQ(Get("sync"), "1");
  EXPECT_EQ(Get("interval"), "2");
  WriteBatch batch;
  batch.Remove(Space::kData, "sync");
  ASSERT_TRUE(storage_->Commit(batch, Durability::kSync).ok());
  Open();
  EXPECT_EQ(Get("sync"), std::nullopt);
  EXPECT_EQ(Get("interval"), "2");
}

TEST_F(RocksDbStorageTest, ReopensManyTimes) {
  for (int i = 0; i < 20; ++i) {
    Open();
    Put(absl::StrCat(i), absl::StrCat(i));
    for (int j = 0; j <= i; ++j) ASSERT_EQ(Get(absl::StrCat(j)), absl::StrCat(j));
  }
}

// What a killed process had committed is there: in either mode it was handed to the system.
TEST_F(RocksDbStorageTest, SurvivesTheDeathOfTheProcess) {
  const pid_t child = fork();
  if (child == 0) {
    auto storage = RocksDbStorage::Open(directory_, {});
    if (!storage.ok()) _exit(1);
    for (int i = 0; i < 500; ++i) {
      WriteBatch batch;
      batch.Put(Space::kData, absl::StrCat(i), "v");
      if (!(*storage)->Commit(batch, Durability::kInterval).ok()) _exit(2);
    }
    _exit(0);  // nothing is closed
  }
  int result = -1;
  ASSERT_EQ(waitpid(child, &result, 0), child);
  ASSERT_TRUE(WIFEXITED(result) && WEXITSTATUS(result) == 0) << result;
  Open();
  for (int i = 0; i < 500; ++i) ASSERT_EQ(Get(absl::StrCat(i)), "v") << i;
}

TEST_F(RocksDbStorageTest, IntervalWritesAndFlush) {
  Open();
  Put("x", "10", Durability::kInterval);
  EXPECT_TRUE(storage_->Flush().ok());
  EXPECT_TRUE(storage_->Flush().ok());
  // A copy of the files, taken while the store is open, is what a crash leaves.
  const std::string copy = directory_ + "_copy";
  fs::remove_all(copy);
  fs::copy(directory_, copy);
  const auto copied = RocksDbStorage::Open(copy, {});
  ASSERT_TRUE(copied.ok()) << copied.status();
  EXPECT_EQ(**(*copied)->Get(Space::kData, "x"), "10");
  fs::remove_all(copy);
}

TEST_F(RocksDbStorageTest, SecondOpenIsRefused) {
  Open();
  Put("x", "10");
  const auto second = RocksDbStorage::Open(directory_ + "/.", {});
  ExpectRefused(second.status(), absl::StatusCode::kFailedPrecondition, "DATA_DIR_IN_USE");
  EXPECT_NE(second.status().message().find("another process"), absl::string_view::npos);
  Put("x", "11");  // the first is none the worse
  Open();
  EXPECT_EQ(Get("x"), "11");
}

TEST_F(RocksDbStorageTest, SecondProcessIsRefused) {
  int ready[2];
  int stop[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(stop), 0);
  char byte = 0;
  const pid_t child = fork();
  if (child == 0) {
    close(stop[1]);
    const auto storage = RocksDbStorage::Open(directory_, {});
    if (!storage.ok() || write(ready[1], "r", 1) != 1) _exit(1);
    while (read(stop[0], &byte, 1) > 0) {
    }
    _exit(0);
  }
  close(ready[1]);
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  ExpectRefused(TryOpen(), absl::StatusCode::kFailedPrecondition, "DATA_DIR_IN_USE");
  close(stop[1]);
  int result = -1;
  ASSERT_EQ(waitpid(child, &result, 0), child);
  close(ready[0]);
  close(stop[0]);
  EXPECT_TRUE(TryOpen().ok());
}

TEST_F(RocksDbStorageTest, TornTailOfTheLogLosesTheUnfinishedBatchAlone) {
  const std::string log = WriteOneLog();
  fs::resize_file(log, fs::file_size(log) - 100);
  Open();
  EXPECT_EQ(Get("key98"), RandomBytes(1000, 98));
  EXPECT_EQ(Get("key99"), std::nullopt);
  Put("key99", "again");
  Open();
  EXPECT_EQ(Get("key99"), "again");
}

TEST_F(RocksDbStorageTest, ZerosAfterTheLogsEndAreATornTail) {
  const std::string log = WriteOneLog();
  fs::resize_file(log, fs::file_size(log) + 10000);
  Open();
  EXPECT_EQ(Get("key99"), RandomBytes(1000, 99));
}

TEST_F(RocksDbStorageTest, DamageInTheMiddleOfTheLogIsRefused) {
  const std::string log = WriteOneLog();
  FlipBit(log, fs::file_size(log) / 2);
  ExpectOpenFindsDamage();
  FlipBit(log, fs::file_size(log) / 2);
  Open();
  EXPECT_EQ(Get("key99"), RandomBytes(1000, 99));
}

// The bits that RocksDB by itself takes for the log's end (log_check.h).
TEST_F(RocksDbStorageTest, DamagedRecordHeadersAreRefused) {
  const std::string log = WriteOneLog();
  const std::string sound = ReadBytes(log);
  const size_t record = sound.find("key97") - 7 - 12 - 3;  // header, batch header, operation and space
  for (const auto& [offset, bit] : std::vector<std::pair<size_t, int>>{{5, 7}, {6, 2}}) {
    std::string damaged = sound;
    damaged[record + offset] ^= static_cast<char>(1 << bit);
    WriteBytes(log, damaged);
    ExpectOpenFindsDamage();
  }
  std::string zeroed = sound;
  zeroed.replace(32768, 4096, 4096, '\0');
  WriteBytes(log, zeroed);
  ExpectOpenFindsDamage();
}

// An earlier log's torn tail with a later log behind it would be a gap.
TEST_F(RocksDbStorageTest, AGapBetweenLogsIsRefused) {
  const std::string log = WriteOneLog();
  const std::string first_log = ReadBytes(log);
  // The same store once more, with its next log: what is there if the first was never removed.
  const std::string second_directory = directory_ + "_next";
  fs::remove_all(second_directory);
  fs::copy(directory_, second_directory);
  {
    const auto next = RocksDbStorage::Open(second_directory, {});
    ASSERT_TRUE(next.ok()) << next.status();
    WriteBatch batch;
    batch.Put(Space::kData, "later", "v");
    ASSERT_TRUE((*next)->Commit(batch, Durability::kSync).ok());
  }
  const std::string next_log = FilesEndingIn(second_directory, ".log").back();
  ASSERT_NE(fs::path(next_log).filename(), fs::path(log).filename());
  fs::copy_file(next_log, fs::path(directory_) / fs::path(next_log).filename());
  fs::remove_all(second_directory);

  WriteBytes(log, first_log.substr(0, first_log.size() - 100));
  ExpectOpenFindsDamage();
  WriteBytes(log, first_log);
  Open();
  EXPECT_EQ(Get("key99"), RandomBytes(1000, 99));
  EXPECT_EQ(Get("later"), "v");
}

TEST_F(RocksDbStorageTest, MissingLogIsRefused) {
  const std::string log = WriteOneLog();
  fs::remove(log);
  ExpectOpenFindsDamage();
}

TEST_F(RocksDbStorageTest, AFlippedBitInATableIsNeverAValue) {
  const std::string table = WriteOneTable();
  FlipBit(table, fs::file_size(table) / 2);
  Open();
  int damaged = 0;
  for (int i = 0; i < 100; ++i) {
    const auto value = storage_->Get(Space::kData, absl::StrCat("key", i));
    if (!value.ok()) {
      ++damaged;
      ExpectRefused(value.status(), absl::StatusCode::kDataLoss, "DATA_CORRUPT");
    } else {
      EXPECT_EQ(**value, RandomBytes(1000, i));
    }
  }
  EXPECT_GT(damaged, 0);

  const auto cursor = storage_->Scan(Space::kData, "", "");
  for (; cursor->Valid(); cursor->Next()) {
    const int i = std::stoi(std::string(cursor->key().substr(3)));
    EXPECT_EQ(cursor->value(), RandomBytes(1000, i));
  }
  ExpectRefused(cursor->status(), absl::StatusCode::kDataLoss, "DATA_CORRUPT");
}

TEST_F(RocksDbStorageTest, MissingTableIsRefused) {
  fs::remove(WriteOneTable());
  ExpectOpenFindsDamage();
}

TEST_F(RocksDbStorageTest, MissingCurrentIsNotANewStore) {
  WriteOneTable();
  fs::remove(directory_ + "/CURRENT");
  ExpectOpenFindsDamage();
  EXPECT_EQ(FilesEndingIn(directory_, ".sst").size(), 1u);
}

TEST_F(RocksDbStorageTest, MissingOrDamagedManifestIsRefused) {
  WriteOneTable();
  std::string manifest = ReadBytes(directory_ + "/CURRENT");
  manifest = absl::StrCat(directory_, "/", manifest.substr(0, manifest.size() - 1));
  const std::string sound = ReadBytes(manifest);
  fs::remove(manifest);
  ExpectOpenFindsDamage();
  std::string damaged = sound;
  const size_t second_record = 7 + static_cast<uint8_t>(sound[4]);
  damaged[second_record + 5] ^= 1;  // its length
  WriteBytes(manifest, damaged);
  ExpectOpenFindsDamage();
  WriteBytes(manifest, sound);
  Open();
  EXPECT_EQ(Get("key99"), RandomBytes(1000, 99));
}

// A first start that was cut short before there was anything to lose can be repeated.
TEST_F(RocksDbStorageTest, AnUnfinishedCreationIsFinished) {
  fs::create_directory(directory_);
  WriteBytes(directory_ + "/MANIFEST-000001", "");
  WriteBytes(directory_ + "/IDENTITY", "an id");
  WriteBytes(directory_ + "/LOCK", "");
  fs::create_directory(directory_ + "/lost+found");
  Open();
  Put("x", "10");
  Open();
  EXPECT_EQ(Get("x"), "10");
}

TEST_F(RocksDbStorageTest, MakesItsDirectoryPrivate) {
  directory_ += "/a/b/";
  Open();
  struct stat info {};
  ASSERT_EQ(stat(directory_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(RocksDbStorageTest, UnusableDirectoriesAreNamed) {
  WriteBytes(directory_, "a file");
  ExpectRefused(TryOpen(), absl::StatusCode::kFailedPrecondition, "DATA_DIR_UNUSABLE");
  const std::string file = directory_;
  directory_ += "/below";
  ExpectRefused(TryOpen(), absl::StatusCode::kFailedPrecondition, "DATA_DIR_UNUSABLE");
  directory_ = file;
  fs::remove(directory_);
  fs::create_directory(directory_);
  WriteBytes(directory_ + "/letter.txt", "not ours");
  ExpectRefused(TryOpen(), absl::StatusCode::kFailedPrecondition, "DATA_DIR_UNUSABLE");
  EXPECT_EQ(ReadBytes(directory_ + "/letter.txt"), "not ours");
}

TEST_F(RocksDbStorageTest, ADirectoryThatMayNotBeWrittenIsRefused) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere; run as another user to test this";
  fs::create_directory(directory_);
  fs::permissions(directory_, fs::perms::owner_read | fs::perms::owner_exec);
  ExpectRefused(TryOpen(), absl::StatusCode::kPermissionDenied, "DATA_DIR_UNUSABLE");
}

TEST_F(RocksDbStorageTest, SenselessOptionsAreRefused) {
  RocksDbOptions options;
  options.memtable_bytes = 0;
  EXPECT_EQ(TryOpen(options).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(RocksDbStorageTest, EstimatesItsMemory) {
  Open();
  const uint64_t before = storage_->EstimatedMemoryBytes();
  Put("x", RandomBytes(size_t{4} << 20, 1));
  EXPECT_GE(storage_->EstimatedMemoryBytes(), before + (uint64_t{4} << 20));
}

// A file system of its own, as small as the test wants it.
class FullDiskTest : public RocksDbStorageTest {
 protected:
  void SetUp() override {
    RocksDbStorageTest::SetUp();
    fs::create_directory(directory_);
    mounted_ = mount("tmpfs", directory_.c_str(), "tmpfs", 0, "size=8m") == 0;
    if (!mounted_) GTEST_SKIP() << "a small file system cannot be mounted here: " << std::strerror(errno);
  }
  // Leaves not one page.
  void FillDisk() {
    std::ofstream file(directory_ + "/filler.dbtmp", std::ios::binary);
    const std::string page(4096, 'f');
    while (file.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    }
  }
  void TearDown() override {
    storage_.reset();
    if (mounted_) EXPECT_EQ(umount(directory_.c_str()), 0);
    RocksDbStorageTest::TearDown();
  }

 private:
  bool mounted_ = false;
};

TEST_F(FullDiskTest, EndsWritingAndLosesNothing) {
  Open();
  int acknowledged = 0;
  absl::Status status;
  for (; status.ok() && acknowledged < 1000; ++acknowledged) {
    status = TryPut(absl::StrCat("key", acknowledged), RandomBytes(65536, acknowledged), Durability::kSync);
  }
  --acknowledged;
  ExpectRefused(status, absl::StatusCode::kResourceExhausted, "DISK_FULL");
  ExpectRefused(TryPut("more", "v"), absl::StatusCode::kFailedPrecondition, "STORAGE_FAILED");
  ExpectRefused(storage_->Flush(), absl::StatusCode::kFailedPrecondition, "STORAGE_FAILED");
  EXPECT_EQ(Get("key0"), RandomBytes(65536, 0));  // reading goes on

  storage_.reset();
  FillDisk();
  ExpectRefused(TryOpen(), absl::StatusCode::kResourceExhausted, "DISK_FULL");
  ASSERT_EQ(mount("tmpfs", directory_.c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
  Open();
  for (int i = 0; i < acknowledged; ++i) ASSERT_EQ(Get(absl::StrCat("key", i)), RandomBytes(65536, i)) << i;
  Put("more", "v", Durability::kSync);
}

}  // namespace
}  // namespace lamppost::kv
