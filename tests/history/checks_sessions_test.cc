// Of sessions, histories that break what they promise and histories that nearly do.
#include "tests/history/checks.h"
#include "tests/history/history_builder.h"

namespace lamppost::history {
namespace {

using H = HistoryBuilder;

const kv::Heads kSeen5 = {{At(5, "A").origin, 5}};

TEST(I8, AReadIsNotOlderThanItsSession) {
  H h;
  h.Write("A", "x", "1", At(3, "A")).Write("A", "x", "2", At(5, "A"));
  h.Read("B", "x", "1", At(3, "A")).Session(kSeen5);
  EXPECT_THAT(h.Broken(), Breaks("I8"));
}

TEST(I8, WhatTheSessionDoesNotCoverMayBeMissing) {
  H h;
  h.Write("A", "x", "1", At(3, "A")).Write("A", "x", "2", At(6, "A"));
  h.Read("B", "x", "1", At(3, "A")).Session(kSeen5);
  h.Read("B", "x", "1", At(3, "A"));
  EXPECT_THAT(h.Broken(), Holds());
}

TEST(I8, SomethingNewerIsNotOlder) {
  H h;
  h.Write("A", "x", "1", At(5, "A")).Write("B", "x", "2", At(6, "B"));
  h.Read("C", "x", "2", At(6, "B")).Session(kSeen5);
  EXPECT_THAT(h.Broken(), Holds());
}

TEST(I8, AbsenceIsOlderThanAWriteThatNobodyHasDeleted) {
  H h;
  h.Write("A", "x", "1", At(5, "A"));
  h.Read("B", "x", std::nullopt, {}).Session(kSeen5);
  EXPECT_THAT(h.Broken(), Breaks("I8"));
  H deleted;
  deleted.Write("A", "x", "1", At(5, "A")).Write("B", "x", std::nullopt, At(7, "B"));
  deleted.Read("B", "x", std::nullopt, {}).Session(kSeen5);
  EXPECT_THAT(deleted.Broken(), Holds());
}

TEST(I9, AClientsReadsDoNotGoBackWhenItGoesToAnotherNode) {
  H h;
  h.Attempt("A", "x", "2");  // nobody was told of it
  h.Write("A", "x", "1", At(3, "A"));
  h.Read("A", "x", "2", At(5, "A")).Client(1);
  h.Read("B", "x", "1", At(3, "A")).Client(1).Session(kSeen5);
  EXPECT_THAT(h.Broken(), Breaks("I9"));
  h.last().client = 2;
  EXPECT_THAT(h.Broken(), Holds());
}

}  // namespace
}  // namespace lamppost::history
