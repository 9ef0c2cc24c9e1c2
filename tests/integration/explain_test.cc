// explain against real nodes: where a key's version came from, and who has it.
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
using ::testing::HasSubstr;
using ::testing::SizeIs;

class Explain : public ::testing::Test {
 protected:
  void SetUp() override {
    ClusterOptions options;
    options.links = Links::kProxied;
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
    ASSERT_OK(cluster_->WaitConverged());
  }

  Finished RunAt(const std::string& id, std::vector<std::string> words) {
    words.insert(words.begin(), {"--node", cluster_->node(id)->address()});
    return RunLamppost(words);
  }

  json Ask(const std::string& id, const std::string& key, int exit_code = 0) {
    const Finished asked = RunAt(id, {"explain", key, "-o", "json"});
    EXPECT_EQ(asked.exit_code, exit_code) << asked.err;
    return json::parse(asked.out);
  }

  bool IsStable(const std::string& id, const std::string& key) { return Ask(id, key).value("stable", false); }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(Explain, HowItCameAndWhoHasIt) {
  ASSERT_OK(cluster_->client("A")->Put("x", "10").status());
  ASSERT_OK(cluster_->WaitText("B", "x", "10", absl::Seconds(20)));
  EXPECT_EQ(Ask("A", "x")["arrival"]["way"], "written");
  const json at_b = Ask("B", "x");
  EXPECT_EQ(at_b["arrival"]["way"], "live");
  EXPECT_EQ(at_b["arrival"]["from"], "A");
  EXPECT_EQ(at_b["current"]["version"]["node_id"], "A");
  ASSERT_OK(WaitFor("it is stable", absl::Seconds(20), [&] { return IsStable("B", "x"); }));
  EXPECT_THAT(RunAt("B", {"explain", "x"}).out, HasSubstr("all 3 members have it on disk"));
}

TEST_F(Explain, WhoIsWaitedForAndThenGetsIt) {
  EXPECT_EQ(cluster_->node("C")->Stop().value(), 0);
  ASSERT_OK(cluster_->client("A")->Put("x", "10").status());
  ASSERT_OK(cluster_->WaitText("B", "x", "10", absl::Seconds(20)));
  const json waiting = Ask("A", "x");
  EXPECT_EQ(waiting["stable"], false);
  ASSERT_THAT(waiting["held_up_by"], ::testing::Not(SizeIs(0)));
  ASSERT_OK(cluster_->node("C")->Start());
  ASSERT_OK(cluster_->WaitConverged());
  EXPECT_EQ(Ask("C", "x")["arrival"]["way"], "catch_up");
  ASSERT_OK(WaitFor("it is stable", absl::Seconds(20), [&] { return IsStable("A", "x"); }));
}

TEST_F(Explain, WhatItWonAgainst) {
  cluster_->SetBoth("A", "B", LinkProxy::Mode::kCut);
  cluster_->SetBoth("A", "C", LinkProxy::Mode::kCut);
  ASSERT_OK(cluster_->client("A")->Put("x", "from A").status());
  ASSERT_OK(cluster_->client("B")->Put("x", "from B").status());
  cluster_->SetBoth("A", "B", LinkProxy::Mode::kOpen);
  cluster_->SetBoth("A", "C", LinkProxy::Mode::kOpen);
  ASSERT_OK(cluster_->WaitConverged());
  const json won = Ask("C", "x");
  ASSERT_THAT(won["rivals"], SizeIs(1));
  EXPECT_EQ(won["rivals"][0]["winner"]["version"], won["current"]["version"]);
  EXPECT_NE(won["rivals"][0]["loser"]["value"], won["current"]["value"]);
}

TEST_F(Explain, WhatIsNotThere) {
  EXPECT_TRUE(Ask("A", "never", 1)["current"].is_null());
  ASSERT_OK(cluster_->client("A")->Put("x", "10").status());
  EXPECT_EQ(cluster_->node("C")->Stop().value(), 0);
  ASSERT_OK(cluster_->client("A")->Delete("x").status());
  const json deleted = Ask("A", "x", 1);
  EXPECT_EQ(deleted["current"]["deleted"], true) << "it is kept for C";
  EXPECT_EQ(RunAt("A", {"explain"}).exit_code, 2);
  const Finished empty = RunAt("A", {"explain", ""});
  EXPECT_EQ(empty.exit_code, 3);
  EXPECT_THAT(empty.err, HasSubstr("KEY_EMPTY"));
}

}  // namespace
}  // namespace lamppost::testing
