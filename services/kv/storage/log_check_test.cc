#include "services/kv/storage/log_check.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"
#include "rocksdb/options.h"
#include "services/common/error.h"
#include "services/kv/storage/test_files.h"

namespace lamppost::kv {
namespace {

constexpr int kPuts = 40;

// A real log, as RocksDB writes it: more than two blocks, with records of one part and of several.
std::string WriteLog() {
  const std::string directory = testing::TempDir() + "/log_check";
  rocksdb::Options options;
  options.create_if_missing = true;
  EXPECT_TRUE(rocksdb::DestroyDB(directory, options).ok());
  rocksdb::DB* db = nullptr;
  EXPECT_TRUE(rocksdb::DB::Open(options, directory, &db).ok());
  for (int i = 0; i < kPuts; ++i) {
    EXPECT_TRUE(
        db->Put(rocksdb::WriteOptions(), absl::StrCat("k", i), RandomBytes(i == 5 ? 70000 : 500, i)).ok());
  }
  delete db;
  const std::vector<std::string> logs = FilesEndingIn(directory, ".log");
  EXPECT_EQ(logs.size(), 1u);
  return ReadBytes(logs.front());
}

bool IsRefused(const std::string& content) {
  const absl::Status status = CheckLogContent(content, "000004.log");
  if (status.ok()) return false;
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ErrorReason(status), "DATA_CORRUPT");
  EXPECT_NE(status.message().find("000004.log"), absl::string_view::npos);
  return true;
}

TEST(LogCheckTest, ASoundLogAndAnEmptyOnePass) {
  EXPECT_FALSE(IsRefused(WriteLog()));
  EXPECT_FALSE(IsRefused(""));
}

// A crash may cut the log at any byte.
TEST(LogCheckTest, EveryCutIsATornTail) {
  const std::string log = WriteLog();
  ASSERT_GT(log.size(), 65536u);
  for (size_t bytes = 0; bytes < log.size(); bytes += bytes < 2000 || bytes > log.size() - 2000 ? 1 : 97) {
    ASSERT_FALSE(IsRefused(log.substr(0, bytes))) << "cut at " << bytes << " of " << log.size();
  }
}

TEST(LogCheckTest, ZerosAfterTheLastRecordAreATornTail) {
  const std::string log = WriteLog();
  EXPECT_FALSE(IsRefused(log + std::string(3, '\0')));
  EXPECT_FALSE(IsRefused(log + std::string(100000, '\0')));
}

// Every bit of a record's header and every byte of its payload counts, in the first record (all that
// follows would be lost) as in the last one (a write that was acknowledged).
TEST(LogCheckTest, NoFlippedBitPasses) {
  const std::string log = WriteLog();
  const size_t last_record = log.rfind("k39") - 7 - 12 - 2;  // header, batch header, operation
  for (const size_t record : {size_t{0}, last_record}) {
    for (size_t bit = 0; bit < 8 * 200; ++bit) {
      std::string damaged = log;
      damaged[record + bit / 8] ^= static_cast<char>(1 << (bit % 8));
      ASSERT_TRUE(IsRefused(damaged)) << "bit " << bit << " of the record at " << record;
    }
  }
}

TEST(LogCheckTest, AZeroedPageInTheMiddleIsRefused) {
  std::string log = WriteLog();
  log.replace(0, 4096, 4096, '\0');
  EXPECT_TRUE(IsRefused(log));
}

TEST(LogCheckTest, AMissingFileIsAnErrorThatNamesIt) {
  const absl::Status status = CheckLogFile(testing::TempDir() + "/none.log");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("none.log"), absl::string_view::npos);
}

}  // namespace
}  // namespace lamppost::kv
