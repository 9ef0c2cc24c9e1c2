// What a function server tells Prometheus: after known calls the numbers are known, too.
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/integration/rpc/testing/functions_directory.h"
#include "tests/integration/rpc/testing/rpc_server.h"
#include "tests/integration/testing/metrics_page.h"
#include "tests/integration/testing/scrape.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

class MetricsTest : public ::testing::Test {
 protected:
  MetricsTest() {
    functions_.AddShell("fails", "exit 3");
    functions_.AddShell("long", "sleep 60");
  }

  Metrics Scraped() {
    const absl::StatusOr<Metrics> metrics = Scrape(MetricsPortIn(server_.Log()));
    EXPECT_OK(metrics.status());
    return metrics.ok() ? *metrics : Metrics();
  }
  std::string Add(const std::string& id) {
    const auto answer = server_.client()->Call(id, "add", R"({"a":1,"b":2})");
    return answer.ok() ? TextOf(answer->outcome()) : answer.status().ToString();
  }
  static std::string Outcomes(const std::string& function, const std::string& outcome) {
    return absl::StrCat("lamppost_rpc_outcomes_total{function=\"", function, "\",outcome=\"", outcome, "\"}");
  }

  FunctionsDirectory functions_;
  RpcServer server_{{"--functions-dir", functions_.path(), "--metrics-port", "0"}};
};

TEST_F(MetricsTest, WhatIsServedIsWhatThePageLists) {
  ASSERT_OK(server_.Start());
  ExpectAsListed(Scraped(), "lamppost-rpc");
}

TEST_F(MetricsTest, KnownCallsGiveKnownNumbers) {
  ASSERT_OK(server_.Start());
  EXPECT_EQ(Scraped()[Outcomes("fails", "error")], 0);
  const std::string first = NewRequestId();
  for (const std::string& id : {first, NewRequestId(), NewRequestId()}) EXPECT_EQ(Add(id), "3");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Add(first), "3");  // answered from its record
  ASSERT_OK(server_.client()->Call(NewRequestId(), "fails", "{}").status());
  EXPECT_TRUE(absl::IsNotFound(server_.client()->Call(NewRequestId(), "nonsense", "{}").status()));
  const Metrics metrics = Scraped();
  EXPECT_EQ(metrics["lamppost_rpc_runs_started_total{function=\"add\"}"], 3);
  EXPECT_EQ(metrics[Outcomes("add", "result")], 3);
  EXPECT_EQ(metrics[Outcomes("fails", "error")], 1);
  EXPECT_EQ(metrics[Outcomes("fails", "unknown")], 0);
  EXPECT_EQ(metrics["lamppost_rpc_retries_total{met=\"recorded\"}"], 2);
  EXPECT_EQ(metrics["lamppost_rpc_retries_total{met=\"joined\"}"], 0);
  EXPECT_EQ(metrics["lamppost_rpc_replays_total"], 2);
  EXPECT_EQ(metrics["lamppost_rpc_records"], 4);
  EXPECT_EQ(metrics["lamppost_rpc_store_up"], 1);
  EXPECT_EQ(metrics["lamppost_driver_up"], 1);
  const std::string calls =
      "lamppost_requests_total{service=\"lamppost.rpc.v1.FunctionService\",method=\"Call\",code=";
  EXPECT_EQ(metrics[calls + "\"OK\"}"], 6);
  EXPECT_EQ(metrics[calls + "\"NOT_FOUND\"}"], 1);
}

TEST_F(MetricsTest, ACallThatJoinsAnotherIsARetry) {
  ASSERT_OK(server_.Start());
  const std::string id = NewRequestId();
  std::thread first([&] { EXPECT_OK(server_.client()->Call(id, "sleep", R"({"ms":1000})").status()); });
  EXPECT_OK(WaitFor("the run", absl::Seconds(10),
                    [&] { return Scraped()["lamppost_rpc_running{function=\"sleep\"}"] == 1; }));
  EXPECT_EQ(Scraped()["lamppost_rpc_requests"], 1);
  EXPECT_OK(server_.client()->Call(id, "sleep", R"({"ms":1000})").status());
  first.join();
  const Metrics metrics = Scraped();
  EXPECT_EQ(metrics["lamppost_rpc_retries_total{met=\"joined\"}"], 1);
  EXPECT_EQ(metrics["lamppost_rpc_replays_total"], 1);
  EXPECT_EQ(metrics["lamppost_rpc_runs_started_total{function=\"sleep\"}"], 1);
  EXPECT_GE(metrics["lamppost_rpc_run_seconds_total{function=\"sleep\"}"], 1);
  EXPECT_EQ(metrics["lamppost_rpc_requests"], 0);
}

TEST_F(MetricsTest, AnOutcomeThatNobodyKnowsIsCounted) {
  ASSERT_OK(server_.Start());
  const std::string id = NewRequestId();
  std::thread cut([&] { EXPECT_FALSE(server_.client()->Call(id, "long", "{}").ok()); });
  EXPECT_OK(WaitFor("the run", absl::Seconds(10),
                    [&] { return Scraped()["lamppost_rpc_running{function=\"long\"}"] == 1; }));
  server_.Kill();
  cut.join();
  ASSERT_OK(server_.Start());
  EXPECT_EQ(Scraped()[Outcomes("long", "unknown")], 0);
  const auto after = server_.client()->Call(id, "long", "{}");
  ASSERT_OK(after.status());
  EXPECT_EQ(TextOf(after->outcome()).substr(0, 7), "unknown");
  EXPECT_EQ(Scraped()[Outcomes("long", "unknown")], 1);
}

}  // namespace
}  // namespace lamppost::testing
