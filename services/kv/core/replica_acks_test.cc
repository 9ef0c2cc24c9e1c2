// Writes that wait for other members, and writes of clients that have seen something elsewhere.
#include <map>
#include <string>

#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/kv/core/testing/cluster.h"
#include "services/kv/core/testing/store_audit.h"

namespace lamppost::kv {
namespace {

using testing::Cluster;
using testing::CrashPoint;
using testing::FullMesh;
using testing::Packet;

class Replies : public testing::Observer {
 public:
  void OnCommitted(testing::NodeIndex, const Output& output, CrashPoint) override {
    for (const Reply& reply : output.replies) by_id.insert_or_assign(reply.id, reply.result);
  }
  void OnReceived(testing::NodeIndex, const Packet&) override {}

  bool Has(ProposalId id) const { return by_id.count(id) > 0; }

  std::map<ProposalId, absl::StatusOr<WriteResult>> by_id;
};

testing::Tuning Synchronous(size_t held_replies_max) {
  testing::Tuning tuning;
  tuning.stability = Stability::kAtEachCommit;
  tuning.held_replies_max = held_replies_max;
  return tuning;
}

class ReplicaAcksTest : public ::testing::Test {
 protected:
  explicit ReplicaAcksTest(const testing::Tuning& tuning = Synchronous(100))
      : cluster_(FullMesh({"A", "B", "C"}), tuning, &replies_) {
    for (testing::NodeIndex node = 0; node < 3; ++node) EXPECT_TRUE(cluster_.Start(node).ok());
    Settle();
  }

  // Delivers what is on its way, without heartbeats.
  void Deliver() {
    while (!cluster_.wire().empty()) {
      const Packet packet = cluster_.wire().front();
      cluster_.wire().pop_front();
      cluster_.Receive(packet.to, {packet});
    }
  }
  void Settle() {
    for (int round = 0; round < 20; ++round) {
      Deliver();
      cluster_.Advance(250);
      for (testing::NodeIndex node = 0; node < 3; ++node) cluster_.RunUntilIdle(node);
    }
    Deliver();
  }
  void Isolate(testing::NodeIndex node) {
    for (testing::NodeIndex other = 0; other < 3; ++other) {
      if (other == node) continue;
      cluster_.Cut(node, other);
      cluster_.Cut(other, node);
    }
  }

  static Proposal Put(ProposalId id, const std::string& key, size_t replicas) {
    Proposal proposal;
    proposal.id = id;
    proposal.operations.push_back({key, Value{Value::Kind::kText, "v"}});
    proposal.replicas = replicas;
    return proposal;
  }
  void Propose(testing::NodeIndex node, const Proposal& proposal) {
    cluster_.Run(node, [&](Replica* replica) { replica->Propose(proposal); });
  }

  Replies replies_;
  Cluster cluster_;
};

class OneAtATimeTest : public ReplicaAcksTest {
 protected:
  OneAtATimeTest() : ReplicaAcksTest(Synchronous(1)) {}
};

class AtFlushesTest : public ReplicaAcksTest {
 protected:
  AtFlushesTest() : ReplicaAcksTest(testing::Tuning()) {}
};

TEST_F(ReplicaAcksTest, AReplyWaitsUntilSoManyMembersHoldTheWrite) {
  Isolate(2);
  Propose(0, Put(1, "x", 2));
  EXPECT_FALSE(replies_.Has(1));
  Propose(0, Put(2, "y", 3));
  Deliver();  // to B and back: no heartbeat is needed
  ASSERT_TRUE(replies_.Has(1));
  EXPECT_EQ(replies_.by_id.at(1)->replicas, 2u);
  EXPECT_FALSE(replies_.Has(2));
  cluster_.MendAll();
  cluster_.Disconnect(0, 2);
  cluster_.Disconnect(1, 2);
  cluster_.Connect();
  Settle();
  ASSERT_TRUE(replies_.Has(2));
  EXPECT_EQ(replies_.by_id.at(2)->replicas, 3u);
}

TEST_F(ReplicaAcksTest, WithOneReplicaNobodyIsWaitedFor) {
  Isolate(0);
  Propose(0, Put(1, "x", 1));
  ASSERT_TRUE(replies_.Has(1));
  EXPECT_EQ(replies_.by_id.at(1)->replicas, 1u);
}

TEST_F(ReplicaAcksTest, MoreThanThereAreMembersIsRefusedAndNothingIsWritten) {
  const uint64_t before = cluster_.replica(0).state().max_write;
  Propose(0, Put(1, "x", 4));
  ASSERT_TRUE(replies_.Has(1));
  EXPECT_EQ(replies_.by_id.at(1).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(replies_.by_id.at(1).status()), "REPLICAS_TOO_MANY");
  EXPECT_EQ(cluster_.replica(0).state().max_write, before);
}

TEST_F(ReplicaAcksTest, WhenItsTimeIsUpAWriteStandsAndTheReplySaysHowFarItHasCome) {
  Isolate(2);
  Proposal proposal = Put(1, "x", 3);
  proposal.replicas_until_ms = cluster_.now_ms() + 100;
  Propose(0, proposal);
  Deliver();
  EXPECT_FALSE(replies_.Has(1));
  cluster_.Advance(100);
  cluster_.RunUntilIdle(0);
  ASSERT_TRUE(replies_.Has(1));
  const absl::Status& status = replies_.by_id.at(1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ErrorReason(status), "REPLICAS_PENDING");
  EXPECT_EQ(ErrorMetadata(status)["have"], "2");
  EXPECT_EQ(ErrorMetadata(status)["wanted"], "3");
  const Origin me = cluster_.replica(0).me();
  EXPECT_EQ(ErrorMetadata(status)["version"],
            std::to_string(cluster_.replica(0).state().max_write) + "/A/" + std::to_string(me.incarnation));
  EXPECT_EQ(cluster_.replica(0).state().keys, 1u);
}

TEST_F(ReplicaAcksTest, AnEndTellsAllThatWait) {
  Isolate(0);
  Propose(0, Put(1, "x", 2));
  EXPECT_FALSE(replies_.Has(1));
  cluster_.Run(0, [](Replica* replica) { replica->EndReplicaWaits(); });
  ASSERT_TRUE(replies_.Has(1));
  EXPECT_EQ(ErrorReason(replies_.by_id.at(1).status()), "REPLICAS_PENDING");
}

TEST_F(ReplicaAcksTest, AReplayedWriteWaitsForTheFirstAttemptsVersion) {
  Isolate(0);
  Proposal proposal = Put(1, "x", 1);
  proposal.request_id = "once";
  Propose(0, proposal);
  ASSERT_TRUE(replies_.Has(1));
  proposal.id = 2;
  proposal.replicas = 3;
  Propose(0, proposal);
  EXPECT_FALSE(replies_.Has(2));
  cluster_.MendAll();
  for (testing::NodeIndex other = 1; other < 3; ++other) cluster_.Disconnect(0, other);
  cluster_.Connect();
  Settle();
  ASSERT_TRUE(replies_.Has(2));
  EXPECT_TRUE(replies_.by_id.at(2)->replayed);
  EXPECT_EQ(replies_.by_id.at(2)->version, replies_.by_id.at(1)->version);
}

TEST_F(OneAtATimeTest, TheNumberOfThoseThatWaitIsBounded) {
  Isolate(0);
  Propose(0, Put(1, "x", 2));
  const uint64_t before = cluster_.replica(0).state().max_write;
  Propose(0, Put(2, "y", 2));
  ASSERT_TRUE(replies_.Has(2));
  EXPECT_EQ(replies_.by_id.at(2).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(cluster_.replica(0).state().max_write, before);
  Propose(0, Put(3, "z", 1));
  EXPECT_TRUE(replies_.by_id.at(3).ok());
}

// Each group of these is followed by a flush, but the answer to a message leaves before the flush of its
// group is known of.
TEST_F(AtFlushesTest, OnlyWhatIsFlushedCounts) {
  Propose(0, Put(1, "x", 2));
  Deliver();
  EXPECT_FALSE(replies_.Has(1));
  Settle();
  ASSERT_TRUE(replies_.Has(1));
  EXPECT_GE(replies_.by_id.at(1)->replicas, 2u);
}

// B's write is here only at B; a client that has seen it there goes on at A.
TEST_F(ReplicaAcksTest, WhatTheSessionHasSeenIsSeenByTheWrite) {
  Isolate(1);
  Propose(1, Put(1, "x", 1));
  const Timestamp first = replies_.by_id.at(1)->version;
  Proposal second = Put(2, "x", 1);
  second.session = {{first.origin, first.counter}};
  Propose(0, Put(3, "warm", 1));  // A's clock is above B's by now, as the server would see to
  while (cluster_.replica(0).state().max_write <= first.counter) Propose(0, Put(3, "warm", 1));
  Propose(0, second);
  cluster_.MendAll();
  for (testing::NodeIndex other : {0, 2}) cluster_.Disconnect(1, other);
  cluster_.Connect();
  Settle();
  for (testing::NodeIndex node = 0; node < 3; ++node)
    EXPECT_EQ(cluster_.replica(node).conflicts(), 0u) << node;
}

// Each write has seen what it replaces, and so what earlier sessions have made up.
TEST_F(ReplicaAcksTest, SessionsTogetherCannotMakeRecordsGrowWithoutBound) {
  for (uint64_t i = 0; i < 200; ++i) {
    Proposal proposal = Put(i + 1, "x", 1);
    for (uint64_t life = 1; life <= 50; ++life) proposal.session.Raise({"B", (50 * i + life + 7) << 32}, 1);
    Propose(0, proposal);
  }
  const auto contents = testing::Dump(cluster_.disk(0), testing::Tombstones::kIncluded);
  EXPECT_LE(contents.at("x").seen.lags().size(), 64u + 3u);
}

TEST_F(ReplicaAcksTest, ASessionCannotMakeRecordsGrowWithoutBound) {
  Proposal proposal = Put(1, "x", 1);
  for (uint64_t life = 1; life <= 500; ++life) {
    proposal.session.Raise({"stranger", life << 32}, 1);
    proposal.session.Raise({"B", (life + 7) << 32}, 1);
  }
  Propose(0, proposal);
  const auto bytes = cluster_.disk(0).Get(Space::kData, "x");
  ASSERT_TRUE(bytes.ok() && *bytes);
  const absl::StatusOr<Version> version = DecodeVersion(**bytes);
  ASSERT_TRUE(version.ok());
  EXPECT_LE(version->seen.lags().size(), 64u + 3u);
  for (const auto& [origin, lag] : version->seen.lags()) EXPECT_NE(origin.node_id, "stranger");
}

}  // namespace
}  // namespace lamppost::kv
