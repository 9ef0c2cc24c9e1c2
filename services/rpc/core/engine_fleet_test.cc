// What simulated fleets (tests/rpc_sim) once found.
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

const RequestId kId = IdAt(kWallMs, 1);

TEST(EngineFleetTest, ARunThatIsTakenBackHasItsParams) {
  RecordTable table;
  EngineServer first(&table, "S");
  const Json params = {{"n", 7}};
  const CallerId caller = first.Call(kId, "again", params);
  first.Settle();
  table.RemoveOwner("S");  // it has lost its lease, and goes on
  EngineServer second(&table, "T");
  second.Call(kId, "again", params);
  second.Settle();
  ASSERT_EQ(second.starts().size(), 1u);
  second.Crash();
  first.Finish(first.last_run(), "1");
  first.Settle();
  ASSERT_EQ(first.starts().size(), 2u);
  EXPECT_EQ(first.starts().back().request.params, params);
  first.Finish(first.last_run(), "2");
  first.Settle();
  ASSERT_TRUE(first.HasReply(caller));
  EXPECT_EQ(first.ReplyOf(caller)->outcome.result, "2");
}

TEST(EngineFleetTest, WhatIsReadFromARecordIsBelowTheClock) {
  RecordTable table;
  EngineServer second(&table, "T");
  EngineServer first(&table, "S");
  ASSERT_EQ(first.clock()->Observe(first.clock()->now() + 1000), LamportClock::Observed::kOk);
  first.Call(kId, "once");
  first.Settle();
  first.Finish(first.last_run(), "1");
  first.Settle();
  const CallerId caller = second.Call(kId, "once");
  second.Settle();
  ASSERT_TRUE(second.HasReply(caller));
  EXPECT_GT(second.clock()->now(), second.ReplyOf(caller)->outcome.finished.counter);
}

TEST(EngineFleetTest, ARecordBeyondTheReservationIsReadOnceItIsReserved) {
  RecordTable table;
  EngineServer second(&table, "T");
  EngineServer third(&table, "U");
  EngineServer first(&table, "S");
  const uint64_t far = 10 * LamportClock::kBlock;
  first.engine()->Reserve(far);
  first.Settle();
  ASSERT_EQ(first.clock()->Observe(far), LamportClock::Observed::kOk);
  first.Call(kId, "once");
  first.Settle();
  first.Finish(first.last_run(), "1");
  first.Settle();
  const CallerId caller = second.Call(kId, "once");
  second.Settle();
  ASSERT_TRUE(second.HasReply(caller));
  EXPECT_GT(second.ReplyOf(caller)->outcome.finished.counter, far);
  EXPECT_GT(second.clock()->now(), second.ReplyOf(caller)->outcome.finished.counter);
  const absl::StatusOr<CallInfo> info = third.LookReplyOf(third.Look(kId));
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->state, CallInfo::State::kDone);
  EXPECT_GT(third.clock()->now(), info->outcome->finished.counter);
}

TEST(EngineFleetTest, WhatIsUnderWayIsJoinedHoweverOldItIs) {
  RecordTable table;
  EngineServer server(&table, "S");
  const CallerId first = server.Call(kId, "once");
  server.now()->wall_ms += 2 * SweeperOptions().retention_ms;
  const CallerId second = server.Call(kId, "once");
  server.Settle();
  server.Finish(server.last_run(), "1");
  server.Settle();
  ASSERT_TRUE(server.HasReply(first));
  ASSERT_TRUE(server.ReplyOf(second).ok()) << server.ReplyOf(second).status();
  EXPECT_EQ(server.ReplyOf(second)->outcome.result, "1");
  const CallerId third = server.Call(kId, "once");
  EXPECT_EQ(ErrorReason(server.ReplyOf(third).status()), "REQUEST_ID_EXPIRED");
}

TEST(EngineFleetTest, ARecordTakenBackBeforeItsStartLeavesTheIdFree) {
  RecordTable table;
  EngineServer first(&table, "S");
  first.Call(kId, "once");
  first.Collect();
  first.engine()->Drain();
  first.engine()->KillAll(*first.now());
  first.Step();            // the record is created; it is to be removed now
  table.RemoveOwner("S");  // its lease has run out meanwhile
  EngineServer second(&table, "T");
  const CallerId caller = second.Call(kId, "once");
  second.Step();  // finds the record
  second.Step();  // finds its owner gone, and is about to record that the outcome is unknown
  first.Settle();
  EXPECT_TRUE(table.records().empty());
  second.Settle();
  ASSERT_EQ(second.starts().size(), 1u) << second.ReplyOf(caller).status();
  second.Finish(second.last_run(), "1");
  second.Settle();
  EXPECT_EQ(second.ReplyOf(caller)->outcome.result, "1");
}

}  // namespace
}  // namespace lamppost::rpc
