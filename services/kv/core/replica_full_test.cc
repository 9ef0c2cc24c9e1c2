// What a replica does with a full Sync and a repair that no honest peer sends, or that come late.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/kv/core/replica.h"
#include "services/kv/core/testing/replica_fixture.h"

namespace lamppost::kv {
namespace {

using testing::Dump;
using testing::Packet;
using testing::ReplicaTest;
using testing::Tombstones;

// What B would send A if A had to get everything.
class FullSyncTest : public ReplicaTest {
 protected:
  // Puts keys into A's store that it has had in another life of B's.
  void Fill(int keys) {
    for (int i = 0; i < keys; i += 1000) {
      cluster_.Run(0, [&](Replica* replica) {
        Proposal proposal;
        for (int j = i; j < std::min(keys, i + 1000); ++j) {
          proposal.operations.push_back({absl::StrCat("k", 100000 + j), Value{Value::Kind::kText, "v"}});
        }
        replica->Propose(std::move(proposal));
      });
    }
    Settle();
  }

  SyncMessage Everything() const {
    SyncMessage message = Honest();
    message.from = Heads();
    message.to = cluster_.replica(0).heads();
    message.full = KeyRange();
    message.forgotten = {{cluster_.replica(0).me(), 1}};
    message.last = true;
    message.sequence = 1000;
    return message;
  }

  Refusal Take(const SyncMessage& message) {
    cluster_.Receive(0, {Packet{1, 0, cluster_.LinkOf(1, 0), message}});
    return recorder_.last_answer.refusal;
  }
};

TEST_F(FullSyncTest, DropsWhatWasNotSentAndIsCovered) {
  Fill(10);
  const SyncMessage message = Everything();
  EXPECT_EQ(Take(message), Refusal::kNone);
  const auto contents = Dump(cluster_.disk(0), Tombstones::kIncluded);
  ASSERT_EQ(contents.size(), 1u);
  EXPECT_EQ(contents.begin()->first, "x");
  EXPECT_TRUE(message.forgotten.IsCoveredBy(cluster_.replica(0).state().forgotten));
  EXPECT_EQ(testing::Audit(cluster_.disk(0)), "");
}

TEST_F(FullSyncTest, MoreThanOneMessageMayDropIsDroppedWhenItComesAgain) {
  Fill(25000);
  const Heads heads = cluster_.replica(0).heads();
  SyncMessage message = Everything();
  message.to.Raise(message.clock.origin, message.clock.counter - 1);
  EXPECT_EQ(Take(message), Refusal::kBusy);
  const uint64_t left = cluster_.replica(0).state().keys;
  EXPECT_LT(left, 25000u);
  EXPECT_GT(left, 10000u) << "a batch is bounded";
  EXPECT_EQ(cluster_.replica(0).heads(), heads) << "it is not complete";
  EXPECT_EQ(Take(message), Refusal::kBusy);
  EXPECT_EQ(Take(message), Refusal::kNone);
  EXPECT_EQ(cluster_.replica(0).state().keys, 1u);
  EXPECT_TRUE(cluster_.replica(0).heads().Covers(message.entries->front().version.timestamp));
  EXPECT_EQ(testing::Audit(cluster_.disk(0)), "");
}

TEST_F(FullSyncTest, RefusesRangesThatContradictThemselves) {
  const auto refused = [this](const std::function<void(SyncMessage*)>& change) {
    SyncMessage message = Everything();
    change(&message);
    return Take(message);
  };
  EXPECT_EQ(refused([](SyncMessage* message) { message->full->start = "y"; }), Refusal::kInvalid);
  EXPECT_EQ(refused([](SyncMessage* message) { message->full->end = "z"; }), Refusal::kInvalid);
  EXPECT_EQ(refused([](SyncMessage* message) { message->last = false; }), Refusal::kInvalid);
  EXPECT_EQ(refused([](SyncMessage* message) {
              message->forgotten.Raise(message->clock.origin, message->clock.counter + 1);
            }),
            Refusal::kInvalid);
  EXPECT_EQ(refused([](SyncMessage* message) {
              message->entries = std::make_shared<std::vector<KeyedVersion>>(2, message->entries->front());
            }),
            Refusal::kInvalid);
  EXPECT_TRUE(cluster_.replica(0).state().forgotten.empty());
}

// Messages whose senders had not heard of the deletion that has been forgotten here meanwhile.
class LateMessageTest : public ReplicaTest {
 protected:
  void Write(std::optional<Value> value) {
    cluster_.Run(0, [&](Replica* replica) {
      Proposal proposal;
      proposal.operations.push_back({"x", std::move(value)});
      replica->Propose(std::move(proposal));
    });
    Settle();
  }
  Refusal Take(const SyncMessage& message) {
    cluster_.Receive(0, {Packet{1, 0, cluster_.LinkOf(1, 0), message}});
    return recorder_.last_answer.refusal;
  }
};

// A part of what C once sent B alone: no heads cover it.
TEST_F(LateMessageTest, APartBringsNothingBack) {
  SyncMessage late = Honest();
  late.from = Heads();
  late.to = cluster_.replica(1).heads();
  late.progress = 1;
  late.last = false;
  Change(&late, [](KeyedVersion* entry) { entry->version.timestamp = {1, {"C", uint64_t{1} << 32 | 1}}; });
  ASSERT_EQ(Take(late), Refusal::kNone);
  ASSERT_EQ(Dump(cluster_.disk(0), Tombstones::kIncluded).count("x"), 1u) << "in time it is taken in";
  Write(std::nullopt);
  ASSERT_FALSE(cluster_.replica(0).state().forgotten.empty());
  ASSERT_TRUE(Dump(cluster_.disk(0), Tombstones::kIncluded).empty());
  ++late.sequence;
  EXPECT_EQ(Take(late), Refusal::kBusy);
  EXPECT_TRUE(Dump(cluster_.disk(0), Tombstones::kIncluded).empty());
}

TEST_F(LateMessageTest, ARepairBringsNothingBack) {
  Write(Value{Value::Kind::kText, "old"});
  SyncMessage repair = Honest();
  repair.from = cluster_.replica(1).heads();
  repair.to = Heads();
  repair.repair_buckets = UINT64_MAX;
  const Version old = Dump(cluster_.disk(1), Tombstones::kIncluded).at("x");
  Change(&repair, [&](KeyedVersion* entry) { entry->version = old; });
  Write(std::nullopt);
  ASSERT_FALSE(cluster_.replica(0).state().forgotten.empty());
  EXPECT_EQ(Take(repair), Refusal::kNone);
  EXPECT_TRUE(Dump(cluster_.disk(0), Tombstones::kIncluded).empty());
}

}  // namespace
}  // namespace lamppost::kv
