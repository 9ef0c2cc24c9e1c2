#include "clients/cli/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace lamppost::cli {
namespace {

namespace fs = std::filesystem;

std::string Read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/atomicXXXXXX";
    directory_ = mkdtemp(pattern.data());
    path_ = directory_ / "file";
  }
  void TearDown() override { fs::remove_all(directory_); }
  size_t FilesThere() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()));
  }

  fs::path directory_;
  fs::path path_;
};

TEST_F(AtomicFileTest, AppearsAtCommit) {
  std::ofstream(path_) << "old";
  auto file = AtomicFile::Create(path_.string());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE((*file)->Append("new").ok());
  EXPECT_EQ(Read(path_), "old");
  EXPECT_TRUE((*file)->Commit().ok());
  EXPECT_EQ(Read(path_), "new");
  file->reset();
  EXPECT_EQ(FilesThere(), 1u);
}

TEST_F(AtomicFileTest, LeavesNothingWithoutCommit) {
  {
    auto file = AtomicFile::Create(path_.string());
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_TRUE((*file)->Append("new").ok());
  }
  EXPECT_EQ(FilesThere(), 0u);
}

TEST_F(AtomicFileTest, LeavesNothingWhenItsProcessIsKilled) {
  const int probe = open(directory_.c_str(), O_TMPFILE | O_RDWR, 0600);
  if (probe < 0) GTEST_SKIP() << "this file system has no files without a name";
  close(probe);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto file = AtomicFile::Create(path_.string());
    if (file.ok() && (*file)->Append(std::string(1 << 20, 'x')).ok()) raise(SIGKILL);
    _exit(1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(FilesThere(), 0u);
}

TEST_F(AtomicFileTest, GetsThePermissionsOfAnyOther) {
  std::ofstream(directory_ / "other") << "x";
  auto file = AtomicFile::Create(path_.string());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE((*file)->Commit().ok());
  EXPECT_EQ(fs::status(path_).permissions(), fs::status(directory_ / "other").permissions());
}

TEST_F(AtomicFileTest, FollowsASymbolicLink) {
  std::ofstream(path_) << "old";
  const fs::path link = directory_ / "link";
  fs::create_symlink(path_, link);
  auto file = AtomicFile::Create(link.string());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE((*file)->Append("new").ok());
  EXPECT_TRUE((*file)->Commit().ok());
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(Read(path_), "new");
}

TEST_F(AtomicFileTest, WritesToWhatIsNoFile) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  // A FIFO opened for both ways needs nobody at its other end.
  std::fstream reader(path_);
  auto file = AtomicFile::Create(path_.string());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE((*file)->Append("new\n").ok());
  EXPECT_TRUE((*file)->Commit().ok());
  EXPECT_TRUE(fs::is_fifo(path_));
  std::string line;
  std::getline(reader, line);
  EXPECT_EQ(line, "new");
}

TEST_F(AtomicFileTest, WhatCannotBeWritten) {
  EXPECT_EQ(AtomicFile::Create((directory_ / "no" / "file").string()).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(AtomicFile::Create(directory_.string()).status().code(), absl::StatusCode::kInvalidArgument);
  auto full = AtomicFile::Create("/dev/full");
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_TRUE((*full)->Append("x").ok());
  EXPECT_EQ((*full)->Commit().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace lamppost::cli
