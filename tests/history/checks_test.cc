// For each invariant of operations, histories that break it and histories that nearly do.
#include "tests/history/checks.h"

#include "absl/strings/str_cat.h"
#include "tests/history/history_builder.h"

namespace lamppost::history {
namespace {

using H = HistoryBuilder;

TEST(Checks, AnEmptyHistoryHolds) {
  EXPECT_THAT(H().Broken(), Holds());
}

TEST(I1, ALaterWriteOfAClientHasTheGreaterCounter) {
  EXPECT_THAT(
      H().Write("A", "x", "1", At(5, "A")).Client(1).Write("B", "y", "2", At(5, "B")).Client(1).Broken(),
      Breaks("I1"));
  EXPECT_THAT(
      H().Write("A", "x", "1", At(5, "A")).Client(1).Write("B", "y", "2", At(6, "B")).Client(1).Broken(),
      Holds());
}

TEST(I1, ClientsThatDoNotSpeakKnowNothingOfEachOther) {
  EXPECT_THAT(
      H().Write("A", "x", "1", At(9, "A")).Client(1).Write("B", "y", "2", At(5, "B")).Client(2).Broken(),
      Holds());
}

TEST(I1, WhatWasReadCountsToo) {
  H h;
  h.Write("A", "x", "1", At(9, "A")).Read("A", "x", "1", At(9, "A")).Client(1);
  h.Write("B", "y", "2", At(7, "B")).Client(1);
  EXPECT_THAT(h.Broken(), Breaks("I1"));
}

TEST(I1, AReplayHasItsOldVersion) {
  H h;
  h.Attempt("A", "x", "1").Client(1).Request("r");
  h.Write("B", "y", "2", At(20, "B")).Client(1);
  h.Write("A", "x", "1", At(3, "A")).Client(1).Request("r").Replayed();
  EXPECT_THAT(h.Broken(), Holds());
}

TEST(I2, OneTimestampForTwoWrites) {
  EXPECT_THAT(H().Write("A", "x", "1", At(5, "A")).Write("A", "y", "2", At(5, "A")).Broken(), Breaks("I2"));
  EXPECT_THAT(H().Write("A", "x", "1", At(5, "A")).Write("A", "y", "2", At(5, "A", 2)).Broken(), Holds());
  EXPECT_THAT(H().Write("A", "x", "1", At(5, "A")).Write("B", "y", "2", At(5, "B")).Broken(), Holds());
}

TEST(I2, AReplayAndABatchShareATimestampRightly) {
  H h;
  h.Write("A", "x", "1", At(5, "A")).And("y", "2").Request("r");
  h.Write("B", "x", "1", At(5, "A")).And("y", "2").Request("r").Replayed();
  EXPECT_THAT(h.Broken(), Holds());
}

TEST(I2, AReplayOfAnotherRequest) {
  H h;
  h.Write("A", "x", "1", At(5, "A")).Request("r");
  h.Write("B", "x", "1", At(5, "A")).Request("s").Replayed();
  EXPECT_THAT(h.Broken(), Breaks("I2"));
}

TEST(I6, AValueThatWasNotWritten) {
  EXPECT_THAT(H().Write("A", "x", "1", At(5, "A")).Read("A", "x", "2", At(5, "A")).Broken(), Breaks("I6"));
  EXPECT_THAT(H().Write("A", "x", "1", At(5, "A")).Read("B", "y", "1", At(5, "A")).Broken(), Breaks("I6"));
  EXPECT_THAT(H().Read("A", "x", "1", At(5, "A")).Broken(), Breaks("I6"));
  EXPECT_THAT(H().Write("A", "x", "1", At(5, "A")).Read("B", "x", "1", At(5, "A")).Broken(), Holds());
}

TEST(I6, ATombstoneIsAWriteToo) {
  EXPECT_THAT(H().Delete("A", "x", At(5, "A")).Read("B", "x", std::nullopt, At(5, "A")).Broken(), Holds());
  EXPECT_THAT(H().Write("A", "x", "1", At(5, "A")).Read("B", "x", std::nullopt, At(5, "A")).Broken(),
              Breaks("I6"));
}

TEST(I6, AnUnknownOutcomeMayBeRead) {
  EXPECT_THAT(H().Attempt("A", "x", "1").Read("B", "x", "1", At(5, "A")).Broken(), Holds());
  EXPECT_THAT(H().Attempt("A", "x", "1").Read("B", "x", "2", At(5, "A")).Broken(), Breaks("I6"));
  // The stamp is that of the node that was asked.
  EXPECT_THAT(H().Attempt("A", "x", "1").Read("B", "x", "1", At(5, "B")).Broken(), Breaks("I6"));
}

TEST(I6, WhatWasRefusedIsNeverRead) {
  EXPECT_THAT(H().Refused("A", "x", "1").Read("A", "x", "1", At(5, "A")).Broken(), Breaks("I6"));
}

TEST(I6, NothingIsReadBeforeItsWriteBegan) {
  H h;
  h.Read("A", "x", "1", At(5, "A")).Attempt("A", "x", "1");
  EXPECT_THAT(h.Broken(), Breaks("I6"));
  h.last().start_us = h.history()->operations[0].end_us;
  EXPECT_THAT(h.Broken(), Holds());
}

TEST(I6, AWriteThatStillRunsMayBeRead) {
  H h;
  h.Read("B", "x", "1", At(5, "A")).Write("A", "x", "1", At(5, "A")).SinceEver();
  EXPECT_THAT(h.Broken(), Holds());
}

TEST(I9, AVersionGoesDownAtANode) {
  H h;
  h.Write("A", "x", "1", At(5, "A")).Write("B", "x", "2", At(7, "B"));
  h.Read("A", "x", "2", At(7, "B"));
  H other = h;
  EXPECT_THAT(h.Read("A", "x", "1", At(5, "A")).Broken(), Breaks("I9"));
  // Another node may be behind.
  EXPECT_THAT(other.Read("C", "x", "1", At(5, "A")).Broken(), Holds());
}

TEST(I9, ConcurrentReadsMaySeeEither) {
  H h;
  h.Write("A", "x", "1", At(5, "A")).Read("A", "x", "2", At(7, "B")).SinceEver();
  h.Read("A", "x", "1", At(5, "A")).Write("B", "x", "2", At(7, "B")).SinceEver();
  h.history()->operations[2].start_us = 0;
  EXPECT_THAT(h.Broken(), Holds());
}

TEST(I9, AWriteIsAboveWhatItsNodeHasShown) {
  H h;
  h.Write("B", "x", "1", At(7, "B")).Read("A", "x", "1", At(7, "B"));
  EXPECT_THAT(h.Write("A", "x", "2", At(6, "A")).Broken(), Breaks("I9"));
}

TEST(I9, ALostDiskLiftsIt) {
  H h;
  h.Write("A", "x", "1", At(5, "A")).Write("A", "x", "2", At(7, "A"));
  H other = h;
  EXPECT_THAT(h.Loss("A", {}).Read("A", "x", "1", At(5, "A")).Broken(), Holds());
  EXPECT_THAT(other.Loss("B", {}).Read("A", "x", "1", At(5, "A")).Broken(), Breaks("I9"));
}

TEST(I9, AbsentAfterALiveVersionTakesADelete) {
  H h;
  h.Write("A", "x", "1", At(5, "A"));
  EXPECT_THAT(H(h).ReadAbsent("A", "x").Broken(), Breaks("I9"));
  EXPECT_THAT(H(h).ReadAbsent("B", "x").Broken(), Holds());
  EXPECT_THAT(H(h).Delete("B", "x", At(6, "B")).ReadAbsent("A", "x").Broken(), Holds());
  EXPECT_THAT(H(h).Attempt("B", "x", std::nullopt).ReadAbsent("A", "x").Broken(), Holds());
  EXPECT_THAT(H(h).Delete("B", "x", At(4, "B")).ReadAbsent("A", "x").Broken(), Breaks("I9"));
  EXPECT_THAT(H(h).Refused("B", "x", std::nullopt).ReadAbsent("A", "x").Broken(), Breaks("I9"));
  EXPECT_THAT(H(h).ReadAbsent("A", "x").Attempt("B", "x", std::nullopt).Broken(), Breaks("I9"));
}

TEST(I7, WhatANodeHasDeletedIsNotReadThere) {
  H h;
  h.Write("A", "x", "1", At(5, "A")).Delete("B", "x", At(7, "B"));
  EXPECT_THAT(H(h).Read("B", "x", "1", At(5, "A")).Broken(), Breaks("I7"));
  EXPECT_THAT(H(h).Read("A", "x", "1", At(5, "A")).Broken(), Holds());
  EXPECT_THAT(H(h).Write("A", "x", "2", At(8, "A")).Read("B", "x", "2", At(8, "A")).Broken(), Holds());
}

TEST(I10, ARequestTakesEffectTwiceAtANode) {
  H h;
  h.Write("A", "x", "1", At(5, "A")).Request("r");
  EXPECT_THAT(H(h).Write("A", "x", "1", At(6, "A")).Request("r").Broken(), Breaks("I10"));
  // A node that had not heard of it writes it a second time.
  EXPECT_THAT(H(h).Write("B", "x", "1", At(6, "B")).Request("r").Broken(), Holds());
  // One that has lost its disk has forgotten it.
  EXPECT_THAT(H(h).Loss("A", {}).Write("A", "x", "1", At(6, "A", 2)).Request("r").Broken(), Holds());
  EXPECT_THAT(H(h).Write("A", "x", "1", At(6, "A")).Request("s").Broken(), Holds());
}

TEST(I10, ReplaysAreTheSame) {
  H h;
  h.Attempt("A", "x", "1").Request("r");
  h.Write("A", "x", "1", At(5, "A")).Request("r").Replayed();
  EXPECT_THAT(H(h).Write("A", "x", "1", At(5, "A")).Request("r").Replayed().Broken(), Holds());
  EXPECT_THAT(H(h).Write("A", "x", "1", At(6, "A")).Request("r").Replayed().Broken(), Breaks("I10"));
}

TEST(I10, AReplayComesAfterAWriteElsewhere) {
  H h;
  h.Write("A", "x", "1", At(5, "A")).Request("r");
  h.Write("B", "x", "1", At(5, "A")).Request("r").Replayed();
  EXPECT_THAT(h.Broken(), Holds());
  EXPECT_THAT(h.Write("B", "x", "1", At(9, "B")).Request("r").Broken(), Breaks("I10"));
}

TEST(I11, AUsedIdNeverTakesOtherItems) {
  H h;
  h.Write("A", "x", "1", At(5, "A")).Request("r");
  EXPECT_THAT(H(h).Write("A", "x", "2", At(6, "A")).Request("r").Broken(), Breaks("I11"));
  EXPECT_THAT(H(h).Write("A", "x", "1", At(6, "A")).And("y", "1").Request("r").Broken(), Breaks("I11"));
  EXPECT_THAT(H(h).Refused("A", "x", "2").Request("r").Broken(), Holds());
  EXPECT_THAT(H(h).Write("B", "x", "2", At(6, "B")).Request("r").Broken(), Holds());
}

TEST(Checks, TellNoMoreThanTheBound) {
  H h;
  for (int i = 0; i < 100; ++i) h.Read("A", absl::StrCat("k", i), "never written", At(5, "A"));
  EXPECT_EQ(h.Broken().size(), kViolationsMax);
}

TEST(Checks, TellTheFirstOfEachInvariantEvenBeyondTheBound) {
  H h;
  for (int i = 0; i < 100; ++i) h.Read("A", absl::StrCat("k", i), "never written", At(5, "A"));
  h.Write("A", "x", "1", At(9, "A")).Client(1);
  h.Write("A", "y", "1", At(9, "A")).Client(1);  // with a counter that the client had been told
  EXPECT_THAT(h.Broken(), ::testing::Contains("I1"));
}

}  // namespace
}  // namespace lamppost::history
