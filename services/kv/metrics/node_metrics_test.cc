// The collector over a real driver, whose thread can be made to stand still.
#include "services/kv/metrics/node_metrics.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/metrics/families_text.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::kv {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class NoPeers : public Outbox {
 public:
  void Send(PeerIndex, SyncMessage) override {}
  void SendAnswer(const OutgoingAnswer&) override {}
  void Poll(uint64_t) override {}
};

class Waiter : public WriteWaiter {
 public:
  void Done(const absl::StatusOr<WriteResult>& result) override {
    EXPECT_TRUE(result.ok()) << result.status();
    done.Notify();
  }
  absl::Notification done;
};

class NodeMetricsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ReplicaOptions options;
    options.node_id = "A";
    options.cluster = "test";
    options.boot_id = 1;
    auto replica = Replica::Open(options, &storage_);
    ASSERT_TRUE(replica.ok()) << replica.status();
    replica_ = *std::move(replica);
    driver_ = std::make_unique<Driver>(DriverOptions(), replica_.get(), &storage_, &outbox_);
    NodeMetricsParts parts;
    parts.driver = driver_.get();
    parts.store = &storage_;
    parts.lag = &lag_;
    parts.status = [](const Replica& of, v1::StatusResponse* status) { status->set_keys(of.state().keys); };
    parts.rocksdb = [] { return RocksDbFacts(); };
    parts.services = [](ServerFacts* facts) { facts->watches = 5; };
    NodeMetricsOptions metrics_options;
    metrics_options.patience = absl::Milliseconds(200);
    metrics_ = std::make_unique<NodeMetrics>(std::move(parts), metrics_options);
    ASSERT_TRUE(driver_->Start().ok());
  }
  void TearDown() override { driver_->Stop(); }

  void Put(const std::string& key) {
    Proposal proposal;
    proposal.operations.push_back({key, Value{Value::Kind::kText, "v"}});
    Waiter waiter;
    driver_->Propose(std::move(proposal), 2, &waiter);
    ASSERT_TRUE(waiter.done.WaitForNotificationWithTimeout(absl::Seconds(20)));
  }
  std::string Text() const { return TextOf(metrics_->Collect()); }

  MemoryStorage storage_;
  NoPeers outbox_;
  LagWatch lag_;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<Driver> driver_;
  std::unique_ptr<NodeMetrics> metrics_;
};

TEST_F(NodeMetricsTest, WritesAndCommitsAreCounted) {
  for (const char* key : {"a", "b", "a"}) Put(key);
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("lamppost_driver_up 1\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_keys 2\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_commit_writes_sum 3\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_commit_writes_count 3\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_queued_writes 0\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_queued_writes_max 20000\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_watches 5\n"));
  EXPECT_THAT(text, Not(HasSubstr("lamppost_kv_commit_seconds_count 0\n")));
  EXPECT_THAT(text, Not(HasSubstr("lamppost_kv_committed_bytes_total 0\n")));
}

TEST_F(NodeMetricsTest, AStuckDriverIsSaidToBeAndTheRestIsTold) {
  absl::Notification stuck;
  absl::Notification release;
  driver_->Post([&](Replica*) {
    stuck.Notify();
    release.WaitForNotification();
  });
  stuck.WaitForNotification();
  const absl::Time began = absl::Now();
  const std::string text = Text();
  EXPECT_LT(absl::Now() - began, absl::Seconds(2));
  EXPECT_THAT(text, HasSubstr("lamppost_driver_up 0\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_watches 5\n"));
  EXPECT_THAT(text, Not(HasSubstr("lamppost_kv_keys")));
  release.Notify();
  // What it still owes is given, and it is asked anew.
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (Text().find("lamppost_driver_up 1\n") == std::string::npos && absl::Now() < deadline) {
  }
  EXPECT_THAT(Text(), HasSubstr("lamppost_driver_up 1\n"));
}

}  // namespace
}  // namespace lamppost::kv
