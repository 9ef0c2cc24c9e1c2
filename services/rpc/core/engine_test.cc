// One server: the order of a call, joining, replaying, refusing, queueing.
#include "services/rpc/core/engine.h"

#include <string>

#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/rpc/core/testing/engine_server.h"

namespace lamppost::rpc {
namespace {

using testing::EngineServer;
using testing::IdAt;
using testing::kWallMs;

const RequestId kId = IdAt(kWallMs, 1);

Record RecordOf(const RecordTable& table, const RequestId& id) {
  const absl::StatusOr<Record> record = DecodeRecord(table.records().at(id).value);
  EXPECT_TRUE(record.ok()) << record.status();
  return record.ok() ? *record : Record();
}

std::string ReasonOf(const EngineServer& server, CallerId caller) {
  return server.HasReply(caller) ? ErrorReason(server.ReplyOf(caller).status()) : "no reply";
}

class EngineTest : public ::testing::Test {
 protected:
  RecordTable table_;
  EngineServer server_{&table_, "S"};
};

TEST_F(EngineTest, ItIsRecordedBeforeItStartsAndStoredBeforeItIsAnswered) {
  const CallerId caller = server_.Call(kId, "once", {{"n", 1}});
  EXPECT_TRUE(server_.starts().empty());
  server_.Step();
  EXPECT_EQ(RecordOf(table_, kId).state, Record::State::kRunning);
  ASSERT_EQ(server_.starts().size(), 1u);
  EXPECT_EQ(server_.starts()[0].request.params, (Json{{"n", 1}}));

  server_.Finish(server_.last_run(), "7");
  EXPECT_FALSE(server_.HasReply(caller));
  server_.Step();
  EXPECT_EQ(RecordOf(table_, kId).outcome.result, "7");
  ASSERT_TRUE(server_.ReplyOf(caller).ok());
  EXPECT_EQ(server_.ReplyOf(caller)->outcome.result, "7");
  EXPECT_EQ(server_.ReplyOf(caller)->replay, Replay::kFirst);
  EXPECT_LT(server_.ReplyOf(caller)->outcome.started, server_.ReplyOf(caller)->outcome.finished);
  EXPECT_TRUE(server_.engine()->IsIdle());
}

TEST_F(EngineTest, ASecondCallJoinsAndAThirdReplays) {
  const CallerId first = server_.Call(kId, "once", {{"a", 1}, {"b", 2}});
  server_.Settle();
  const CallerId second = server_.Call(kId, "once", {{"b", 2}, {"a", 1}});
  server_.Finish(server_.last_run(), "1");
  server_.Settle();
  const CallerId third = server_.Call(kId, "once", {{"a", 1}, {"b", 2}});
  server_.Settle();
  EXPECT_EQ(server_.starts().size(), 1u);
  for (const CallerId caller : {second, third}) {
    ASSERT_TRUE(server_.ReplyOf(caller).ok());
    EXPECT_TRUE(server_.ReplyOf(caller)->outcome == server_.ReplyOf(first)->outcome);
    EXPECT_EQ(server_.ReplyOf(caller)->replay, Replay::kReplayed);
  }
}

TEST_F(EngineTest, RunsRetriesAndReplaysAreCounted) {
  server_.Call(kId, "once", {{"a", 1}});
  server_.Settle();
  server_.Call(kId, "once", {{"a", 1}});  // joins
  EXPECT_EQ(server_.engine()->counts().joined, 1u);
  EXPECT_EQ(server_.engine()->load().requests, 1u);
  server_.Finish(server_.last_run(), "1");
  server_.Settle();
  server_.Call(kId, "once", {{"a", 1}});  // is answered from the record
  server_.Settle();
  server_.Call(IdAt(kWallMs, 2), "again");
  server_.Settle();
  const EngineCounts& counts = server_.engine()->counts();
  EXPECT_EQ(counts.joined, 1u);
  EXPECT_EQ(counts.found, 1u);
  EXPECT_EQ(counts.replayed, 2u);
  EXPECT_EQ(counts.functions().at("once").started, 1u);
  EXPECT_EQ(counts.functions().at("once").results, 1u);
  EXPECT_EQ(counts.functions().at("again").started, 1u);
  EXPECT_EQ(counts.functions().at("again").results, 0u);
  EXPECT_EQ(server_.engine()->load().records, 2u);
}

TEST(EngineCountsTest, NotAnyNumberOfFunctionsIsCountedByName) {
  EngineCounts counts;
  for (size_t i = 0; i < 2 * EngineCounts::kFunctionsMax; ++i) counts.Started("f" + std::to_string(i));
  EXPECT_EQ(counts.functions().size(), EngineCounts::kFunctionsMax + 1);
  EXPECT_EQ(counts.functions().at("other").started, EngineCounts::kFunctionsMax);
  Outcome unknown;
  unknown.elapsed_ms = 7;
  counts.Ended("f1", unknown);
  EXPECT_EQ(counts.functions().at("f1").unknowns, 1u);
  EXPECT_EQ(counts.functions().at("f1").run_ms, 7u);
}

TEST_F(EngineTest, AnotherMethodOrOtherParamsAreRefusedWhileItRunsAndAfterwards) {
  server_.Call(kId, "once", {{"n", 1}});
  server_.Settle();
  EXPECT_EQ(ReasonOf(server_, server_.Call(kId, "once", {{"n", 2}})), "REQUEST_ID_REUSED");
  server_.Finish(server_.last_run(), "1");
  server_.Settle();
  const CallerId params = server_.Call(kId, "once", {{"n", 2}});
  const CallerId method = server_.Call(kId, "again", {{"n", 1}});
  server_.Settle();
  EXPECT_EQ(ReasonOf(server_, params), "REQUEST_ID_REUSED");
  EXPECT_EQ(ReasonOf(server_, method), "REQUEST_ID_REUSED");
  EXPECT_EQ(server_.starts().size(), 1u);
}

TEST_F(EngineTest, WhatFindsNoPlaceWaitsAndWhatFindsNoQueueIsRefused) {
  for (uint8_t i = 1; i <= 3; ++i) server_.Call(IdAt(kWallMs, i), "once");
  server_.Settle();
  EXPECT_EQ(server_.starts().size(), 2u);
  EXPECT_EQ(server_.engine()->Waiting("once"), 1u);
  const CallerId fourth = server_.Call(IdAt(kWallMs, 4), "once");
  server_.Settle();
  EXPECT_EQ(ReasonOf(server_, fourth), "FUNCTION_BUSY");
  EXPECT_TRUE(RetryDelayMs(server_.ReplyOf(fourth).status()).has_value());
  EXPECT_EQ(table_.records().count(IdAt(kWallMs, 4)), 0u);

  server_.Finish(server_.starts()[0].request.run, "1");
  server_.Settle();
  ASSERT_EQ(server_.starts().size(), 3u);
  EXPECT_EQ(server_.starts()[2].request.id, IdAt(kWallMs, 3));
  // What is known is answered however full it is.
  const CallerId replay = server_.Call(IdAt(kWallMs, 1), "once");
  server_.Settle();
  EXPECT_TRUE(server_.ReplyOf(replay).ok());
}

TEST_F(EngineTest, ACallerThatLeavesTheQueueIsForgotten) {
  for (uint8_t i = 1; i <= 2; ++i) server_.Call(IdAt(kWallMs, i), "once");
  server_.Settle();
  const CallerId waiting = server_.Call(IdAt(kWallMs, 3), "once");
  server_.Settle();
  server_.Leave(waiting);
  EXPECT_EQ(server_.engine()->Waiting("once"), 0u);
  server_.Finish(server_.starts()[0].request.run, "1");
  server_.Settle();
  EXPECT_EQ(server_.starts().size(), 2u);
  EXPECT_FALSE(server_.HasReply(waiting));
}

TEST_F(EngineTest, AnUnknownFunctionIsRefusedButItsOldOutcomeIsNot) {
  server_.Call(kId, "once");
  server_.Settle();
  server_.Finish(server_.last_run(), "1");
  server_.Settle();
  server_.engine()->SetRegistry(std::make_shared<Registry>());
  const CallerId replay = server_.Call(kId, "once");
  const CallerId fresh = server_.Call(IdAt(kWallMs, 2), "once");
  server_.Settle();
  EXPECT_TRUE(server_.ReplyOf(replay).ok());
  EXPECT_EQ(ReasonOf(server_, fresh), "FUNCTION_UNKNOWN");
}

TEST_F(EngineTest, ARunThatIsTooLongIsKilled) {
  const CallerId caller = server_.Call(kId, "once");
  server_.Pass(900);
  EXPECT_TRUE(server_.kills().empty());
  server_.Pass(200);
  ASSERT_EQ(server_.kills().size(), 1u);
  server_.FinishKilled(server_.last_run());
  server_.Settle();
  ASSERT_TRUE(server_.ReplyOf(caller).ok());
  EXPECT_EQ(server_.ReplyOf(caller)->outcome.error.reason, "TIME_LIMIT");
}

TEST_F(EngineTest, ARunThatNobodyWaitsForGoesOnOrIsKilledAsDeclared) {
  server_.Leave(server_.Call(kId, "once"));
  server_.Settle();
  server_.Pass(500);
  EXPECT_TRUE(server_.kills().empty());
  server_.Finish(server_.last_run(), "1");
  server_.Settle();
  EXPECT_EQ(RecordOf(table_, kId).outcome.result, "1");

  const RequestId other = IdAt(kWallMs, 2);
  const CallerId gone = server_.Call(other, "killable");
  server_.Settle();
  server_.Leave(gone);
  server_.Pass(150);
  const CallerId back = server_.Call(other, "killable");  // within the grace
  server_.Pass(300);
  EXPECT_TRUE(server_.kills().empty());
  server_.Leave(back);
  server_.Pass(300);
  ASSERT_EQ(server_.kills().size(), 1u);
  server_.FinishKilled(server_.last_run());
  server_.Settle();
  EXPECT_EQ(RecordOf(table_, other).outcome.error.reason, "CANCELLED");
}

TEST_F(EngineTest, ALostAnswerOfTheStoreStartsNothingTwice) {
  const CallerId caller = server_.Call(kId, "once");
  server_.Step(EngineServer::AnswerIs::kLost);  // the record is there, and nobody knows
  EXPECT_TRUE(server_.starts().empty());
  EXPECT_EQ(ReasonOf(server_, server_.Call(IdAt(kWallMs, 2), "once")), "REQUEST_STORE_UNAVAILABLE");
  server_.Pass(200);
  ASSERT_EQ(server_.starts().size(), 1u);
  server_.Finish(server_.last_run(), "1");
  server_.Step(EngineServer::AnswerIs::kLost);
  EXPECT_FALSE(server_.HasReply(caller));
  server_.Pass(200);
  ASSERT_TRUE(server_.ReplyOf(caller).ok());
  EXPECT_EQ(server_.ReplyOf(caller)->replay, Replay::kFirst);
  EXPECT_EQ(server_.starts().size(), 1u);
}

TEST_F(EngineTest, DamageIsToldAndHoldsUpNobodyElse) {
  const CallerId caller = server_.Call(kId, "once");
  server_.Step(EngineServer::AnswerIs::kDamage);
  ASSERT_TRUE(server_.HasReply(caller));
  EXPECT_EQ(server_.ReplyOf(caller).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(server_.engine()->Running("once"), 0u) << "its place is free again";
  EXPECT_TRUE(server_.starts().empty());
  const CallerId other = server_.Call(IdAt(kWallMs, 2), "once");
  server_.Settle();
  ASSERT_EQ(server_.starts().size(), 1u) << "one damaged record is no reason to refuse other calls";
  server_.Finish(server_.last_run(), "1");
  server_.Settle();
  EXPECT_TRUE(server_.ReplyOf(other).ok());
}

TEST_F(EngineTest, CountersAreReservedAheadOfTheirUse) {
  EXPECT_GT(table_.clock_limit(), server_.clock()->now());
  EXPECT_EQ(table_.clock_limit(), server_.clock()->limit());
  const uint64_t far = server_.clock()->limit() + 5 * LamportClock::kBlock;
  server_.engine()->Reserve(far);
  server_.Settle();
  EXPECT_EQ(server_.clock()->Observe(far), LamportClock::Observed::kOk);
  EXPECT_GT(table_.clock_limit(), far);
}

TEST_F(EngineTest, QuestionsAreAnsweredAtEveryStage) {
  const auto state_of = [&](const RequestId& id) {
    const absl::StatusOr<CallInfo> reply = server_.LookReplyOf(server_.Look(id));
    return reply.ok() ? reply->state : CallInfo::State::kInterrupted;
  };
  EXPECT_EQ(ErrorReason(server_.LookReplyOf(server_.Look(kId)).status()), "REQUEST_ID_UNKNOWN");
  server_.Call(kId, "once");
  server_.Settle();
  EXPECT_EQ(state_of(kId), CallInfo::State::kRunning);
  for (uint8_t i = 2; i <= 3; ++i) server_.Call(IdAt(kWallMs, i), "once");
  server_.Settle();
  EXPECT_EQ(state_of(IdAt(kWallMs, 3)), CallInfo::State::kQueued);
  server_.Finish(server_.starts()[0].request.run, "5");
  server_.Settle();
  EXPECT_EQ(state_of(kId), CallInfo::State::kDone);
  EXPECT_EQ(server_.LookReplyOf(server_.Look(kId))->outcome->result, "5");
}

}  // namespace
}  // namespace lamppost::rpc
