#include "clients/cli/session_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

namespace lamppost::cli {
namespace {

kv::v1::Session Of(const std::string& node_id, uint64_t incarnation, uint64_t counter) {
  kv::v1::Session session;
  clock::v1::Head* head = session.add_heads();
  head->mutable_origin()->set_node_id(node_id);
  head->mutable_origin()->set_incarnation(incarnation);
  head->set_counter(counter);
  return session;
}

class SessionFileTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = absl::StrCat(testing::TempDir(), "/session_file_",
                              testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
    path_ = directory_ + "/session";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string Content() const {
    std::ifstream file(path_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  void Write(const std::string& text) const { std::ofstream(path_) << text; }

  std::string directory_;
  std::string path_;
};

TEST_F(SessionFileTest, IsMadeEmptyAndGrows) {
  const auto empty = OpenSessionFile(path_);
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_EQ(empty->heads_size(), 0);
  EXPECT_EQ(Content(), "");
  ASSERT_TRUE(AddToSessionFile(path_, Of("B", uint64_t{1} << 63, 17)).ok());
  ASSERT_TRUE(AddToSessionFile(path_, Of("A", 3, 5)).ok());
  ASSERT_TRUE(AddToSessionFile(path_, Of("A", 3, 4)).ok());
  EXPECT_EQ(Content(),
            "{\"lamppost_session\":1,\"heads\":[{\"node_id\":\"A\",\"incarnation\":\"3\",\"counter\":5},"
            "{\"node_id\":\"B\",\"incarnation\":\"9223372036854775808\",\"counter\":17}]}\n");
  const auto read = OpenSessionFile(path_);
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->heads_size(), 2);
  EXPECT_EQ(read->heads(1).origin().incarnation(), uint64_t{1} << 63);
}

TEST_F(SessionFileTest, ADamagedFileIsToldAndLeftAsItIs) {
  for (const std::string text :
       {"garbage", "{", "[]", "{}", "{\"lamppost_session\":2,\"heads\":[]}", "{\"lamppost_session\":1}",
        "{\"lamppost_session\":1,\"heads\":[{}]}",
        "{\"lamppost_session\":1,\"heads\":[{\"node_id\":\"A\",\"incarnation\":\"3\",\"counter\":-5}]}",
        "{\"lamppost_session\":1,\"heads\":[{\"node_id\":\"A\",\"incarnation\":\"x\",\"counter\":5}]}",
        "{\"lamppost_session\":1,\"heads\":[{\"node_id\":\"A\",\"incarnation\":\"3\",\"counter\":0}]}"}) {
    Write(text);
    const auto read = OpenSessionFile(path_);
    EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(read.status().message().find(path_), std::string::npos) << read.status();
    EXPECT_EQ(AddToSessionFile(path_, Of("A", 1, 1)).code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(Content(), text);
  }
}

TEST_F(SessionFileTest, WhatIsNoFileIsRefused) {
  EXPECT_EQ(OpenSessionFile(directory_).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(OpenSessionFile("/dev/null").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(OpenSessionFile(directory_ + "/no/such").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SessionFileTest, CommandsAtTheSameTimeLoseNothing) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this, i] {
      for (uint64_t counter = 1; counter <= 10; ++counter) {
        EXPECT_TRUE(AddToSessionFile(path_, Of(absl::StrCat("N", i), 1, counter)).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto read = OpenSessionFile(path_);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->heads_size(), 8);
  for (const auto& head : read->heads()) EXPECT_EQ(head.counter(), 10u);
}

}  // namespace
}  // namespace lamppost::cli
