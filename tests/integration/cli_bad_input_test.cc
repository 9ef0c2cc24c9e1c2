// What the lamppost command is given wrong: its exit code, its message, and nothing changed.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/lamppost_command.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class CliBadInput : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(cluster_.StartAll());
    ASSERT_OK(cluster_.client("A")->Put("kept", "1").status());
    ASSERT_OK(cluster_.WaitConverged());
    before_ = cluster_.client("A")->Status().value();
  }

  Finished Run(std::vector<std::string> words) {
    words.insert(words.begin(), {"--node", cluster_.node("A")->address()});
    return RunLamppost(words);
  }
  void ExpectUnchanged() {
    const auto now = cluster_.client("A")->Status();
    ASSERT_OK(now.status());
    EXPECT_EQ(now->content_hash(), before_.content_hash());
    EXPECT_EQ(now->keys(), before_.keys());
    EXPECT_EQ(now->heads(0).counter(), before_.heads(0).counter());
    EXPECT_EQ(cluster_.client("A")->Text("kept"), "1");
  }

  Cluster cluster_{{}};
  kv::v1::StatusResponse before_;
};

TEST_F(CliBadInput, AScanWithItsEndsSwapped) {
  for (const std::vector<std::string>& more :
       std::vector<std::vector<std::string>>{{}, {"--reverse"}, {"--count"}, {"--keys-only", "-o", "raw"}}) {
    std::vector<std::string> words = {"scan", "--start", "b", "--end", "a"};
    words.insert(words.end(), more.begin(), more.end());
    const Finished scanned = Run(words);
    EXPECT_EQ(scanned.exit_code, 3);
    EXPECT_EQ(scanned.out, "");
    EXPECT_THAT(scanned.err, StartsWith("lamppost: failed: INVALID_ARGUMENT/SCAN_RANGE_INVALID: "));
  }
  const Finished told = Run({"scan", "--start", "b", "--end", "a", "-o", "json"});
  EXPECT_EQ(told.exit_code, 3);
  EXPECT_EQ(told.out, "");
  const json error = json::parse(told.err).at("error");
  EXPECT_EQ(error.at("reason"), "SCAN_RANGE_INVALID");
  EXPECT_EQ(error.at("outcome"), "failed");
  EXPECT_EQ(error.at("keys_printed"), 0);
}

TEST_F(CliBadInput, ATtlThatIsNone) {
  for (const std::string ttl :
       {"-5s", "-1ms", "0s", "0.1ms", "87601h", "99999999999999999999h", "60", "soon"}) {
    // Either way of writing it: as a word of its own it could be taken for an option.
    for (const std::vector<std::string>& option :
         std::vector<std::vector<std::string>>{{"--ttl=" + ttl}, {"--ttl", ttl}}) {
      std::vector<std::string> words = {"put", "kept", "2"};
      words.insert(words.end(), option.begin(), option.end());
      const Finished put = Run(words);
      EXPECT_EQ(put.exit_code, 2) << ttl;
      EXPECT_EQ(put.out, "");
      EXPECT_THAT(put.err, HasSubstr("--ttl")) << ttl;
    }
  }
  ExpectUnchanged();
}

TEST_F(CliBadInput, MoreReplicasThanThereAreMembers) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"put", "kept", "2"}, {"put", "new", "2"}, {"del", "kept"}}) {
    std::vector<std::string> many = words;
    many.insert(many.end(), {"--replicas", "9"});
    const Finished refused = Run(many);
    EXPECT_EQ(refused.exit_code, 3);
    EXPECT_EQ(refused.out, "");
    EXPECT_THAT(refused.err, StartsWith("lamppost: failed: INVALID_ARGUMENT/REPLICAS_TOO_MANY: "));
  }
  EXPECT_EQ(Run({"get", "new"}).exit_code, 1);
  ExpectUnchanged();
}

TEST_F(CliBadInput, ARestoreIntoADirectoryWithSomebodysFile) {
  const std::string file = NewTestPath("snapshot");
  ASSERT_EQ(Run({"snapshot", "save", file}).exit_code, 0);
  const std::string directory = NewTestPath("data");
  fs::create_directory(directory);
  const fs::path foreign = fs::path(directory) / "notes.txt";
  std::ofstream(foreign) << "mine";
  const Finished refused = RunLamppost({"snapshot", "restore", file, "--data-dir", directory, "--id", "A"});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_EQ(refused.out, "");
  EXPECT_THAT(refused.err, StartsWith("lamppost: failed: FAILED_PRECONDITION/DATA_DIR_NOT_EMPTY: "));
  EXPECT_THAT(refused.err, HasSubstr("notes.txt"));
  std::vector<fs::path> there;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) there.push_back(entry.path());
  EXPECT_THAT(there, ElementsAre(foreign));
  EXPECT_EQ(ReadFile(foreign), "mine");
  // Without it the same command succeeds.
  fs::remove(foreign);
  EXPECT_EQ(RunLamppost({"snapshot", "restore", file, "--data-dir", directory, "--id", "A"}).exit_code, 0);
}

}  // namespace
}  // namespace lamppost::testing
