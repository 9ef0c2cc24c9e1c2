// Ten thousand calls while replies are lost and the server is killed: no acknowledged call ran twice or not
// at all.
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/integration/rpc/testing/counter_load.h"
#include "tests/integration/rpc/testing/rpc_server.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

absl::Status AddFaults(RpcClient* client) {
  if (absl::Status status = client->AddFault(rpc::v1::FAULT_KIND_DELAY, 0.1, 30, 0); !status.ok())
    return status;
  if (absl::Status status = client->AddFault(rpc::v1::FAULT_KIND_FAIL_BEFORE, 0.02, 0, 0); !status.ok()) {
    return status;
  }
  return client->AddFault(rpc::v1::FAULT_KIND_LOSE_REPLY, 0.05, 0, 0);
}

TEST(AtMostOnce, UnderDelaysLostRepliesAndKills) {
  RpcServer server({"--enable-faults"});
  ASSERT_OK(server.Start());
  ASSERT_OK(AddFaults(server.client()));
  CounterLoadOptions options;
  options.servers = server.address();
  CounterLoad load(options);
  std::mt19937 random(std::random_device{}());
  int kills = 0;
  while (!load.IsDone()) {
    // The moment of a kill is meant to be any.
    absl::SleepFor(absl::Milliseconds(std::uniform_int_distribution<int>(100, 700)(random)));
    server.Kill();
    ++kills;
    ASSERT_OK(server.Start());
    ASSERT_OK(AddFaults(server.client()));
  }
  load.Finish();
  std::cout << kills << " kills\n";
  load.Check(absl::StrCat(server.data_directory(), "/counters/", options.counter));
  EXPECT_GE(kills, 5);
  EXPECT_GT(load.replayed(), 100) << "lost replies were to be replayed";
  // A kill leaves open what runs then, at most one call of each thread.
  EXPECT_LE(load.CountOf(client::CallOutcome::kUnknown), kills * options.threads);
  EXPECT_OK(server.client()->ClearFaults());
  EXPECT_EQ(server.Stop().value(), 0);
}

// A crash in the middle of a run is said to be unknown, for good; an idempotent function runs again.
TEST(AtMostOnce, ACrashInMidRun) {
  RpcServer server({"--enable-faults"});
  ASSERT_OK(server.Start());
  RpcClient* const client = server.client();
  const std::string once = NewRequestId(), again = NewRequestId();
  for (const auto& [id, method, params] :
       {std::tuple(once, "counter", R"({"name":"c"})"), std::tuple(again, "sleep", R"({"ms":300})")}) {
    // The counter's run is over within a millisecond, so it may or may not have come to its end.
    ASSERT_OK(client->AddFault(rpc::v1::FAULT_KIND_CRASH, 1, 0, 1));
    const absl::StatusOr<rpc::v1::CallResponse> cut = client->Call(id, method, params);
    EXPECT_EQ(cut.status().code(), absl::StatusCode::kUnavailable) << cut.status();
    ASSERT_EQ(server.process()->Wait(absl::Seconds(10)).value(), 128 + 9);
    ASSERT_OK(server.Start());
  }
  const absl::StatusOr<rpc::v1::CallResponse> unknown = client->Call(once, "counter", R"({"name":"c"})");
  ASSERT_TRUE(unknown.ok()) << unknown.status();
  EXPECT_EQ(TextOf(unknown->outcome()), "unknown SERVER_CRASHED");
  EXPECT_EQ(client->GetCall(once)->outcome().SerializeAsString(), unknown->outcome().SerializeAsString());
  EXPECT_EQ(client->GetCall(again)->state(), rpc::v1::CALL_STATE_INTERRUPTED);
  const absl::StatusOr<rpc::v1::CallResponse> rerun = client->Call(again, "sleep", R"({"ms":300})");
  ASSERT_TRUE(rerun.ok()) << rerun.status();
  EXPECT_TRUE(rerun->outcome().has_result());
}

}  // namespace
}  // namespace lamppost::testing
