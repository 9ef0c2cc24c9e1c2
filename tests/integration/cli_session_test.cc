// dump and snapshot save of the lamppost command with --session: nothing older than what was seen, at
// whatever node.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/lamppost_command.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

class CliSession : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(cluster_.StartAll());
    ASSERT_OK(cluster_.client("A")->Put("x", "before").status());
    ASSERT_OK(cluster_.WaitConverged());
  }

  Finished RunAt(const std::vector<std::string>& ids, std::vector<std::string> words) {
    std::string nodes;
    for (const std::string& id : ids) {
      absl::StrAppend(&nodes, nodes.empty() ? "" : ",", cluster_.node(id)->address());
    }
    words.insert(words.begin(), {"--node", nodes});
    return RunLamppost(words);
  }
  void SetLinksOfB(LinkProxy::Mode mode) {
    cluster_.SetBoth("A", "B", mode);
    cluster_.SetBoth("C", "B", mode);
  }
  // Written at A, and not yet at B.
  void WriteBehindTheBackOfB() {
    SetLinksOfB(LinkProxy::Mode::kCut);
    ASSERT_EQ(RunAt({"A"}, {"put", "x", "after", "--session", session_}).exit_code, 0);
  }
  static std::string ReasonIn(const Finished& finished) {
    return json::parse(finished.err).at("error").at("reason").get<std::string>();
  }

  static ClusterOptions Proxied() {
    ClusterOptions options;
    options.links = Links::kProxied;
    return options;
  }
  Cluster cluster_{Proxied()};
  const std::string session_ = NewTestPath("session");
  const std::string file_ = NewTestPath("file");
};

TEST_F(CliSession, ADumpIsNotOlderThanWhatWasSeen) {
  ASSERT_NO_FATAL_FAILURE(WriteBehindTheBackOfB());
  EXPECT_THAT(RunAt({"B"}, {"dump", "-"}).out, HasSubstr("before"));
  const Finished behind =
      RunAt({"B"}, {"dump", file_, "--session", session_, "--timeout", "1s", "-o", "json"});
  ASSERT_EQ(behind.exit_code, 3) << behind.out;
  EXPECT_EQ(ReasonIn(behind), "SESSION_AHEAD") << behind.err;
  EXPECT_FALSE(fs::exists(file_));
  // The next node has it.
  const Finished dumped =
      RunAt({"B", "A"}, {"dump", "-", "--session", session_, "--attempt-timeout", "300ms"});
  EXPECT_EQ(dumped.exit_code, 0) << dumped.err;
  EXPECT_EQ(dumped.out, "{\"key\":\"x\",\"value\":\"after\"}\n");
  SetLinksOfB(LinkProxy::Mode::kOpen);
  EXPECT_EQ(RunAt({"B"}, {"dump", "-", "--session", session_}).out, dumped.out);
}

TEST_F(CliSession, WhatADumpHasShownIsSeen) {
  ASSERT_NO_FATAL_FAILURE(WriteBehindTheBackOfB());
  const std::string seen = NewTestPath("seen");
  ASSERT_EQ(RunAt({"A"}, {"dump", file_, "--session", seen}).exit_code, 0);
  const Finished got = RunAt({"B"}, {"get", "x", "--session", seen, "--timeout", "1s", "-o", "json"});
  ASSERT_EQ(got.exit_code, 3) << got.out;
  EXPECT_EQ(ReasonIn(got), "SESSION_AHEAD") << got.err;
}

TEST_F(CliSession, ASnapshotIsNotOlderThanWhatWasSeen) {
  ASSERT_NO_FATAL_FAILURE(WriteBehindTheBackOfB());
  const Finished behind =
      RunAt({"B"}, {"snapshot", "save", file_, "--session", session_, "--timeout", "1s", "-o", "json"});
  ASSERT_EQ(behind.exit_code, 3) << behind.out;
  EXPECT_EQ(ReasonIn(behind), "SESSION_AHEAD") << behind.err;
  EXPECT_FALSE(fs::exists(file_));
  const Finished saved = RunAt({"B", "A"}, {"snapshot", "save", file_, "--session", session_,
                                            "--attempt-timeout", "300ms", "-o", "json"});
  ASSERT_EQ(saved.exit_code, 0) << saved.err;
  EXPECT_EQ(json::parse(saved.out).at("node_id"), "A");
  SetLinksOfB(LinkProxy::Mode::kOpen);
  const Finished later = RunAt({"B"}, {"snapshot", "save", file_, "--session", session_, "-o", "json"});
  ASSERT_EQ(later.exit_code, 0) << later.err;
  EXPECT_EQ(json::parse(later.out).at("content_hash"), json::parse(saved.out).at("content_hash"));
}

TEST_F(CliSession, AFileThatIsNoSessionIsUsageAndNothingIsMade) {
  const std::string other = cluster_.node("A")->data_directory();
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"dump", file_}, {"snapshot", "save", file_}}) {
    std::vector<std::string> with_session = words;
    with_session.insert(with_session.end(), {"--session", other});
    const Finished refused = RunAt({"A"}, with_session);
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, HasSubstr(other));
    EXPECT_FALSE(fs::exists(file_));
  }
}

}  // namespace
}  // namespace lamppost::testing
