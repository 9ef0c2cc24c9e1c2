#include "services/rpc/metrics/rpc_families.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/metrics/families_text.h"

namespace lamppost::rpc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

EngineFacts Facts() {
  EngineFacts facts;
  facts.functions = {{"add", 1, 16, 2, 256}, {"sleep", 0, 8, 0, 9}};
  facts.counts.Started("add");
  facts.counts.Started("gone");  // its manifest has been removed since
  Outcome outcome;
  outcome.kind = Outcome::Kind::kError;
  outcome.elapsed_ms = 1500;
  facts.counts.Ended("add", outcome);
  facts.counts.joined = 3;
  facts.counts.found = 4;
  facts.counts.replayed = 5;
  facts.load.records = 6;
  return facts;
}

TEST(RpcFamiliesTest, RunsAndOutcomesAreToldByFunction) {
  const EngineFacts facts = Facts();
  const std::string text = TextOf(RpcFamilies(&facts, {}));
  EXPECT_THAT(text, HasSubstr("lamppost_rpc_runs_started_total{function=\"add\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_rpc_runs_started_total{function=\"gone\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_rpc_outcomes_total{function=\"add\",outcome=\"error\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_rpc_outcomes_total{function=\"sleep\",outcome=\"unknown\"} 0\n"))
      << "there before it happens";
  EXPECT_THAT(text, HasSubstr("lamppost_rpc_run_seconds_total{function=\"add\"} 1.5\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_rpc_running{function=\"add\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_rpc_waiting_max{function=\"sleep\"} 9\n"));
}

TEST(RpcFamiliesTest, RetriesAreToldByWhatTheyMet) {
  const EngineFacts facts = Facts();
  const std::string text = TextOf(RpcFamilies(&facts, {}));
  EXPECT_THAT(text, HasSubstr("lamppost_rpc_retries_total{met=\"joined\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_rpc_retries_total{met=\"recorded\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_rpc_replays_total 5\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_rpc_records 6\n"));
}

TEST(RpcFamiliesTest, WithoutTheDriverTheRestIsTold) {
  RpcServerFacts server;
  server.store_is_up = true;
  const std::string text = TextOf(RpcFamilies(nullptr, server));
  EXPECT_THAT(text, HasSubstr("lamppost_driver_up 0\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_rpc_store_up 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("lamppost_rpc_runs_started_total")));
}

TEST(RpcFamiliesTest, EachFamilyHasItsOwnNameAndAHelpText) {
  const EngineFacts facts = Facts();
  std::set<std::string> names;
  for (const prometheus::MetricFamily& family : RpcFamilies(&facts, {})) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_THAT(family.help, testing::EndsWith(".")) << family.name;
    const bool is_counter = family.type == prometheus::MetricType::Counter;
    EXPECT_EQ(is_counter, family.name.rfind("_total") == family.name.size() - 6) << family.name;
  }
}

}  // namespace
}  // namespace lamppost::rpc
