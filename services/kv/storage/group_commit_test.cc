#include "services/kv/storage/group_commit.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::kv {
namespace {

// Notes how durable each commit was, and how far the replica's clock could go while it was under way.
class RecordingStorage : public MemoryStorage {
 public:
  struct Seen {
    Durability durability;
    uint64_t clock_limit;
  };

  absl::Status Commit(const WriteBatch& batch, Durability durability) override {
    commits.push_back({durability, replica->clock()->limit()});
    return MemoryStorage::Commit(batch, durability);
  }

  Replica* replica = nullptr;
  std::vector<Seen> commits;
};

class GroupCommitTest : public testing::Test {
 protected:
  void Open(Durability durability) {
    commit_.reset();
    ReplicaOptions options;
    options.node_id = "A";
    options.cluster = "test";
    absl::StatusOr<std::unique_ptr<Replica>> replica = Replica::Open(options, &storage_);
    ASSERT_TRUE(replica.ok()) << replica.status();
    replica_ = *std::move(replica);
    storage_.replica = replica_.get();
    commit_ = std::make_unique<GroupCommit>(replica_.get(), &storage_, durability);
  }

  // The first groups: counters become available, then the life is decided.
  void Settle() {
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(RunGroup().ok());
    storage_.commits.clear();
  }

  absl::Status RunGroup() {
    replica_->Begin(++now_ms_, 0);
    return commit_->Commit(replica_->TakeOutput());
  }

  absl::Status Write() {
    replica_->Begin(++now_ms_, 0);
    replica_->Propose({1, {{"x", Value{Value::Kind::kText, "1"}}}, ""});
    return commit_->Commit(replica_->TakeOutput());
  }

  RecordingStorage storage_;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<GroupCommit> commit_;
  uint64_t now_ms_ = 1000;
};

TEST_F(GroupCommitTest, TheReplicaIsToldOnlyAfterTheCommit) {
  Open(Durability::kSync);
  ASSERT_TRUE(RunGroup().ok());
  ASSERT_EQ(storage_.commits.size(), 1u);
  EXPECT_EQ(storage_.commits[0].clock_limit, 0u);
  EXPECT_GE(replica_->clock()->limit(), LamportClock::kBlock);
}

TEST_F(GroupCommitTest, WhatIsCommittedSynchronouslyIsFlushed) {
  Open(Durability::kSync);
  Settle();
  ASSERT_TRUE(Write().ok());
  EXPECT_EQ(storage_.commits.back().durability, Durability::kSync);
  EXPECT_GT(replica_->heads().At(replica_->me()), 0u);
  EXPECT_EQ(replica_->durable_heads(), replica_->heads());
}

TEST_F(GroupCommitTest, AtIntervalsOnlyWhatWasCommittedWhenTheFlushBeganIsFlushed) {
  Open(Durability::kInterval);
  Settle();
  ASSERT_TRUE(Write().ok());
  EXPECT_EQ(storage_.commits.back().durability, Durability::kInterval);
  EXPECT_NE(replica_->durable_heads(), replica_->heads());
  const Heads covered = commit_->committed_heads();
  EXPECT_EQ(covered, replica_->heads());
  ASSERT_TRUE(Write().ok());
  commit_->Flushed(covered);
  EXPECT_EQ(replica_->durable_heads(), covered);
  EXPECT_NE(replica_->durable_heads(), replica_->heads());
}

TEST_F(GroupCommitTest, TheHeadsOfAGroupThatIsNotCommittedAreNotCoveredByAFlush) {
  Open(Durability::kInterval);
  Settle();
  const Heads before = commit_->committed_heads();
  replica_->Begin(++now_ms_, 0);
  replica_->Propose({1, {{"x", Value{Value::Kind::kText, "1"}}}, ""});
  EXPECT_NE(replica_->heads(), before);
  EXPECT_EQ(commit_->committed_heads(), before);
}

// Else a power failure within the interval would let the next start issue the same counters again.
TEST_F(GroupCommitTest, ReservationsAndLivesAreSynchronousInEitherMode) {
  Open(Durability::kInterval);
  ASSERT_TRUE(RunGroup().ok());
  ASSERT_TRUE(RunGroup().ok());
  ASSERT_TRUE(replica_->IsLifeDecided());
  ASSERT_EQ(storage_.commits.size(), 2u);
  EXPECT_EQ(storage_.commits[0].durability, Durability::kSync) << "the first counters";
  EXPECT_EQ(storage_.commits[1].durability, Durability::kSync) << "the first life";
  EXPECT_EQ(replica_->durable_heads(), replica_->heads());

  ASSERT_TRUE(Write().ok());
  EXPECT_EQ(storage_.commits.back().durability, Durability::kInterval);
  replica_->Begin(++now_ms_, 0);
  replica_->ReserveClock(uint64_t{1} << 30);
  ASSERT_TRUE(commit_->Commit(replica_->TakeOutput()).ok());
  EXPECT_EQ(storage_.commits.back().durability, Durability::kSync) << "a further reservation";
  EXPECT_LT(storage_.commits.back().clock_limit, uint64_t{1} << 30);
  EXPECT_EQ(replica_->durable_heads(), replica_->heads()) << "it takes what came before along";
}

TEST_F(GroupCommitTest, AfterAFailedCommitTheReplicaIsNotTold) {
  for (const Durability durability : {Durability::kSync, Durability::kInterval}) {
    Open(durability);
    Settle();
    const Heads durable = replica_->durable_heads();
    const Heads committed = commit_->committed_heads();
    const uint64_t limit = replica_->clock()->limit();
    storage_.FailNextCommits(absl::UnavailableError("no disk"));
    replica_->Begin(++now_ms_, 0);
    replica_->ReserveClock(limit + LamportClock::kBlock);
    replica_->Propose({1, {{"x", Value{Value::Kind::kText, "1"}}}, ""});
    EXPECT_EQ(commit_->Commit(replica_->TakeOutput()), absl::UnavailableError("no disk"));
    EXPECT_EQ(replica_->clock()->limit(), limit);
    EXPECT_EQ(replica_->durable_heads(), durable);
    EXPECT_EQ(commit_->committed_heads(), committed);
    storage_.ClearFailure();
  }
}

TEST_F(GroupCommitTest, AGroupThatChangedNothingCostsNoCommit) {
  Open(Durability::kSync);
  Settle();
  ASSERT_TRUE(RunGroup().ok());
  EXPECT_TRUE(storage_.commits.empty());
}

}  // namespace
}  // namespace lamppost::kv
