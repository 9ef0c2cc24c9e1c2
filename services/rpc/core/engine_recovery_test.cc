// Servers that crash, share a store, shut down, and forget.
#include <string>

#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/rpc/core/engine.h"
#include "services/rpc/core/testing/engine_server.h"

namespace lamppost::rpc {
namespace {

using testing::EngineServer;
using testing::IdAt;
using testing::kWallMs;
using testing::RandomId;

constexpr uint64_t kDayMs = uint64_t{24} * 3600 * 1000;
const RequestId kId = IdAt(kWallMs, 1);

std::string ReasonOf(const EngineServer& server, CallerId caller) {
  return server.HasReply(caller) ? ErrorReason(server.ReplyOf(caller).status()) : "no reply";
}

class EngineRecoveryTest : public ::testing::Test {
 protected:
  // Called with this id once more, after time has passed in which the sweeper goes round.
  std::string ReasonAfter(uint64_t duration_ms, CallInput input) {
    server_.now()->wall_ms += duration_ms;
    server_.Pass(20'000);
    const CallerId caller = server_.Call(std::move(input));
    server_.Settle();
    return ReasonOf(server_, caller);
  }
  void RunToEnd(CallInput input) {
    server_.Call(std::move(input));
    server_.Settle();
    server_.Finish(server_.last_run(), "1");
    server_.Settle();
  }
  static CallInput Input(const RequestId& id) {
    CallInput input;
    input.id = id;
    input.method = "once";
    input.params = Json::object();
    return input;
  }

  RecordTable table_;
  EngineServer server_{&table_, "S"};
};

TEST_F(EngineRecoveryTest, AfterACrashTheOutcomeIsUnknownAndStaysSo) {
  server_.Call(kId, "once");
  server_.Settle();
  server_.Crash();
  EngineServer next(&table_, "T");
  const CallerId first = next.Call(kId, "once");
  next.Settle();
  const CallerId second = next.Call(kId, "once");
  next.Settle();
  ASSERT_TRUE(next.ReplyOf(first).ok()) << next.ReplyOf(first).status();
  EXPECT_EQ(next.ReplyOf(first)->outcome.kind, Outcome::Kind::kUnknown);
  EXPECT_EQ(next.ReplyOf(first)->outcome.error.reason, "SERVER_CRASHED");
  EXPECT_TRUE(next.ReplyOf(first)->outcome == next.ReplyOf(second)->outcome);
  EXPECT_TRUE(next.starts().empty());
}

TEST_F(EngineRecoveryTest, AQuestionFindsOutTooThatItIsUnknown) {
  server_.Call(kId, "once");
  server_.Settle();
  server_.Crash();
  EngineServer next(&table_, "T");
  const absl::StatusOr<CallInfo> info = next.LookReplyOf(next.Look(kId));
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->state, CallInfo::State::kDone);
  const CallerId caller = next.Call(kId, "once");
  next.Settle();
  EXPECT_TRUE(next.ReplyOf(caller)->outcome == *info->outcome);
}

TEST_F(EngineRecoveryTest, AnIdempotentFunctionRunsAgain) {
  server_.Call(kId, "again");
  server_.Settle();
  server_.Crash();
  EngineServer next(&table_, "T");
  EXPECT_EQ(next.LookReplyOf(next.Look(kId))->state, CallInfo::State::kInterrupted);
  const CallerId caller = next.Call(kId, "again");
  next.Settle();
  ASSERT_EQ(next.starts().size(), 1u);
  next.Finish(next.last_run(), "2");
  next.Settle();
  EXPECT_EQ(next.ReplyOf(caller)->outcome.result, "2");
}

TEST_F(EngineRecoveryTest, ARetryAtAnotherServerWaitsForTheOwner) {
  server_.Call(kId, "again");
  server_.Settle();
  EngineServer other(&table_, "T");
  const CallerId retry = other.Call(kId, "again");
  other.Settle();
  other.Pass(1000);
  EXPECT_FALSE(other.HasReply(retry));
  server_.Finish(server_.last_run(), "3");
  server_.Settle();
  other.Pass(1000);
  ASSERT_TRUE(other.HasReply(retry));
  EXPECT_EQ(other.ReplyOf(retry)->outcome.result, "3");
  EXPECT_TRUE(other.starts().empty());
}

TEST_F(EngineRecoveryTest, AnOwnerThatWasTakenForDeadGivesTheOthersOutcome) {
  const CallerId slow = server_.Call(kId, "once");
  server_.Settle();
  table_.RemoveOwner("S");  // its lease has run out; it goes on all the same
  EngineServer other(&table_, "T");
  const CallerId retry = other.Call(kId, "once");
  other.Settle();
  server_.Finish(server_.last_run(), "4");
  server_.Settle();
  ASSERT_TRUE(server_.ReplyOf(slow).ok());
  EXPECT_EQ(server_.ReplyOf(slow)->outcome.kind, Outcome::Kind::kUnknown);
  EXPECT_TRUE(server_.ReplyOf(slow)->outcome == other.ReplyOf(retry)->outcome);
}

TEST_F(EngineRecoveryTest, AtTheEndRunsAreKilledAndSaidToBeUnknown) {
  const RequestId second = IdAt(kWallMs, 2);
  const RequestId third = IdAt(kWallMs, 3);
  const CallerId once = server_.Call(kId, "once");
  const CallerId again = server_.Call(second, "again");
  server_.Settle();
  const CallerId unstarted = server_.Call(third, "once");
  server_.engine()->Drain();
  EXPECT_EQ(ReasonOf(server_, server_.Call(IdAt(kWallMs, 4), "once")), "SHUTTING_DOWN");
  server_.engine()->KillAll(*server_.now());
  server_.Settle();
  ASSERT_EQ(server_.kills().size(), 2u);
  for (const RunId run : std::vector<RunId>(server_.kills())) server_.FinishKilled(run);
  server_.Settle();
  EXPECT_TRUE(server_.engine()->IsIdle());
  EXPECT_EQ(server_.ReplyOf(once)->outcome.error.reason, "SHUT_DOWN");
  EXPECT_EQ(ReasonOf(server_, again), "RUN_INTERRUPTED");
  EXPECT_EQ(ReasonOf(server_, unstarted), "SHUTTING_DOWN");
  EXPECT_EQ(table_.records().count(third), 0u);
  // The idempotent one is left for the next life.
  server_.Crash();
  EngineServer next(&table_, "T");
  next.Call(second, "again");
  next.Settle();
  EXPECT_EQ(next.starts().size(), 1u);
}

TEST_F(EngineRecoveryTest, ExpiredIdsAreRefusedWhateverTheStoreHasForgotten) {
  RunToEnd(Input(kId));
  EXPECT_EQ(ReasonAfter(kDayMs, Input(kId)), "REQUEST_ID_EXPIRED");
  EXPECT_EQ(table_.records().size(), 0u);
  EXPECT_EQ(table_.horizon_ms(), kWallMs);
  // Also by a server whose clock is behind, to which the id is not old.
  EngineServer behind(&table_, "T");
  const CallerId caller = behind.Call(kId, "once");
  behind.Settle();
  EXPECT_EQ(ReasonOf(behind, caller), "REQUEST_ID_EXPIRED");
  EXPECT_TRUE(behind.starts().empty());
}

TEST_F(EngineRecoveryTest, ExpiredIdsWithoutATimeLeaveAMark) {
  RunToEnd(Input(RandomId(1)));
  EXPECT_EQ(ReasonAfter(kDayMs, Input(RandomId(1))), "REQUEST_ID_EXPIRED");
  EXPECT_EQ(ReasonAfter(9 * kDayMs, Input(RandomId(1))), "REQUEST_ID_EXPIRED");
  EXPECT_EQ(server_.starts().size(), 1u);
}

TEST_F(EngineRecoveryTest, AWatermarkLetsTheServerForget) {
  CallInput first = Input(kId);
  first.client_id = "client";
  RunToEnd(first);
  CallInput second = Input(IdAt(kWallMs + 1, 2));
  second.client_id = "client";
  second.watermark = second.id;
  RunToEnd(second);
  EXPECT_EQ(ReasonAfter(0, first), "REQUEST_ID_EXPIRED");
  EXPECT_EQ(DecodeRecord(table_.records().at(kId).value)->state, Record::State::kForgotten);
  // Its own id is not below it.
  EXPECT_EQ(ReasonAfter(0, second), "");
  // The mark is gone once the id is too old by itself.
  EXPECT_EQ(ReasonAfter(2 * kDayMs, first), "REQUEST_ID_EXPIRED");
  EXPECT_EQ(table_.records().size(), 0u);
  EXPECT_EQ(server_.starts().size(), 2u);
}

TEST_F(EngineRecoveryTest, IdsFromTheFutureAndBadWatermarksAreRefused) {
  EXPECT_EQ(ReasonOf(server_, server_.Call(IdAt(kWallMs + 2 * kDayMs, 1), "once")),
            "REQUEST_ID_FROM_THE_FUTURE");
  CallInput nameless = Input(kId);
  nameless.watermark = kId;
  EXPECT_EQ(ReasonOf(server_, server_.Call(nameless)), "WATERMARK_INVALID");
  CallInput hasty = Input(kId);
  hasty.client_id = "client";
  hasty.watermark = IdAt(kWallMs + 2 * kDayMs, 1);
  RunToEnd(hasty);
  CallInput next = Input(IdAt(kWallMs, 2));
  next.client_id = "client";
  RunToEnd(next);
  EXPECT_EQ(server_.starts().size(), 2u) << "a watermark from the future is passed over";
}

TEST_F(EngineRecoveryTest, OldRunsWhoseOwnerIsGoneAreForgottenThoseOfTheLivingAreNot) {
  server_.Call(kId, "once");
  server_.Settle();
  EngineServer other(&table_, "T");
  other.now()->wall_ms += 2 * kDayMs;
  other.Pass(20'000);
  EXPECT_EQ(table_.records().count(kId), 1u);
  server_.Crash();
  other.Pass(20'000);
  EXPECT_EQ(table_.records().count(kId), 0u);
  EXPECT_GE(table_.horizon_ms(), kWallMs);
}

}  // namespace
}  // namespace lamppost::rpc
