#include "tests/integration/chaos/summary.h"

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamppost::chaos {
namespace {

using history::Kind;
using history::Operation;
using history::Outcome;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// One of everything that a run is sure to meet.
history::History Rich() {
  history::History history;
  Operation read;
  read.outcome = Outcome::kOk;
  Operation batch;
  batch.kind = Kind::kWrite;
  batch.outcome = Outcome::kOk;
  batch.items = {{"x", "1", {}}, {"y", std::nullopt, {}}};
  Operation replay = batch;
  replay.replayed = true;
  Operation unknown = batch;
  unknown.outcome = Outcome::kUnknown;
  Operation misuse = batch;
  misuse.outcome = Outcome::kFailed;
  misuse.error = "REQUEST_ID_REUSED";
  history.operations = {read, batch, replay, unknown, misuse};
  return history;
}

Facts Full(const history::History& history) {
  return {&history,
          1.0,
          3,
          {StrikeKind::kKill, StrikeKind::kWipe},
          {{StrikeKind::kKill, 2}, {StrikeKind::kWipe, 1}}};
}

TEST(Summary, ARunThatMetEverythingHasNoShortcoming) {
  const history::History history = Rich();
  EXPECT_THAT(Shortcomings(Full(history)), IsEmpty());
  EXPECT_TRUE(
      absl::StrContains(Summary(Full(history)), "3 acknowledged, 3 a second (floor 3), none for 0.0 s"));
  EXPECT_TRUE(absl::StrContains(Summary(Full(history)), "kill -9 2;"));
}

TEST(Summary, AKindThatNeverStruckIsOne) {
  const history::History history = Rich();
  Facts facts = Full(history);
  facts.struck.erase(StrikeKind::kWipe);
  EXPECT_THAT(Shortcomings(facts), ElementsAre("never struck: wiped disk"));
}

TEST(Summary, AStalledRunIsOne) {
  const history::History history = Rich();
  Facts facts = Full(history);
  facts.seconds = 2;
  EXPECT_THAT(Shortcomings(facts), ElementsAre(HasSubstr("the floor is 3")));
}

TEST(Summary, ALongSilenceIsOne) {
  history::History history = Rich();
  for (Operation& operation : history.operations) operation.end_us = 5'000'000;
  EXPECT_THAT(Shortcomings(Full(history)), IsEmpty());
  history.operations[2].end_us = 21'000'000;
  EXPECT_THAT(Shortcomings(Full(history)), ElementsAre("nothing was acknowledged for 16.0 s"));
}

TEST(Summary, WhatClientsNeverMetIsOne) {
  history::History history = Rich();
  for (const char* what : {"acknowledged read", "refusal of a used request id", "write of unknown outcome"}) {
    history::History poor = history;
    const size_t left_out = what[0] == 'a' ? 0 : what[0] == 'r' ? 4 : 3;
    poor.operations.erase(poor.operations.begin() + left_out);
    Facts facts = Full(poor);
    facts.floor_per_s = 0;
    EXPECT_THAT(Shortcomings(facts), ElementsAre(HasSubstr(what)));
  }
}

}  // namespace
}  // namespace lamppost::chaos
