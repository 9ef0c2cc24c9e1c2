// The member commands of lamppost against real nodes: exit codes, and what the members' lists say afterwards.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/lamppost_command.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A terminal at which this has been typed.
class Terminal {
 public:
  explicit Terminal(const std::string& typed) : master_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    if (master_ < 0 || grantpt(master_) != 0 || unlockpt(master_) != 0) return;
    path_ = ptsname(master_);
    slave_ = open(path_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);  // held, so that nothing typed is dropped
    works_ = slave_ >= 0 && write(master_, typed.data(), typed.size()) == static_cast<ssize_t>(typed.size());
  }
  ~Terminal() {
    if (slave_ >= 0) close(slave_);
    if (master_ >= 0) close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // Not everywhere there are terminals to be had.
  bool works() const { return works_; }
  const std::string& path() const { return path_; }

 private:
  const int master_;
  int slave_ = -1;
  std::string path_;
  bool works_ = false;
};

class CliMember : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(cluster_.StartAll());
    ASSERT_OK(cluster_.WaitConverged());
  }

  Finished RunAt(const std::string& id, std::vector<std::string> words, const std::string& input_path = "") {
    words.insert(words.begin(), {"--node", cluster_.node(id)->address()});
    CommandSurroundings surroundings;
    surroundings.input_path = input_path;
    return RunLamppost(words, surroundings);
  }
  // "A seed self, B member at http://…, …": as `member list` at that node has it, but for the times.
  std::string ListAt(const std::string& id) {
    const Finished listed = RunAt(id, {"member", "list", "-o", "json"});
    EXPECT_EQ(listed.exit_code, 0) << listed.err;
    if (listed.exit_code != 0) return "";
    const json list = json::parse(listed.out);
    std::vector<std::string> members;
    for (const json& member : list.at("members")) {
      const std::string place =
          member.at("self") ? " self" : absl::StrCat(" at ", member.at("address").get<std::string>());
      members.push_back(absl::StrCat(member.at("node_id").get<std::string>(), " ",
                                     member.at("state").get<std::string>(), place));
    }
    return absl::StrJoin(members, ", ");
  }
  absl::Status AwaitListed(const std::string& id, const std::string& member) {
    return WaitFor(absl::StrCat(id, " to list ", member, ", not ", ListAt(id)), absl::Seconds(15),
                   [&] { return ListAt(id).find(member) != std::string::npos; });
  }

  // Joins a fourth node, D, by `member add` at A.
  void JoinFourth() {
    NodeOptions options;
    options.id = "D";
    options.port = ReservePort().value();
    options.data_directory = NewTestPath("D");
    fourth_ = std::make_unique<Node>(std::move(options));
    std::vector<std::string> peers;
    for (const std::string& id : cluster_.ids()) peers.push_back("http://" + cluster_.node(id)->address());
    fourth_->set_peers(peers);
    ASSERT_OK(fourth_->Launch());
    ASSERT_OK(WaitFor("D to answer", absl::Seconds(15), [&] { return fourth_->client()->Status().ok(); }));
    const std::string address = "http://" + fourth_->address();
    const Finished added = RunAt("A", {"member", "add", address});
    ASSERT_EQ(added.exit_code, 0) << added.err;
    EXPECT_EQ(added.out, absl::StrCat("OK D at ", address, " is a member\n"));
    for (const std::string& id : cluster_.ids()) ASSERT_OK(AwaitListed(id, "D member at " + address));
  }

  Cluster cluster_{{}};
  std::unique_ptr<Node> fourth_;
};

TEST_F(CliMember, WhatIsRefusedChangesNoList) {
  const std::string before_a = ListAt("A");
  const std::string before_b = ListAt("B");
  EXPECT_THAT(before_a, StartsWith("A seed self, B seed at http://"));
  const auto expect_refused = [&](const std::vector<std::string>& words, const std::string& code,
                                  const std::string& reason) {
    SCOPED_TRACE(absl::StrJoin(words, " "));
    const Finished refused = RunAt("A", words);
    EXPECT_EQ(refused.exit_code, 3);
    EXPECT_EQ(refused.out, "");
    EXPECT_THAT(refused.err, StartsWith(absl::StrCat("lamppost: failed: ", code, "/", reason, ": ")));
    std::vector<std::string> as_json = words;
    as_json.insert(as_json.end(), {"-o", "json"});
    const Finished told = RunAt("A", as_json);
    ASSERT_EQ(told.exit_code, 3) << told.out;
    EXPECT_EQ(told.out, "");
    const json error = json::parse(told.err).at("error");
    EXPECT_EQ(error.at("code"), code);
    EXPECT_EQ(error.at("reason"), reason);
    EXPECT_EQ(error.at("outcome"), "failed");
    EXPECT_EQ(ListAt("A"), before_a);
    EXPECT_EQ(ListAt("B"), before_b);
  };
  expect_refused({"member", "remove", "A", "--yes"}, "INVALID_ARGUMENT", "MEMBER_IS_SELF");
  expect_refused({"member", "remove", "A", "--yes", "--force"}, "INVALID_ARGUMENT", "MEMBER_IS_SELF");
  expect_refused({"member", "remove", "B", "--yes"}, "FAILED_PRECONDITION", "MEMBER_IS_LIVE");
  expect_refused({"member", "remove", "X", "--yes"}, "NOT_FOUND", "MEMBER_UNKNOWN");
  expect_refused({"member", "remove", "X", "--yes", "--force"}, "NOT_FOUND", "MEMBER_UNKNOWN");
  expect_refused({"member", "remove", "no name", "--yes"}, "INVALID_ARGUMENT", "NODE_ID_INVALID");
  expect_refused({"member", "add", "nonsense"}, "INVALID_ARGUMENT", "ADDRESS_INVALID");
  expect_refused({"member", "add", "http://127.0.0.1:99999", "--id", "D"}, "INVALID_ARGUMENT",
                 "ADDRESS_INVALID");
  expect_refused({"member", "add", cluster_.node("B")->address()}, "ALREADY_EXISTS", "MEMBER_EXISTS");
}

TEST_F(CliMember, WithoutYesOrATerminalNobodyIsRemoved) {
  const std::string before = ListAt("A");
  EXPECT_THAT(before, HasSubstr("B seed"));
  const Finished refused = RunAt("A", {"member", "remove", "B", "--force"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_EQ(refused.out, "");
  EXPECT_THAT(refused.err, HasSubstr("--yes"));
  EXPECT_EQ(ListAt("A"), before);
}

TEST_F(CliMember, AFourthNodeIsAddedAndRemoved) {
  ASSERT_OK(cluster_.client("A")->Put("x", "1").status());
  ASSERT_NO_FATAL_FAILURE(JoinFourth());
  ASSERT_OK(fourth_->WaitServing());
  EXPECT_OK(WaitFor("D to have x", absl::Seconds(15), [&] { return fourth_->client()->Text("x") == "1"; }));
  ASSERT_OK(WaitFor("B to hear from D", absl::Seconds(15),
                    [&] { return cluster_.PeerOf("B", "D").state() == kv::v1::PEER_STATE_LIVE; }));

  const Finished live = RunAt("B", {"member", "remove", "D", "--yes"});
  EXPECT_EQ(live.exit_code, 3);
  EXPECT_THAT(live.err, HasSubstr("MEMBER_IS_LIVE"));
  const Finished removed = RunAt("B", {"member", "remove", "D", "--yes", "--force"});
  EXPECT_EQ(removed.exit_code, 0) << removed.err;
  EXPECT_EQ(removed.out, "OK D is removed\n");
  EXPECT_EQ(removed.err, "");
  for (const std::string& id : cluster_.ids()) EXPECT_OK(AwaitListed(id, "D removed"));
  EXPECT_EQ(RunAt("B", {"member", "list", "-o", "raw"}).out, "A\nB\nC\n");
  EXPECT_EQ(RunAt("B", {"member", "remove", "D", "--yes"}).exit_code, 0) << "once more is the same";
  EXPECT_OK(WaitFor("D to know", absl::Seconds(10), [&] { return fourth_->client()->Status()->removed(); }));
}

TEST_F(CliMember, ATerminalIsAskedForTheId) {
  ASSERT_NO_FATAL_FAILURE(JoinFourth());
  const Terminal wrong("C\n");
  const Terminal right("D\n");
  if (!wrong.works() || !right.works()) GTEST_SKIP() << "there are no terminals here";
  const Finished refused = RunAt("A", {"member", "remove", "D", "--force"}, wrong.path());
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("Type its id to go on: "));
  EXPECT_THAT(refused.err, HasSubstr("nothing was removed"));
  EXPECT_THAT(ListAt("A"), HasSubstr("D member"));
  const Finished removed = RunAt("A", {"member", "remove", "D", "--force"}, right.path());
  EXPECT_EQ(removed.exit_code, 0) << removed.err;
  EXPECT_EQ(removed.out, "OK D is removed\n");
  EXPECT_OK(AwaitListed("A", "D removed"));
}

}  // namespace
}  // namespace lamppost::testing
