// What a replica does with input that no honest peer sends, and with stores that are not its own. What
// replicas do together is in testdata/ and tests/sim.
#include "services/kv/core/replica.h"

#include <algorithm>
#include <string>

#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/kv/core/testing/replica_fixture.h"

namespace lamppost::kv {
namespace {

using testing::Cluster;
using testing::CrashPoint;
using testing::Dump;
using testing::FullMesh;
using testing::Packet;
using testing::Recorder;
using testing::ReplicaTest;
using testing::Tombstones;

TEST_F(ReplicaTest, TakesAnHonestMessage) {
  EXPECT_EQ(Sent(Honest()), Refusal::kNone);
  EXPECT_EQ(Dump(cluster_.disk(0), Tombstones::kIncluded).size(), 1u);
}

// Its key may have been deleted since, and the deletion forgotten.
TEST_F(ReplicaTest, AnEntryThatTheHeadsCoverIsSkipped) {
  SyncMessage heartbeat = Honest();
  const SyncMessage late = Honest();
  heartbeat.entries = nullptr;
  EXPECT_EQ(Sent(heartbeat), Refusal::kNone);
  EXPECT_EQ(Sent(late), Refusal::kNone);
  EXPECT_TRUE(Dump(cluster_.disk(0), Tombstones::kIncluded).empty());
  EXPECT_EQ(cluster_.replica(0).state().keys, 0u);
}

TEST_F(ReplicaTest, RefusesEntriesThatBreakALimitOrARule) {
  SyncMessage message = Honest();
  Change(&message, [](KeyedVersion* entry) { entry->key = ""; });
  EXPECT_EQ(Sent(message), Refusal::kInvalid);
  message = Honest();
  Change(&message, [](KeyedVersion* entry) { entry->key = std::string("a\0b", 3); });
  EXPECT_EQ(Sent(message), Refusal::kInvalid);
  message = Honest();
  Change(&message, [](KeyedVersion* entry) { entry->version.timestamp.counter = 0; });
  EXPECT_EQ(Sent(message), Refusal::kInvalid);
  message = Honest();
  Change(&message, [](KeyedVersion* entry) { entry->version.timestamp.counter += 2; });
  EXPECT_EQ(Sent(message), Refusal::kInvalid) << "later than the message itself";
  message = Honest();
  Change(&message, [](KeyedVersion* entry) { entry->version.timestamp.origin.node_id = "no good"; });
  EXPECT_EQ(Sent(message), Refusal::kInvalid);
  message = Honest();
  Change(&message, [](KeyedVersion* entry) { entry->version.timestamp.origin.incarnation = 0; });
  EXPECT_EQ(Sent(message), Refusal::kInvalid);
}

TEST_F(ReplicaTest, RefusesHeadsThatCannotBe) {
  SyncMessage message = Honest();
  message.to.Raise(message.clock.origin, message.clock.counter + 1);
  EXPECT_EQ(Sent(message), Refusal::kInvalid);
  message = Honest();
  message.to.Raise({"no good", 1}, 1);
  EXPECT_EQ(Sent(message), Refusal::kInvalid);
  message = Honest();
  message.to.Raise({"B", 0}, 1);
  EXPECT_EQ(Sent(message), Refusal::kInvalid);
}

// A life that is far ahead would be the last one: the number of the next would begin at zero again.
TEST_F(ReplicaTest, RefusesLivesThatCannotBe) {
  const uint64_t last = uint64_t{UINT32_MAX} << 32 | 1;
  SyncMessage message = Honest();
  message.to.Raise({"A", last}, 1);
  EXPECT_EQ(Sent(message), Refusal::kInvalid);
  message = Honest();
  message.clock.origin.incarnation = last;
  EXPECT_EQ(Sent(message), Refusal::kInvalid);
  message = Honest();
  Change(&message, [=](KeyedVersion* entry) { entry->version.timestamp.origin.incarnation = last; });
  EXPECT_EQ(Sent(message), Refusal::kInvalid);
  message = Honest();
  message.to.Raise({"C", uint64_t{1} << 52}, 1);
  EXPECT_EQ(Sent(message), Refusal::kNone) << "a million lives ahead is allowed";
}

// Names come from outside with answers, too, and go into the list of members.
TEST_F(ReplicaTest, RefusesAnswersOfNodesAndLivesThatCannotBe) {
  const uint64_t life = cluster_.replica(0).me().incarnation;
  SyncAnswer honest = recorder_.last_answer;
  honest.clock.origin = cluster_.replica(1).me();
  const auto state_after = [&](const SyncAnswer& answer) {
    cluster_.Run(0, [&](Replica* replica) {
      replica->LinkDown(0, "");
      replica->LinkUp(0);
      replica->ReceiveAnswer(0, answer);
    });
    return cluster_.replica(0).peers()[0].state;
  };
  EXPECT_EQ(state_after(honest), LinkState::kCatchingUp);
  for (const Origin& origin : {Origin{"A", uint64_t{UINT32_MAX} << 32}, Origin{"", 1}, Origin{"no good", 1},
                               Origin{std::string(33, 'x'), 1}}) {
    SyncAnswer forged = honest;
    forged.heads.Raise(origin, 1);
    EXPECT_EQ(state_after(forged), LinkState::kRefused) << origin.node_id;
    forged = honest;
    forged.clock.origin = origin;
    EXPECT_EQ(state_after(forged), LinkState::kRefused) << origin.node_id;
  }
  EXPECT_EQ(cluster_.replica(0).me().incarnation, life);
  EXPECT_EQ(cluster_.replica(0).peers()[0].node_id, "B");
}

// Of one group, a later record may say more than what has to be corrected in the one before it.
TEST_F(ReplicaTest, ACorrectionTakesBackNothingThatCameAfterIt) {
  const auto message_with = [&](const std::vector<MemberRecord>& records) {
    SyncMessage message = Honest();
    std::vector<KeyedVersion> entries;
    for (const MemberRecord& record : records) {
      KeyedVersion entry = message.entries->front();
      entry.key = MemberKey("C");
      entry.version.timestamp.counter -= records.size() - 1 - entries.size();
      entry.version.value = Value{Value::Kind::kData, EncodeMemberRecord(record)};
      entries.push_back(std::move(entry));
    }
    message.entries = std::make_shared<std::vector<KeyedVersion>>(std::move(entries));
    return message;
  };
  const MemberRecord removed{MemberState::kRemoved, "C", uint64_t{1} << 32 | 5};
  const MemberRecord added{MemberState::kMember, "C", 0};
  const MemberRecord removed_later{MemberState::kRemoved, "C", uint64_t{3} << 32 | 5};
  EXPECT_EQ(Sent(message_with({removed})), Refusal::kNone);
  EXPECT_EQ(Sent(message_with({added, removed_later})), Refusal::kNone);
  ASSERT_NE(cluster_.replica(0).RecordOf("C"), nullptr);
  EXPECT_EQ(*cluster_.replica(0).RecordOf("C"), removed_later);
  // Nor does a second correction, of two that both knew less.
  const MemberRecord added_before{MemberState::kMember, "C", uint64_t{2} << 32 | 5};
  EXPECT_EQ(Sent(message_with({added_before, added})), Refusal::kNone);
  EXPECT_EQ(cluster_.replica(0).RecordOf("C")->barred_birth, removed_later.barred_birth);
  EXPECT_EQ(cluster_.replica(0).RecordOf("C")->state, MemberState::kRemoved);
}

TEST_F(ReplicaTest, RefusesStrangers) {
  SyncMessage message = Honest();
  message.cluster = "other";
  EXPECT_EQ(Sent(message), Refusal::kClusterMismatch);
  message = Honest();
  message.clock.origin.node_id = "C";
  EXPECT_EQ(Sent(message), Refusal::kUnknownMember);
  message = Honest();
  message.clock.origin.node_id = "A";
  EXPECT_EQ(Sent(message), Refusal::kDuplicateNodeId);
  message = Honest();
  message.boot_id += 1;
  EXPECT_EQ(Sent(message), Refusal::kDuplicateNodeId) << "B is alive and is another process";
  message = Honest();
  message.clock.origin.node_id = "";
  EXPECT_EQ(Sent(message), Refusal::kInvalid);
}

TEST_F(ReplicaTest, RefusesWhatIsMeantForAnotherLifeOrDoesNotFit) {
  SyncMessage message = Honest();
  message.receiver_incarnation += 1;
  EXPECT_EQ(Sent(message), Refusal::kOtherLife);
  message = Honest();
  message.clock.origin.incarnation -= 1;
  EXPECT_EQ(Sent(message), Refusal::kFenced);
  message = Honest();
  message.from.Raise(message.clock.origin, message.clock.counter - 2);
  EXPECT_EQ(Sent(message), Refusal::kGap);
}

TEST_F(ReplicaTest, WhileWritesAreRefusedNothingIsWrittenAndReadsOfRequestsGoOn) {
  const absl::Status full = MakeError(absl::StatusCode::kResourceExhausted, "DISK_FULL", "the disk is full");
  cluster_.Run(0, [&](Replica* replica) {
    replica->Propose({1, {{"y", Value{Value::Kind::kText, "1"}}}, "r1"});
    replica->RefuseWrites(full);
  });
  EXPECT_TRUE(recorder_.last_reply.ok());
  cluster_.Run(0, [&](Replica* replica) { replica->Propose({2, {{"y", std::nullopt}}, ""}); });
  EXPECT_EQ(recorder_.last_reply.status(), full);
  cluster_.Run(0, [&](Replica* replica) {
    replica->Propose({3, {{"y", Value{Value::Kind::kText, "1"}}}, "r1"});
  });
  ASSERT_TRUE(recorder_.last_reply.ok());
  EXPECT_TRUE(recorder_.last_reply->replayed);
  cluster_.Receive(0, {Packet{1, 0, cluster_.LinkOf(1, 0), Honest()}});
  EXPECT_EQ(recorder_.last_answer.refusal, Refusal::kStorage);
  EXPECT_EQ(Dump(cluster_.disk(0), Tombstones::kIncluded).count("x"), 0u);
  cluster_.Run(0, [](Replica* replica) {
    replica->RefuseWrites(std::nullopt);
    replica->Propose({4, {{"y", std::nullopt}}, ""});
  });
  EXPECT_TRUE(recorder_.last_reply.ok());
}

// The counters below its limit were made available by a reservation; a peer's jump to just below it must
// not leave the group without any.
TEST_F(ReplicaTest, AJumpToJustBelowTheReservationIsSurvived) {
  for (uint64_t below = 0; below < 10; ++below) {
    SyncMessage greeting;
    greeting.clock = {cluster_.replica(0).state().clock_limit - below, cluster_.replica(1).me()};
    greeting.cluster = "test";
    greeting.boot_id = cluster_.replica(0).peers()[0].boot_id;
    cluster_.Receive(0, {Packet{1, 0, cluster_.LinkOf(1, 0), greeting}});
    EXPECT_GT(recorder_.last_answer.clock.counter, greeting.clock.counter);
  }
}

// A power failure that took back a reservation or a life would let the same timestamps be issued twice.
TEST(ReplicaUrgencyTest, ReservationsAndLivesMustBeStableAndNothingElse) {
  Recorder recorder;
  Cluster cluster(FullMesh({"A"}), testing::Tuning(), &recorder);
  ASSERT_TRUE(cluster.Start(0).ok());
  const auto write = [&] {
    cluster.Run(0, [](Replica* replica) {
      replica->Propose({1, {{"x", Value{Value::Kind::kText, "1"}}}, ""});
    });
  };
  for (int i = 0; i < 10; ++i) write();
  cluster.Run(0, [](Replica* replica) { replica->ReserveClock(uint64_t{1} << 30); });
  for (int i = 0; i < 10; ++i) write();
  cluster.Crash(0, testing::Notice::kAtOnce);
  ASSERT_TRUE(cluster.Start(0).ok());
  for (int i = 0; i < 10; ++i) write();
  cluster.Stop(0);

  State stable;
  int urgent = 0;
  for (const Recorder::Seen& output : recorder.outputs) {
    const State state = output.state.value_or(stable);
    const bool must_be_stable =
        state.clock_limit > stable.clock_limit || state.incarnation != stable.incarnation;
    EXPECT_EQ(output.urgency == Urgency::kMustBeStable, must_be_stable);
    urgent += must_be_stable ? 1 : 0;
    stable = state;
  }
  EXPECT_EQ(urgent, 4) << "the first group, the first life, the reservation, the start's reservation";
  EXPECT_GT(recorder.outputs.size(), 30u);
}

TEST_F(ReplicaTest, ALifeThatIsTakenLaterMustBeStable) {
  recorder_.outputs.clear();
  const uint64_t before = cluster_.replica(0).me().incarnation;
  SyncMessage message = Honest();
  message.to.Raise(cluster_.replica(0).me(), cluster_.replica(0).heads().At(cluster_.replica(0).me()) + 1);
  cluster_.Receive(0, {Packet{1, 0, cluster_.LinkOf(1, 0), message}});
  ASSERT_GT(cluster_.replica(0).me().incarnation, before);
  EXPECT_EQ(recorder_.outputs.front().urgency, Urgency::kMustBeStable);
}

// A crash in interval mode must not take back whom this node gives its writes to: its next start asks the
// members what they know of its life.
TEST_F(ReplicaTest, ANewMemberIsStableBeforeItIsGivenAnything) {
  SyncMessage message = Honest();
  Change(&message, [](KeyedVersion* entry) {
    entry->key = MemberKey("C");
    entry->version.value = Value{Value::Kind::kData, EncodeMemberRecord({MemberState::kMember, "C", 0})};
  });
  recorder_.outputs.clear();
  EXPECT_EQ(Sent(message), Refusal::kNone);
  ASSERT_EQ(cluster_.replica(0).peers().size(), 2u);
  EXPECT_EQ(recorder_.outputs.front().urgency, Urgency::kMustBeStable);
}

// It has decided to go on with its life, and then a peer turns out to have parts of what a crash took from
// it.
TEST_F(ReplicaTest, ALifeOfWhichAPeerHasLaterPartsIsGivenUp) {
  const Origin before = cluster_.replica(0).me();
  const auto& wire = cluster_.wire();
  const auto next_answer = [&] {
    return std::find_if(wire.begin(), wire.end(),
                        [](const Packet& packet) { return packet.to == 0 && packet.IsAnswer(); });
  };
  for (int round = 0; round < 20 && next_answer() == wire.end(); ++round) {
    cluster_.Advance(250);
    cluster_.RunUntilIdle(0);
    while (!wire.empty() && next_answer() != wire.begin()) {
      const Packet packet = wire.front();
      cluster_.wire().pop_front();
      cluster_.Receive(packet.to, {packet});
    }
  }
  ASSERT_NE(next_answer(), wire.end());
  Packet packet = *next_answer();
  SyncAnswer& answer = std::get<SyncAnswer>(packet.body);
  answer.pending.Raise(before, cluster_.replica(0).heads().At(before));
  cluster_.Receive(0, {packet});
  EXPECT_EQ(cluster_.replica(0).me(), before) << "no more than it has itself";
  answer.pending.Raise(before, cluster_.replica(0).heads().At(before) + 1);
  cluster_.Receive(0, {packet});
  EXPECT_GT(cluster_.replica(0).me().incarnation, before.incarnation);
}

// What a peer gets live and what it gets from the store later is the same version.
TEST_F(ReplicaTest, AWriteWithoutARequestIdHasNoTag) {
  for (int i = 0; i < 2; ++i) {
    cluster_.wire().clear();
    cluster_.Run(0, [](Replica* replica) {
      replica->Propose({1, {{"x", Value{Value::Kind::kText, "v"}}}, ""});
    });
    ASSERT_FALSE(cluster_.wire().empty());
    const SyncMessage message = std::get<SyncMessage>(cluster_.wire().back().body);
    ASSERT_TRUE(message.entries);
    const Version& sent = message.entries->front().version;
    EXPECT_EQ(sent.request, RequestTag()) << "the key was there before: " << i;
    EXPECT_EQ(sent, Dump(cluster_.disk(0), Tombstones::kIncluded).at("x"));
  }
}

// B has written nothing, and raises its head so that it holds up nobody. No session may name that: it could
// be known to B alone.
TEST_F(ReplicaTest, WrittenHeadsNameCountersOfWritesAlone) {
  cluster_.Run(0, [](Replica* replica) {
    replica->Propose({1, {{"x", Value{Value::Kind::kText, "v"}}}, ""});
  });
  Settle();
  const Origin a = cluster_.replica(0).me();
  const Origin b = cluster_.replica(1).me();
  const uint64_t write = recorder_.last_reply->version.counter;
  for (testing::NodeIndex node = 0; node < 2; ++node) {
    ASSERT_GT(cluster_.replica(node).heads().At(b), write);
    EXPECT_EQ(cluster_.replica(node).WrittenHeads(), (Heads{{a, write}}));
  }
  // What was there before a restart is not looked into.
  cluster_.Stop(0);
  ASSERT_TRUE(cluster_.Start(0).ok());
  EXPECT_TRUE((Heads{{a, write}}).IsCoveredBy(cluster_.replica(0).WrittenHeads()));
}

TEST(ReplicaOpenTest, RefusesStoresThatAreNotItsOwn) {
  Recorder recorder;
  Cluster cluster(FullMesh({"A"}), testing::Tuning(), &recorder);
  ASSERT_TRUE(cluster.Start(0).ok());
  const auto disk = cluster.CopyDisk(0);
  ReplicaOptions options;
  options.node_id = "A";
  options.cluster = "test";
  EXPECT_TRUE(Replica::Open(options, disk.get()).ok());
  options.node_id = "B";
  EXPECT_EQ(ErrorReason(Replica::Open(options, disk.get()).status()), "NODE_ID_MISMATCH");
  options.node_id = "A";
  options.cluster = "other";
  EXPECT_EQ(ErrorReason(Replica::Open(options, disk.get()).status()), "CLUSTER_MISMATCH");
}

TEST(ReplicaOpenTest, RefusesUnknownFormatsAndDamage) {
  for (const absl::string_view key : {kFormatKey, kIdentityKey, kStateKey}) {
    Recorder recorder;
    Cluster cluster(FullMesh({"A"}), testing::Tuning(), &recorder);
    ASSERT_TRUE(cluster.Start(0).ok());
    const auto disk = cluster.CopyDisk(0);
    WriteBatch batch;
    batch.Put(Space::kMeta, std::string(key), "99");
    ASSERT_TRUE(disk->Commit(batch, Durability::kSync).ok());
    ReplicaOptions options;
    options.node_id = "A";
    options.cluster = "test";
    const absl::Status status = Replica::Open(options, disk.get()).status();
    EXPECT_EQ(ErrorReason(status), key == kFormatKey ? "FORMAT_UNKNOWN" : "DATA_CORRUPT") << key;
  }
}

// Its counters would wrap around, or be issued a second time.
TEST(ReplicaOpenTest, RefusesAStateThatCannotBe) {
  Recorder recorder;
  Cluster cluster(FullMesh({"A"}), testing::Tuning(), &recorder);
  ASSERT_TRUE(cluster.Start(0).ok());
  const auto open_with = [&](const std::function<void(State*)>& change) {
    State state = cluster.replica(0).state();
    change(&state);
    const auto disk = cluster.CopyDisk(0);
    WriteBatch batch;
    batch.Put(Space::kMeta, std::string(kStateKey), EncodeState(state));
    EXPECT_TRUE(disk->Commit(batch, Durability::kSync).ok());
    ReplicaOptions options;
    options.node_id = "A";
    options.cluster = "test";
    return ErrorReason(Replica::Open(options, disk.get()).status());
  };
  EXPECT_EQ(open_with([](State* state) {}), "");
  EXPECT_EQ(open_with([](State* state) { state->clock_limit = UINT64_MAX; }), "DATA_CORRUPT");
  EXPECT_EQ(open_with([](State* state) { state->max_write = state->clock_limit + 1; }), "DATA_CORRUPT");
  EXPECT_EQ(open_with([](State* state) { state->incarnation = UINT64_MAX; }), "DATA_CORRUPT");
  EXPECT_EQ(open_with([](State* state) { state->heads.Raise({"B", UINT64_MAX}, 1); }), "DATA_CORRUPT");
  EXPECT_EQ(open_with([](State* state) {
              state->heads.Raise({"B", uint64_t{1} << 32}, state->clock_limit + 1);
            }),
            "DATA_CORRUPT");
}

TEST_F(ReplicaTest, BirthIsTheFirstLifeAndStays) {
  const uint64_t birth = cluster_.replica(0).state().birth;
  EXPECT_EQ(birth, cluster_.replica(0).me().incarnation);
  EXPECT_EQ(cluster_.replica(1).peers()[0].birth, birth);
  cluster_.Crash(0, testing::Notice::kAtOnce);
  cluster_.Crash(1, testing::Notice::kAtOnce);
  ASSERT_TRUE(cluster_.Start(0).ok());
  cluster_.Advance(2000);
  cluster_.RunUntilIdle(0);
  EXPECT_NE(cluster_.replica(0).me().incarnation, birth) << "nobody could be asked about the life";
  EXPECT_EQ(cluster_.replica(0).state().birth, birth);
}

}  // namespace
}  // namespace lamppost::kv
