#include "services/kv/core/receiver.h"

#include "gtest/gtest.h"

namespace lamppost::kv {
namespace {

const Origin kA{"A", 1};
const Origin kB{"B", 1};
constexpr uint64_t kBoot = 11;

// A message of a catch-up by A.
SyncMessage Part(const Heads& from, const Heads& to, uint64_t progress, bool last = false,
                 uint64_t boot = kBoot) {
  SyncMessage message;
  message.clock = {100, kA};
  message.boot_id = boot;
  message.from = from;
  message.to = to;
  message.progress = progress;
  message.last = last;
  return message;
}

SyncMessage Live(const Heads& from, const Heads& to) {
  return Part(from, to, 0, true);
}

TEST(ReceiverTest, WhatTheHeadsCoverIsReached) {
  const Receiver receiver;
  EXPECT_TRUE(receiver.Reaches(1, {}, Live({}, {{kA, 5}})));
  EXPECT_TRUE(receiver.Reaches(1, {{kA, 5}}, Live({{kA, 5}}, {{kA, 6}})));
  EXPECT_FALSE(receiver.Reaches(1, {{kA, 4}}, Live({{kA, 5}}, {{kA, 6}})));
  EXPECT_FALSE(receiver.Reaches(1, {}, Live({{kB, 1}}, {})));
}

TEST(ReceiverTest, AnEarlierPartOfTheSameCatchUpCounts) {
  Receiver receiver;
  receiver.Merged(1, Part({}, {{kA, 9}}, 4), 0);
  EXPECT_EQ(receiver.ProgressOf("A", kBoot), (Heads{{kA, 4}}));
  EXPECT_TRUE(receiver.Reaches(1, {}, Part({{kA, 4}}, {{kA, 9}}, 9, true)));
  EXPECT_FALSE(receiver.Reaches(1, {}, Part({{kA, 5}}, {{kA, 9}}, 9, true))) << "a part is missing";
  EXPECT_FALSE(receiver.Reaches(1, {}, Live({{kA, 4}}, {{kA, 10}}))) << "live traffic builds on heads alone";
}

TEST(ReceiverTest, ProgressIsThatOfOneSenderAndOneProcess) {
  Receiver receiver;
  receiver.Merged(1, Part({}, {{kA, 9}}, 4), 0);
  EXPECT_EQ(receiver.ProgressOf("A", kBoot + 1), Heads());
  EXPECT_EQ(receiver.ProgressOf("B", kBoot), Heads());
  EXPECT_FALSE(receiver.Reaches(1, {}, Part({{kA, 4}}, {{kA, 9}}, 9, true, kBoot + 1)));
  receiver.Merged(2, Part({}, {{kA, 9}}, 2, false, kBoot + 1), 0);
  EXPECT_EQ(receiver.ProgressOf("A", kBoot), Heads());
  EXPECT_EQ(receiver.ProgressOf("A", kBoot + 1), (Heads{{kA, 2}}));
}

TEST(ReceiverTest, ALaterSnapshotGoesOnWhereAnEarlierOneStoppedButNotTheOtherWayRound) {
  Receiver receiver;
  receiver.Merged(1, Part({}, {{kA, 9}}, 4), 0);
  receiver.Merged(2, Part({{kA, 4}}, {{kA, 12}}, 7), 0);
  EXPECT_TRUE(receiver.Reaches(1, {}, Part({{kA, 7}}, {{kA, 12}}, 12, true)));
  EXPECT_FALSE(receiver.Reaches(1, {}, Part({{kA, 4}}, {{kA, 9}}, 9, true)))
      << "the older snapshot lacks what has replaced its entries";
}

TEST(ReceiverTest, TheLastPartEndsIt) {
  Receiver receiver;
  receiver.Merged(1, Part({}, {{kA, 9}}, 4), 0);
  receiver.Merged(1, Part({{kA, 4}}, {{kA, 9}}, 9, true), 0);
  EXPECT_EQ(receiver.ProgressOf("A", kBoot), Heads());
  EXPECT_TRUE(receiver.PendingBesides("B").empty());
}

// Once `from` has come to `to` it says nothing more; what has replaced something below lies above.
TEST(ReceiverTest, EachPartMustFollowTheOneBefore) {
  const auto numbered = [](uint64_t sequence, uint64_t after, uint64_t progress, bool last = false) {
    SyncMessage part = Part({{kA, 3}}, {{kA, 3}}, progress, last);
    part.sequence = sequence;
    part.after = after;
    return part;
  };
  const Heads heads{{kA, 3}};
  Receiver receiver;
  receiver.Merged(1, numbered(4, 0, 5), 0);
  EXPECT_TRUE(receiver.Reaches(1, heads, numbered(6, 4, 7)));
  EXPECT_FALSE(receiver.Reaches(1, heads, numbered(8, 6, 9, true))) << "the one before is missing";
  EXPECT_FALSE(receiver.Reaches(2, heads, numbered(6, 4, 7))) << "another link";
  SyncMessage of_another_process = numbered(6, 4, 7);
  of_another_process.boot_id = kBoot + 1;
  EXPECT_FALSE(receiver.Reaches(1, heads, of_another_process));
  receiver.Merged(1, numbered(6, 4, 7), 0);
  EXPECT_TRUE(receiver.Reaches(1, heads, numbered(8, 6, 9, true)));
  EXPECT_TRUE(receiver.Reaches(1, heads, numbered(9, 0, 9, true))) << "the first of another catch-up";
}

TEST(ReceiverTest, ACopyOfAPartIsKnown) {
  SyncMessage part = Part({}, {{kA, 9}}, 4);
  part.sequence = 5;
  Receiver receiver;
  EXPECT_FALSE(receiver.IsCopy(1, part));
  receiver.Merged(1, part, 0);
  EXPECT_TRUE(receiver.IsCopy(1, part));
  EXPECT_FALSE(receiver.IsCopy(2, part)) << "numbers are of a link";
  part.sequence = 6;
  EXPECT_FALSE(receiver.IsCopy(1, part));
  SyncMessage live = Live({}, {{kA, 1}});
  live.sequence = 2;
  EXPECT_FALSE(receiver.IsCopy(1, live)) << "live traffic stands on heads";
}

TEST(ReceiverTest, LiveTrafficDoesNotDisturbACatchUp) {
  Receiver receiver;
  receiver.Merged(1, Part({}, {{kA, 9}}, 4), 0);
  receiver.Merged(1, Live({}, {{kA, 1}}), 0);
  EXPECT_EQ(receiver.ProgressOf("A", kBoot), (Heads{{kA, 4}}));
}

// Else nobody would give what the lost message was to bring: each would leave it to the other.
TEST(ReceiverTest, ACatchUpWhoseEndWasLostIsPendingNoLongerOnceItsSenderIsLive) {
  Receiver receiver;
  receiver.Merged(1, Part({}, {{kA, 9}}, 4), 0);
  receiver.Merged(2, Live({}, {{kA, 1}}), 0);
  EXPECT_FALSE(receiver.PendingBesides("B").empty()) << "another link";
  receiver.Merged(1, Live({}, {{kA, 1}}), 0);
  EXPECT_TRUE(receiver.PendingBesides("B").empty());
}

TEST(ReceiverTest, PendingIsWhatOthersAreAboutToGive) {
  Receiver receiver;
  receiver.Merged(1, Part({}, {{kA, 9}, {kB, 3}}, 4), 0);
  EXPECT_EQ(receiver.PendingBesides("C"), (Heads{{kA, 9}, {kB, 3}}));
  EXPECT_TRUE(receiver.PendingBesides("A").empty()) << "the sender itself knows";
  receiver.LinkDown(2, 0);
  EXPECT_FALSE(receiver.PendingBesides("C").empty()) << "another link";
  receiver.LinkDown(1, 0);
  EXPECT_TRUE(receiver.PendingBesides("C").empty());
  EXPECT_EQ(receiver.ProgressOf("A", kBoot), (Heads{{kA, 4}, {kB, 3}})) << "it can be resumed all the same";
}

TEST(ReceiverTest, AnOlderLinkIsNotHeardOnceANewerOneSpeaks) {
  using Hearing = Receiver::Hearing;
  Receiver receiver;
  EXPECT_EQ(receiver.Hears(3, "A", kBoot), Hearing::kHeard);
  EXPECT_EQ(receiver.Hears(3, "A", kBoot), Hearing::kHeard);
  EXPECT_EQ(receiver.Hears(5, "A", kBoot), Hearing::kHeard);
  EXPECT_EQ(receiver.Hears(3, "A", kBoot), Hearing::kOlderLink);
  EXPECT_EQ(receiver.Hears(4, "B", kBoot), Hearing::kHeard) << "each sender has its own";
  EXPECT_EQ(receiver.Hears(5, "A", kBoot), Hearing::kHeard);
  receiver.LinkDown(5, 0);
  EXPECT_EQ(receiver.Hears(3, "A", kBoot), Hearing::kOlderLink) << "what comes on it is from before";
}

TEST(ReceiverTest, OfTwoProcessesTheOtherIsHeardOnceTheNewerIsGone) {
  using Hearing = Receiver::Hearing;
  Receiver receiver;
  EXPECT_EQ(receiver.Hears(3, "A", kBoot), Hearing::kHeard);
  EXPECT_EQ(receiver.Hears(5, "A", kBoot + 1), Hearing::kHeard);
  EXPECT_EQ(receiver.Hears(3, "A", kBoot), Hearing::kOtherProcess);
  receiver.LinkDown(3, 0);
  EXPECT_EQ(receiver.Hears(3, "A", kBoot), Hearing::kOtherProcess) << "the other is up";
  receiver.LinkDown(5, 0);
  EXPECT_EQ(receiver.Hears(3, "A", kBoot), Hearing::kHeard);
  EXPECT_EQ(receiver.Hears(3, "A", kBoot), Hearing::kHeard);
  EXPECT_EQ(receiver.Hears(7, "A", kBoot + 1), Hearing::kHeard);
  receiver.KeepsOut("A", kBoot);
  EXPECT_EQ(receiver.Hears(3, "A", kBoot), Hearing::kOtherProcess);
  receiver.KeepsOut("A", kBoot + 1);
  EXPECT_EQ(receiver.Hears(3, "A", kBoot), Hearing::kHeard);
}

// A chunk of a full Sync by A.
SyncMessage Chunk(uint64_t sequence, uint64_t after, const std::string& start, const std::string& end) {
  SyncMessage message = Part({}, {{kA, 9}}, 0, end.empty());
  message.sequence = sequence;
  message.after = after;
  message.full = KeyRange{start, end};
  return message;
}

TEST(ReceiverTest, ChunksOfAFullSyncFollowEachOther) {
  Receiver receiver;
  EXPECT_FALSE(receiver.Reaches(1, {}, Chunk(3, 0, "f", "m"))) << "nothing has been sent below";
  EXPECT_TRUE(receiver.Reaches(1, {}, Chunk(3, 0, "", "f")));
  receiver.Merged(1, Chunk(3, 0, "", "f"), 0);
  EXPECT_TRUE(receiver.IsCopy(1, Chunk(3, 0, "", "f")));
  EXPECT_TRUE(receiver.Reaches(1, {}, Chunk(4, 3, "f", "m")));
  EXPECT_FALSE(receiver.Reaches(1, {}, Chunk(5, 4, "m", ""))) << "the one before is missing";
  EXPECT_FALSE(receiver.Reaches(1, {}, Chunk(4, 3, "g", "m"))) << "a part of the keys is missing";
}

TEST(ReceiverTest, AFullSyncIsGoneOnWithByTheSameProcessTowardsTheSameHeads) {
  Receiver receiver;
  receiver.Merged(1, Chunk(3, 0, "", "f"), 0);
  receiver.LinkDown(1, 0);
  EXPECT_TRUE(receiver.Reaches(2, {}, Chunk(2, 0, "f", "m")));
  EXPECT_TRUE(receiver.Reaches(2, {}, Chunk(2, 0, "c", "m"))) << "some of it comes again";
  EXPECT_FALSE(receiver.Reaches(2, {}, Chunk(2, 0, "g", "m")));
  SyncMessage other = Chunk(2, 0, "f", "m");
  other.to = {{kA, 10}};
  EXPECT_FALSE(receiver.Reaches(2, {}, other));
  other = Chunk(2, 0, "f", "m");
  other.boot_id = kBoot + 1;
  EXPECT_FALSE(receiver.Reaches(2, {}, other));
  receiver.Merged(2, Chunk(2, 0, "f", "m"), 0);
  EXPECT_TRUE(receiver.Reaches(2, {}, Chunk(3, 2, "m", "")));
}

// What others bring meanwhile may be what the part that has come says is deleted.
TEST(ReceiverTest, AFullSyncCannotBeGoneOnWithOnceAnythingElseHasCome) {
  Receiver receiver;
  receiver.Merged(1, Chunk(3, 0, "", "f"), 0);
  SyncMessage by_b = Live({}, {{kB, 1}});
  by_b.clock.origin = kB;
  receiver.Merged(7, by_b, 0);
  EXPECT_FALSE(receiver.Reaches(1, {}, Chunk(4, 3, "f", "m")));
  EXPECT_TRUE(receiver.Reaches(1, {}, Chunk(4, 0, "", "m")));
}

TEST(ReceiverTest, OthersWaitForTheEndOfAFullSync) {
  Receiver receiver;
  EXPECT_FALSE(receiver.IsBusyFor("B", 0));
  receiver.Merged(1, Chunk(3, 0, "", "f"), 1000);
  EXPECT_TRUE(receiver.IsBusyFor("B", 1000));
  EXPECT_FALSE(receiver.IsBusyFor("A", 1000));
  EXPECT_EQ(receiver.PendingBesides("B"), (Heads{{kA, 9}}));
  EXPECT_TRUE(receiver.PendingBesides("A").empty());
  receiver.Merged(1, Chunk(4, 3, "f", ""), 1001);
  EXPECT_FALSE(receiver.IsBusyFor("B", 1001));
}

TEST(ReceiverTest, NobodyWaitsForEverForASenderThatIsGone) {
  Receiver receiver;
  receiver.Merged(1, Chunk(3, 0, "", "f"), 1000);
  EXPECT_TRUE(receiver.IsBusyFor("B", 9000));
  EXPECT_FALSE(receiver.IsBusyFor("B", 60000)) << "its link is up and nothing comes";
  receiver.LinkDown(1, 2000);
  EXPECT_TRUE(receiver.IsBusyFor("B", 3000)) << "it may come back";
  EXPECT_FALSE(receiver.IsBusyFor("B", 5000));
  EXPECT_TRUE(receiver.PendingBesides("B").empty());
}

}  // namespace
}  // namespace lamppost::kv
