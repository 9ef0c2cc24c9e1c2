// What real nodes tell Prometheus: after known traffic the numbers are known, too.
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/metrics_page.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/process.h"
#include "tests/integration/testing/scrape.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MetricsTest : public ::testing::Test {
 protected:
  void Start(const std::vector<std::string>& ids, Links links = Links::kDirect) {
    ClusterOptions options;
    options.ids = ids;
    options.links = links;
    options.flags = {"--metrics-port", "0"};
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
    ASSERT_OK(cluster_->WaitConverged());
  }

  Metrics Of(const std::string& id) {
    const absl::StatusOr<Metrics> metrics = Scrape(MetricsPortIn(cluster_->node(id)->Log()));
    EXPECT_OK(metrics.status());
    return metrics.ok() ? *metrics : Metrics();
  }
  absl::Status Await(const std::string& id, const std::string& series, double value) {
    return WaitFor(absl::StrCat(series, " to be ", value), absl::Seconds(30),
                   [&] { return Of(id).Has(series) && Of(id)[series] == value; });
  }
  static std::string Requests(const std::string& method, const std::string& code) {
    return absl::StrCat("lamppost_requests_total{service=\"lamppost.kv.v1.KvService\",method=\"", method,
                        "\",code=\"", code, "\"}");
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(MetricsTest, WhatIsServedIsWhatThePageLists) {
  Start({"A", "B"});
  ExpectAsListed(Of("A"), "lamppost-kv");
}

TEST_F(MetricsTest, KnownTrafficGivesKnownNumbers) {
  Start({"A"});
  KvClient* const client = cluster_->client("A");
  for (int i = 0; i < 5; ++i) ASSERT_OK(client->Put(absl::StrCat("k", i), "v").status());
  for (int i = 0; i < 3; ++i) ASSERT_OK(client->Get("k1").status());
  ASSERT_OK(client->Delete("k0").status());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(absl::IsInvalidArgument(client->Get("").status()));
  const Metrics metrics = Of("A");
  EXPECT_EQ(metrics[Requests("Put", "OK")], 5);
  EXPECT_EQ(metrics[Requests("Get", "OK")], 3);
  EXPECT_EQ(metrics[Requests("Delete", "OK")], 1);
  EXPECT_EQ(metrics[Requests("Get", "INVALID_ARGUMENT")], 2);
  EXPECT_EQ(metrics["lamppost_request_seconds_count{service=\"lamppost.kv.v1.KvService\",method=\"Get\"}"],
            5);
  EXPECT_EQ(metrics["lamppost_requests_under_way{service=\"lamppost.kv.v1.KvService\",method=\"Put\"}"], 0);
  EXPECT_EQ(metrics["lamppost_kv_keys"], 4);
  EXPECT_EQ(metrics["lamppost_kv_commit_writes_sum"], 6);
  EXPECT_GE(metrics["lamppost_kv_commit_seconds_count"], 6);
  EXPECT_GT(metrics["lamppost_kv_commit_seconds_sum"], 0);
  EXPECT_EQ(metrics["lamppost_driver_up"], 1);
  EXPECT_EQ(metrics["lamppost_kv_state{state=\"serving\"}"], 1);
  EXPECT_EQ(metrics["lamppost_kv_queued_writes"], 0);
  EXPECT_GT(metrics["lamppost_kv_disk_free_bytes"], 0);
  EXPECT_GT(metrics["lamppost_kv_rocksdb_memtable_bytes"], 0);
  EXPECT_GT(metrics["process_resident_memory_bytes"], 0);
}

TEST_F(MetricsTest, ACutPeerFallsBehindAndCatchesUp) {
  Start({"A", "B"}, Links::kProxied);
  cluster_->SetBoth("A", "B", LinkProxy::Mode::kCut);
  ASSERT_OK(Await("A", "lamppost_kv_peer_state{peer=\"B\",state=\"down\"}", 1));
  for (int i = 0; i < 7; ++i) ASSERT_OK(cluster_->client("A")->Put(absl::StrCat("k", i), "v").status());
  ASSERT_OK(cluster_->client("A")->Put("k0", "again").status());
  EXPECT_EQ(Of("A")["lamppost_kv_peer_lag_entries{peer=\"B\"}"], 7) << "keys, not writes";
  EXPECT_GE(Of("A")["lamppost_kv_peer_lag_counters{peer=\"B\"}"], 8);
  EXPECT_GT(Of("A")["lamppost_kv_stable_held_up_by{node=\"B\"}"], 0);
  ASSERT_OK(WaitFor("the lag to grow", absl::Seconds(30), [&] {
    const Metrics metrics = Of("A");
    return metrics["lamppost_kv_peer_lag_seconds{peer=\"B\"}"] > 1 &&
           metrics["lamppost_kv_stable_lag_seconds"] > 1;
  }));
  EXPECT_EQ(Of("A")["lamppost_kv_converged"], 0);
  cluster_->SetBoth("A", "B", LinkProxy::Mode::kOpen);
  ASSERT_OK(cluster_->WaitConverged());
  ASSERT_OK(Await("A", "lamppost_kv_peer_lag_seconds{peer=\"B\"}", 0));
  ASSERT_OK(Await("A", "lamppost_kv_stable_lag_seconds", 0));
  const Metrics metrics = Of("A");
  EXPECT_EQ(metrics["lamppost_kv_peer_lag_entries{peer=\"B\"}"], 0);
  EXPECT_EQ(metrics["lamppost_kv_peer_state{peer=\"B\",state=\"live\"}"], 1);
  EXPECT_GT(metrics["lamppost_kv_catch_up_sent_bytes_total{peer=\"B\"}"], 0);
  EXPECT_EQ(Of("B")["lamppost_kv_keys"], 7);
}

TEST_F(MetricsTest, AConflictIsCountedAndListedAsOpen) {
  Start({"A", "B"}, Links::kProxied);
  cluster_->SetBoth("A", "B", LinkProxy::Mode::kCut);
  for (const char* id : {"A", "B"}) ASSERT_OK(cluster_->client(id)->Put("x", id).status());
  EXPECT_EQ(Of("A")["lamppost_kv_conflicts_total"] + Of("B")["lamppost_kv_conflicts_total"], 0);
  cluster_->SetBoth("A", "B", LinkProxy::Mode::kOpen);
  ASSERT_OK(cluster_->WaitConverged());
  for (const char* id : {"A", "B"}) {
    ASSERT_OK(Await(id, "lamppost_kv_ledger_open", 1));
    EXPECT_EQ(Of(id)["lamppost_kv_ledger_entries"], 1) << id;
  }
  EXPECT_GE(Of("A")["lamppost_kv_conflicts_total"] + Of("B")["lamppost_kv_conflicts_total"], 1);
}

TEST_F(MetricsTest, AStoppedNodeDoesNotWaitForItsMetrics) {
  Start({"A"});
  Of("A");
  const absl::Time began = absl::Now();
  EXPECT_EQ(cluster_->node("A")->Stop().value(), 0);
  EXPECT_LT(absl::Now() - began, absl::Seconds(2));
}

Finished RunNode(const std::string& data, const std::vector<std::string>& flags) {
  ProcessOptions options;
  options.command = {kNodeProgram, "--id", "A", "--port", "0", "--data-dir", data};
  options.command.insert(options.command.end(), flags.begin(), flags.end());
  return RunToEnd(options, absl::Seconds(20));
}

TEST(MetricsStart, APortThatIsTakenIsNamedAndLeavesNothingBehind) {
  int port = 0;
  const int listener = ListenOnLoopback(&port);
  const std::string data = NewTestPath("data");
  const Finished taken = RunNode(data, {"--metrics-port", absl::StrCat(port)});
  EXPECT_EQ(taken.exit_code, 1);
  EXPECT_THAT(taken.err, HasSubstr("PORT_IN_USE"));
  EXPECT_THAT(taken.err, HasSubstr(absl::StrCat("port ", port)));
  EXPECT_FALSE(std::filesystem::exists(data));
  close(listener);
}

TEST(MetricsStart, NoneAreServedUnlessAskedFor) {
  ClusterOptions options;
  options.ids = {"A"};
  Cluster cluster(options);
  ASSERT_OK(cluster.StartAll());
  EXPECT_THAT(cluster.node("A")->Log(), Not(HasSubstr("metrics")));
}

}  // namespace
}  // namespace lamppost::testing
