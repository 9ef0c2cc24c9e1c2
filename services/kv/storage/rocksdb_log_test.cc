#include "services/kv/storage/rocksdb_log.h"

#include <filesystem>
#include <string>

#include "gtest/gtest.h"
#include "services/kv/storage/test_files.h"

namespace lamppost::kv {
namespace {

namespace fs = std::filesystem;

TEST(RocksDbLogTest, KeepsTheLastLinesWithinItsBound) {
  const std::string directory = testing::TempDir() + "/rocksdb_log";
  fs::remove_all(directory);
  fs::create_directory(directory);
  RocksDbLog log(directory, 1000);
  for (int i = 0; i < 500; ++i) rocksdb::Log(rocksdb::InfoLogLevel::INFO_LEVEL, &log, "line %d", i);
  EXPECT_LE(fs::file_size(directory + "/LOG"), 1000u);
  EXPECT_LE(fs::file_size(directory + "/LOG.old"), 1000u);
  EXPECT_EQ(FilesEndingIn(directory, "").size(), 2u);
  const std::string content = ReadBytes(directory + "/LOG");
  EXPECT_NE(content.find("line 499\n"), std::string::npos) << content;
}

TEST(RocksDbLogTest, CutsALongLine) {
  const std::string directory = testing::TempDir() + "/rocksdb_log_long";
  fs::remove_all(directory);
  fs::create_directory(directory);
  RocksDbLog log(directory, 100000);
  rocksdb::Log(rocksdb::InfoLogLevel::INFO_LEVEL, &log, "%s", std::string(10000, 'x').c_str());
  EXPECT_GT(fs::file_size(directory + "/LOG"), 4000u);
  EXPECT_LT(fs::file_size(directory + "/LOG"), 5000u);
}

TEST(RocksDbLogTest, WhatCannotBeWrittenIsLeftOut) {
  RocksDbLog log(testing::TempDir() + "/rocksdb_log_missing", 1000);
  rocksdb::Log(rocksdb::InfoLogLevel::INFO_LEVEL, &log, "lost");
  EXPECT_FALSE(fs::exists(testing::TempDir() + "/rocksdb_log_missing"));
}

}  // namespace
}  // namespace lamppost::kv
