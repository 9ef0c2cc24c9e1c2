// The end of a history: what must be there, what must not, and what a lost disk excuses.
#include "tests/history/history_builder.h"

namespace lamppost::history {
namespace {

using H = HistoryBuilder;

Item Of(const std::string& key, const std::string& value, const Timestamp& version) {
  return {key, value, version};
}

TEST(I4, TheFinalContentsDiffer) {
  H h;
  h.Write("A", "x", "1", At(5, "A")).Write("A", "y", "2", At(6, "A")).Attempt("A", "y", std::nullopt);
  const Item x = Of("x", "1", At(5, "A"));
  const Item y = Of("y", "2", At(6, "A"));
  EXPECT_THAT(H(h).Final("A", {x, y}).Final("B", {x, y}).Broken(), Holds());
  EXPECT_THAT(H(h).Final("A", {x, y}).Final("B", {x}).Broken(), Breaks("I4"));
  EXPECT_THAT(H(h).Final("A", {x}).Final("B", {x, y}).Broken(), Breaks("I4"));
}

TEST(I4, EqualValuesOfDifferentVersionsAreDifferent) {
  H h;
  h.Write("A", "x", "1", At(5, "A")).Request("r").Write("B", "x", "1", At(9, "B")).Request("r");
  h.Final("A", {Of("x", "1", At(9, "B"))}).Final("B", {Of("x", "1", At(5, "A"))});
  EXPECT_THAT(h.Broken(), ::testing::ElementsAre("I4", "I5"));
}

TEST(I5, AnAcknowledgedWriteIsGone) {
  H h;
  h.Write("A", "x", "1", At(5, "A")).Write("B", "x", "2", At(7, "B"));
  EXPECT_THAT(H(h).Final("A", {Of("x", "2", At(7, "B"))}).Broken(), Holds());
  EXPECT_THAT(H(h).Final("A", {Of("x", "1", At(5, "A"))}).Broken(), Breaks("I5"));
  EXPECT_THAT(H(h).Final("A", {}).Broken(), Breaks("I5"));
}

TEST(I5, AnUnknownWriteMayHaveTakenItsPlace) {
  H h;
  h.Write("A", "x", "1", At(5, "A"));
  EXPECT_THAT(H(h).Attempt("B", "x", "2").Final("A", {Of("x", "2", At(7, "B"))}).Broken(), Holds());
  EXPECT_THAT(H(h).Attempt("B", "x", std::nullopt).Final("A", {}).Broken(), Holds());
  EXPECT_THAT(H(h).Refused("B", "x", std::nullopt).Final("A", {}).Broken(), Breaks("I5"));
}

TEST(I5, AnAcknowledgedDeleteExplainsAnAbsence) {
  H h;
  h.Write("A", "x", "1", At(5, "A"));
  EXPECT_THAT(H(h).Delete("B", "x", At(7, "B")).Final("A", {}).Broken(), Holds());
  EXPECT_THAT(H(h).Delete("B", "x", At(4, "B")).Final("A", {}).Broken(), Breaks("I5"));
}

TEST(I5, ALostDiskExcusesWhatNobodyElseHad) {
  H h;
  h.Write("A", "x", "1", At(5, "A"));
  EXPECT_THAT(H(h).Loss("A", {{Life("A"), 4}}).Final("B", {}).Broken(), Holds());
  EXPECT_THAT(H(h).Loss("A", {}).Final("B", {}).Broken(), Holds());
  EXPECT_THAT(H(h).Loss("A", {{Life("A"), 5}}).Final("B", {}).Broken(), Breaks("I5"));
  EXPECT_THAT(H(h).Loss("B", {}).Final("B", {}).Broken(), Breaks("I5"));
}

TEST(I5, WhatIsWrittenAfterTheLossIsNotExcused) {
  H h;
  h.Loss("A", {}).Write("A", "x", "1", At(5, "A", 2)).Final("B", {});
  EXPECT_THAT(h.Broken(), Breaks("I5"));
}

TEST(I5, ASecondLossMayTakeTheLastCopy) {
  H h;
  h.Write("A", "x", "1", At(5, "A")).Loss("A", {{Life("A"), 5}});
  EXPECT_THAT(H(h).Loss("B", {{Life("A"), 5}}).Final("C", {}).Broken(), Breaks("I5"));
  EXPECT_THAT(H(h).Loss("B", {{Life("A"), 3}}).Final("C", {}).Broken(), Holds());
}

TEST(I5, AReplayIsOnTheDiskOfTheNodeThatGaveIt) {
  H h;
  h.Attempt("A", "x", "1").Request("r");
  h.Loss("A", {});
  h.Write("B", "x", "1", At(5, "A")).Request("r").Replayed();
  EXPECT_THAT(H(h).Final("B", {}).Broken(), Breaks("I5"));
  EXPECT_THAT(H(h).Loss("B", {}).Final("B", {}).Broken(), Holds());
}

TEST(I5, ADeleteThatWentWithADiskMayHaveSurvivedIt) {
  H h;
  h.Write("B", "x", "1", At(5, "B")).Delete("A", "x", At(7, "A")).Loss("A", {});
  EXPECT_THAT(H(h).Final("B", {}).Broken(), Holds());
  EXPECT_THAT(H(h).Final("B", {Of("x", "1", At(5, "B"))}).Broken(), Holds());
}

TEST(I6, WhatIsThereInTheEndWasWritten) {
  EXPECT_THAT(H().Final("A", {Of("x", "1", At(5, "A"))}).Broken(), Breaks("I6"));
  EXPECT_THAT(H().Attempt("A", "x", "1").Final("A", {Of("x", "1", At(5, "A"))}).Broken(), Holds());
}

// B counts from the beginning once its disk is gone, and the others have forgotten the deletion.
TEST(I7, AWriteAfterTheDeletionIsNotBackWhateverItsCounter) {
  H h;
  h.Write("A", "x", "1", At(5, "A")).Delete("B", "x", At(7, "B"));
  EXPECT_THAT(H(h).Loss("C", {{Life("B"), 7}})
                  .Write("C", "x", "2", At(2, "C"))
                  .Final("A", {Of("x", "2", At(2, "C"))})
                  .Broken(),
              Holds());
  EXPECT_THAT(
      H(h).Loss("C", {{Life("B"), 7}}).Attempt("C", "x", "2").Final("A", {Of("x", "2", At(2, "C"))}).Broken(),
      Holds());
  EXPECT_THAT(H(h).Write("C", "x", "2", At(2, "C")).Final("A", {Of("x", "2", At(2, "C"))}).Broken(),
              Breaks("I7"));
  H before;
  before.Loss("C", {}).Write("C", "x", "2", At(2, "C")).Delete("B", "x", At(7, "B"));
  EXPECT_THAT(before.Final("A", {Of("x", "2", At(2, "C"))}).Broken(), Breaks("I7"));
}

TEST(I7, ADeletedKeyIsBack) {
  H h;
  h.Write("A", "x", "1", At(5, "A")).Delete("B", "x", At(7, "B"));
  EXPECT_THAT(H(h).Final("A", {Of("x", "1", At(5, "A"))}).Broken(), Breaks("I7"));
  EXPECT_THAT(H(h).Write("A", "x", "2", At(9, "A")).Final("A", {Of("x", "2", At(9, "A"))}).Broken(), Holds());
}

}  // namespace
}  // namespace lamppost::history
