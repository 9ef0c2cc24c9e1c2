// The conflicts commands of lamppost against real nodes.
#include <memory>
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

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

class CliConflict : public ::testing::Test {
 protected:
  void SetUp() override {
    ClusterOptions options;
    options.ids = {"A", "B"};
    options.links = Links::kProxied;
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
    ASSERT_OK(cluster_->WaitConverged());
  }

  void Disagree(const std::string& key) {
    cluster_->SetBoth("A", "B", LinkProxy::Mode::kCut);
    ASSERT_OK(cluster_->client("A")->Put(key, "from A").status());
    ASSERT_OK(cluster_->client("B")->Put(key, "from B").status());
    cluster_->SetBoth("A", "B", LinkProxy::Mode::kOpen);
    ASSERT_OK(cluster_->WaitConverged());
  }

  Finished RunAt(const std::string& id, std::vector<std::string> words) {
    words.insert(words.begin(), {"--node", cluster_->node(id)->address()});
    return RunLamppost(words);
  }

  json Listed(const std::string& id, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"conflicts", "-o", "json"};
    words.insert(words.end(), more.begin(), more.end());
    const Finished list = RunAt(id, words);
    EXPECT_EQ(list.exit_code, 0) << list.err;
    return json::parse(list.out);
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(CliConflict, ShowsAndSettles) {
  EXPECT_EQ(RunAt("A", {"conflicts", "x"}).out, "no conflicts\n");
  Disagree("x");
  Disagree("y");
  const json list = Listed("A");
  ASSERT_THAT(list["conflicts"], SizeIs(2));
  EXPECT_EQ(list, Listed("B"));
  EXPECT_THAT(RunAt("B", {"conflicts"}).out, AllOf(StartsWith("KEY"), HasSubstr("open")));
  const std::string loser = list["conflicts"][0]["loser"]["value"];
  EXPECT_THAT(RunAt("B", {"conflicts", "x"}).out, AllOf(StartsWith("x  found "), HasSubstr("\n  lost  "),
                                                        HasSubstr("had seen"), HasSubstr(" won\n")));
  const Finished resolved = RunAt("B", {"conflicts", "resolve", "x", "--keep", "loser"});
  EXPECT_EQ(resolved.exit_code, 0) << resolved.err;
  EXPECT_THAT(resolved.out, AllOf(StartsWith("OK "), HasSubstr(", 1 conflict resolved\n")));
  EXPECT_EQ(RunAt("B", {"get", "x"}).out, loser + "\n");
  EXPECT_THAT(Listed("B", {"--open"})["conflicts"], SizeIs(1));
  EXPECT_EQ(Listed("B", {"x"})["conflicts"][0]["resolution"], "loser");
  EXPECT_EQ(RunAt("B", {"conflicts", "resolve", "y", "--keep", "agreed"}).exit_code, 0);
  EXPECT_EQ(RunAt("B", {"get", "y"}).out, "agreed\n");
}

TEST_F(CliConflict, OneOfSeveralByItsVersion) {
  Disagree("x");
  Disagree("x");
  const Finished ambiguous = RunAt("A", {"conflicts", "resolve", "x", "--keep", "loser"});
  EXPECT_EQ(ambiguous.exit_code, 3);
  EXPECT_THAT(ambiguous.err, HasSubstr("FAILED_PRECONDITION/CONFLICT_AMBIGUOUS"));
  const std::string raw = RunAt("A", {"conflicts", "-o", "raw"}).out;
  const size_t tab = raw.find('\t');
  const std::string loser = raw.substr(tab + 1, raw.find('\t', tab + 1) - tab - 1);
  const Finished one =
      RunAt("A", {"conflicts", "resolve", "x", "--keep", "loser", "--loser", loser, "-o", "json"});
  ASSERT_EQ(one.exit_code, 0) << one.err;
  EXPECT_EQ(json::parse(one.out)["resolved"], 1);
  EXPECT_THAT(Listed("A", {"--open"})["conflicts"], SizeIs(1));
  const Finished rest = RunAt("A", {"conflicts", "resolve", "x", "--keep", "winner", "-o", "json"});
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_THAT(Listed("A", {"--open"})["conflicts"], SizeIs(0));
}

TEST_F(CliConflict, WatchesThem) {
  const Finished wrong = RunAt("A", {"conflicts", "--watch", "--open"});
  EXPECT_EQ(wrong.exit_code, 2);
  Disagree("x");
  const Finished watched = RunAt("A", {"conflicts", "--watch", "--timeout", "1s"});
  EXPECT_EQ(watched.exit_code, 0) << watched.err;
  EXPECT_EQ(watched.out, "") << "it begins with what comes";
}

TEST_F(CliConflict, Mistakes) {
  const Finished unknown = RunAt("A", {"conflicts", "resolve", "x", "--keep", "winner"});
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_THAT(unknown.err, HasSubstr("NOT_FOUND/CONFLICT_UNKNOWN"));
  EXPECT_EQ(RunAt("A", {"conflicts", "resolve", "x"}).exit_code, 2) << "what is to be kept?";
  EXPECT_EQ(RunAt("A", {"conflicts", "resolve", "--keep", "loser"}).exit_code, 2);
  EXPECT_EQ(RunAt("A", {"conflicts", "x", "y"}).exit_code, 2);
  const Finished loser = RunAt("A", {"conflicts", "resolve", "x", "--keep", "loser", "--loser", "7@Z.1"});
  EXPECT_EQ(loser.exit_code, 3);
  EXPECT_THAT(loser.err, HasSubstr("CONFLICT_UNKNOWN"));
}

}  // namespace
}  // namespace lamppost::testing
