// Writes that are acknowledged once several nodes have them, on real processes.
#include <optional>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/common/listen_address.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

namespace v1 = kv::v1;

v1::PutRequest Put(const std::string& key, const std::string& text, uint32_t replicas) {
  v1::PutRequest request;
  request.set_key(key);
  request.mutable_value()->set_text(text);
  request.set_replicas(replicas);
  return request;
}

class ReplicasTest : public ::testing::Test {
 protected:
  absl::StatusOr<v1::PutResponse> PutWithin(absl::Duration timeout, const v1::PutRequest& request) {
    return KvClient(cluster_.node("A")->address(), timeout).Put(request);
  }

  // Without any mercy: what is not on their disks is not there.
  void KillOthers() {
    cluster_.node("B")->Kill();
    cluster_.node("C")->Kill();
  }

  Cluster cluster_{{}};
};

TEST_F(ReplicasTest, TwoOfThreeHaveItWhenItIsAcknowledgedAndSurviveItsOrigin) {
  ASSERT_OK(cluster_.StartAll());
  for (int i = 0; i < 50; ++i) {
    const auto put = cluster_.client("A")->Put(Put(absl::StrCat("k", i), "1", 2));
    ASSERT_OK(put.status());
    EXPECT_GE(put->replicas(), 2u);
  }
  cluster_.node("A")->Kill();
  cluster_.node("A")->WipeDisk();  // for good
  // Whichever of the others had them, relays them.
  for (const char* id : {"B", "C"}) EXPECT_OK(cluster_.WaitText(id, "k49", "1", absl::Seconds(20)));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(cluster_.client("B")->Text(absl::StrCat("k", i)), "1") << i;
}

TEST_F(ReplicasTest, WithOneNodeDownTwoAreEnough) {
  ASSERT_OK(cluster_.StartAll());
  cluster_.node("C")->Kill();
  const auto put = cluster_.client("A")->Put(Put("x", "1", 2));
  ASSERT_OK(put.status());
  EXPECT_EQ(put->replicas(), 2u);
  v1::WriteRequest batch = Batch({{"y", "1"}, {"z", "1"}});
  batch.set_replicas(2);
  EXPECT_OK(cluster_.client("A")->Write(batch).status());
  v1::DeleteRequest deletion;
  deletion.set_key("y");
  deletion.set_replicas(2);
  EXPECT_OK(cluster_.client("A")->Delete(deletion).status());
  EXPECT_EQ(cluster_.client("B")->Text("z"), "1");
}

TEST_F(ReplicasTest, WithTwoNodesDownTheDeadlineTellsHowManyHaveItAndTheWriteStands) {
  ASSERT_OK(cluster_.StartAll());
  KillOthers();
  const absl::Time begun = absl::Now();
  v1::PutRequest request = Put("x", "1", 2);
  request.set_request_id("once");
  const absl::Status pending = PutWithin(absl::Seconds(2), request).status();
  EXPECT_LT(absl::Now() - begun, absl::Seconds(2));
  EXPECT_EQ(pending.code(), absl::StatusCode::kDeadlineExceeded) << pending;
  EXPECT_EQ(ReasonOf(pending), "REPLICAS_PENDING");
  auto metadata = ErrorMetadata(pending);
  EXPECT_EQ(metadata["have"], "1");
  EXPECT_EQ(metadata["wanted"], "2");
  const auto got = cluster_.client("A")->Get("x");
  ASSERT_OK(got.status());
  EXPECT_EQ(got->value().text(), "1");
  EXPECT_EQ(metadata["version"], absl::StrCat(got->version().counter(), "/A/", got->version().incarnation()));
  // Asked again under its id it waits again, and is done when somebody is back.
  absl::StatusOr<v1::PutResponse> again;
  std::thread retry([&] { again = PutWithin(absl::Seconds(60), request); });
  ASSERT_OK(cluster_.node("B")->Start());
  retry.join();
  ASSERT_OK(again.status());
  EXPECT_TRUE(again->replayed());
  EXPECT_EQ(again->version().counter(), got->version().counter());
  EXPECT_GE(again->replicas(), 2u);
}

TEST_F(ReplicasTest, MoreThanThereAreMembersIsRefusedAndNothingIsWritten) {
  ASSERT_OK(cluster_.StartAll());
  const v1::StatusResponse before = cluster_.client("A")->Status().value();
  for (const uint32_t replicas : {4u, 4000000000u}) {
    const absl::Status refused = cluster_.client("A")->Put(Put("x", "1", replicas)).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << refused;
    EXPECT_EQ(ReasonOf(refused), "REPLICAS_TOO_MANY");
  }
  v1::DeleteRequest deletion;
  deletion.set_key("x");
  deletion.set_replicas(4);
  EXPECT_EQ(ReasonOf(cluster_.client("A")->Delete(deletion).status()), "REPLICAS_TOO_MANY");
  v1::WriteRequest batch = Batch({{"y", "1"}});
  batch.set_replicas(4);
  EXPECT_EQ(ReasonOf(cluster_.client("A")->Write(batch).status()), "REPLICAS_TOO_MANY");
  const v1::StatusResponse after = cluster_.client("A")->Status().value();
  EXPECT_EQ(after.content_hash(), before.content_hash());
  EXPECT_EQ(after.keys(), 0u);
  EXPECT_EQ(after.tombstones(), 0u);
}

TEST_F(ReplicasTest, TheClientReportsItAsDoneHereAndNotYetThere) {
  ASSERT_OK(cluster_.StartAll());
  KillOthers();
  client::ClientOptions options;
  options.nodes = {*ParseAddress(cluster_.node("A")->address())};
  options.retry.attempt_timeout_ms = 500;
  client::Client client(options);
  client::CallOptions call;
  call.replicas = 3;
  call.timeout_ms = 2000;
  const auto put = client.Put("x", client::TextValue("1"), call);
  EXPECT_EQ(put.outcome, client::Outcome::kPending);
  EXPECT_EQ(ReasonOf(put.status), "REPLICAS_PENDING") << put.status;
  EXPECT_EQ(cluster_.client("A")->Text("x"), "1");
}

TEST_F(ReplicasTest, TheEndOfANodeTellsThoseThatWait) {
  ASSERT_OK(cluster_.StartAll());
  KillOthers();
  absl::Status told;
  std::thread writer([&] { told = PutWithin(absl::Seconds(60), Put("x", "1", 2)).status(); });
  ASSERT_OK(WaitFor("the write", absl::Seconds(10), [&] { return cluster_.client("A")->Text("x") == "1"; }));
  EXPECT_EQ(cluster_.node("A")->Stop().value_or(-1), 0);
  writer.join();
  EXPECT_EQ(ReasonOf(told), "REPLICAS_PENDING") << told;
}

class FlushedReplicasTest : public ReplicasTest {
 protected:
  FlushedReplicasTest() {
    for (const char* id : {"A", "B", "C"}) {
      cluster_.node(id)->flags()->insert(cluster_.node(id)->flags()->end(), {"--durability", "interval"});
    }
  }
};

TEST_F(FlushedReplicasTest, AtIntervalsItWaitsForTheFlushOfTwo) {
  ASSERT_OK(cluster_.StartAll());
  const auto put = cluster_.client("A")->Put(Put("x", "1", 2));
  ASSERT_OK(put.status());
  EXPECT_GE(put->replicas(), 2u);
}

}  // namespace
}  // namespace lamppost::testing
