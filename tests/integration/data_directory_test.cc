// A data directory that a node must not use: it says why, ends with 1, and leaves the directory as it is.
#include <fcntl.h>
#include <rocksdb/db.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class DataDirectory : public ::testing::Test {
 protected:
  DataDirectory() {
    ClusterOptions options;
    options.ids = {"A"};
    cluster_ = std::make_unique<Cluster>(options);
  }

  // Fills A's directory, with tables and a log, and ends it.
  void Fill() {
    ASSERT_OK(node()->Start());
    for (int i = 0; i < 20; ++i)
      ASSERT_OK(client()->Fill(absl::StrCat("fill", i, "-"), 1000, std::string(200, 'v')));
    ASSERT_EQ(node()->Stop().value(), 0);
  }

  void ExpectRefusal(const std::string& reason, const std::string& message) {
    ASSERT_OK(node()->Launch());
    const auto code = node()->process()->Wait(absl::Seconds(20));
    ASSERT_OK(code.status());
    EXPECT_EQ(*code, 1);
    EXPECT_THAT(node()->Log(), HasSubstr(absl::StrCat("reason=", reason)));
    EXPECT_THAT(node()->Log(), HasSubstr(message));
  }

  std::vector<fs::path> FilesEndingWith(const std::string& suffix) {
    std::vector<fs::path> found;
    for (const fs::directory_entry& entry : fs::directory_iterator(node()->data_directory())) {
      if (absl::EndsWith(entry.path().string(), suffix)) found.push_back(entry.path());
    }
    return found;
  }

  // Flips bits in the middle of the file.
  static void Damage(const fs::path& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<std::streamoff>(fs::file_size(path) / 2);
    for (std::streamoff at = middle; at < middle + 64; ++at) {
      file.seekg(at);
      const char byte = static_cast<char>(file.get());
      file.seekp(at);
      file.put(static_cast<char>(byte ^ 0x55));
    }
  }

  Node* node() { return cluster_->node("A"); }
  KvClient* client() { return cluster_->client("A"); }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(DataDirectory, OpenInAnotherProcess) {
  ASSERT_OK(node()->Start());
  ProcessOptions second;
  second.command = {kNodeProgram, "--id", "A", "--port", "0", "--data-dir", node()->data_directory()};
  const Finished finished = RunToEnd(second, absl::Seconds(20));
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, HasSubstr("reason=DATA_DIR_IN_USE"));
  EXPECT_THAT(finished.err, HasSubstr(node()->data_directory()));
  EXPECT_OK(client()->Put("x", "10").status());
}

TEST_F(DataDirectory, OfAnotherNodeOrCluster) {
  Fill();
  for (const auto& [flag, value, reason] :
       {std::tuple<std::string, std::string, std::string>{"--id", "B", "NODE_ID_MISMATCH"},
        {"--cluster", "other", "CLUSTER_MISMATCH"}}) {
    ProcessOptions options;
    const std::string id = flag == "--id" ? value : "A";
    options.command = {kNodeProgram, "--id", id, "--port", "0", "--data-dir", node()->data_directory()};
    if (flag != "--id") options.command.insert(options.command.end(), {flag, value});
    const Finished finished = RunToEnd(options, absl::Seconds(20));
    EXPECT_EQ(finished.exit_code, 1);
    EXPECT_THAT(finished.err, HasSubstr(absl::StrCat("reason=", reason)));
  }
  ASSERT_OK(node()->Start());
  EXPECT_EQ(client()->Status()->keys(), 20000u);
}

TEST_F(DataDirectory, OfAFormatThatIsNotKnown) {
  Fill();
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(rocksdb::Options(), node()->data_directory(), &opened).ok());
  std::unique_ptr<rocksdb::DB> db(opened);
  std::string format;
  ASSERT_TRUE(db->Get(rocksdb::ReadOptions(), "mformat", &format).ok());
  ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), "mformat", "99").ok());
  ASSERT_TRUE(db->Close().ok());
  db.reset();
  ExpectRefusal("FORMAT_UNKNOWN", "the data has format 99");
}

TEST_F(DataDirectory, WithADamagedManifest) {
  Fill();
  std::vector<fs::path> manifests;
  for (const fs::directory_entry& entry : fs::directory_iterator(node()->data_directory())) {
    if (absl::StrContains(entry.path().string(), "MANIFEST-")) manifests.push_back(entry.path());
  }
  ASSERT_FALSE(manifests.empty());
  for (const fs::path& manifest : manifests) Damage(manifest);
  ExpectRefusal("DATA_CORRUPT", "is damaged");
}

TEST_F(DataDirectory, WithADamagedLog) {
  Fill();
  const std::vector<fs::path> logs = FilesEndingWith(".log");
  ASSERT_FALSE(logs.empty());
  for (const fs::path& log : logs) {
    if (fs::file_size(log) > 1000) Damage(log);
  }
  ExpectRefusal("DATA_CORRUPT", "is damaged");
}

TEST_F(DataDirectory, WithoutItsCurrentFileOrLog) {
  Fill();
  fs::remove(fs::path(node()->data_directory()) / "CURRENT");
  ExpectRefusal("DATA_CORRUPT", "CURRENT is missing");
}

// Tables are read when they are needed: then it must not be served, and start may or may not find it.
TEST_F(DataDirectory, WithADamagedTableServesNothingWrong) {
  node()->flags()->assign({"--memtable-bytes", "1048576"});
  Fill();
  const std::vector<fs::path> tables = FilesEndingWith(".sst");
  ASSERT_FALSE(tables.empty());
  for (const fs::path& table : tables) Damage(table);
  ASSERT_OK(node()->Launch());
  ASSERT_OK(WaitFor("the node to serve or to refuse", absl::Seconds(20),
                    [&] { return !node()->process()->IsRunning() || client()->IsServing(); }));
  if (!node()->process()->IsRunning()) {
    EXPECT_THAT(node()->Log(), HasSubstr("DATA_CORRUPT"));
    return;
  }
  int damaged = 0;
  for (int i = 0; i < 20; ++i) {
    for (int k = 0; k < 1000; k += 37) {
      const auto got = client()->Get(absl::StrFormat("fill%d-%06d", i, k));
      if (got.ok()) {
        EXPECT_EQ(got->value().text(), std::string(200, 'v'));
        continue;
      }
      ++damaged;
      EXPECT_EQ(got.status().code(), absl::StatusCode::kDataLoss) << got.status();
      EXPECT_EQ(ReasonOf(got.status()), "DATA_CORRUPT");
    }
  }
  EXPECT_GT(damaged, 0);
}

TEST_F(DataDirectory, ThatHoldsSomethingElse) {
  fs::create_directory(node()->data_directory());
  std::ofstream(fs::path(node()->data_directory()) / "letters.txt") << "dear";
  ExpectRefusal("DATA_DIR_UNUSABLE", "letters.txt");
  fs::remove_all(node()->data_directory());
  std::ofstream(node()->data_directory()) << "a file";
  ExpectRefusal("DATA_DIR_UNUSABLE", "Not a directory");
}

TEST_F(DataDirectory, TornTailOfTheLogIsTheEndOfACrashAndNoDamage) {
  ASSERT_OK(node()->Start());
  ASSERT_OK(client()->Fill("k", 1000, "v"));
  node()->Kill();
  for (const fs::path& log : FilesEndingWith(".log")) {
    std::ofstream(log, std::ios::app | std::ios::binary) << std::string(5, '\x01');
  }
  ASSERT_OK(node()->Start());
  EXPECT_EQ(client()->Status()->keys(), 1000u);
}

}  // namespace
}  // namespace lamppost::testing
