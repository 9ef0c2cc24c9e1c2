// Three servers that share a store on etcd: a retry may go to any of them, and one of them dies.
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "services/rpc/storage/testing/etcd_process.h"
#include "tests/integration/rpc/testing/counter_load.h"
#include "tests/integration/rpc/testing/rpc_server.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

class Fleet : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<rpc::EtcdProcess>> etcd = rpc::EtcdProcess::Start();
    ASSERT_TRUE(etcd.ok()) << etcd.status();
    etcd_ = *std::move(etcd);
    for (int i = 0; i < 3; ++i) {
      servers_.push_back(std::make_unique<RpcServer>(
          std::vector<std::string>{"--request-store", etcd_->address(), "--counter-dir", counters_,
                                   "--enable-faults", "--id", absl::StrCat("S", i)}));
      ASSERT_OK(servers_.back()->Start());
      ASSERT_OK(servers_.back()->client()->AddFault(rpc::v1::FAULT_KIND_LOSE_REPLY, 0.05, 0, 0));
      ASSERT_OK(servers_.back()->client()->AddFault(rpc::v1::FAULT_KIND_DELAY, 0.05, 30, 0));
    }
  }
  std::string Addresses() const {
    return absl::StrJoin(
        servers_, ",", [](std::string* out, const auto& server) { absl::StrAppend(out, server->address()); });
  }

  std::unique_ptr<rpc::EtcdProcess> etcd_;
  const std::string counters_ = NewTestPath("counters");
  std::vector<std::unique_ptr<RpcServer>> servers_;
};

TEST_F(Fleet, TenThousandCallsWhileOneIsKilledAgainAndAgainAndAtLastForGood) {
  CounterLoadOptions options;
  options.servers = Addresses();
  CounterLoad load(options);
  std::mt19937 random(std::random_device{}());
  int kills = 0;
  while (!load.IsDone()) {
    // The moment of a kill is meant to be any.
    absl::SleepFor(absl::Milliseconds(std::uniform_int_distribution<int>(200, 1000)(random)));
    servers_[2]->Kill();
    if (++kills == 4) break;
    ASSERT_OK(servers_[2]->Start());
  }
  load.Finish();
  std::cout << kills << " kills\n";
  load.Check(absl::StrCat(counters_, "/", options.counter));
  EXPECT_GE(kills, 2);
  EXPECT_GT(load.replayed(), 100);
  // A kill leaves open what runs then, at most one call of each thread.
  EXPECT_LE(load.CountOf(client::CallOutcome::kUnknown), kills * options.threads);
}

TEST_F(Fleet, ARetryAtAnotherServerJoinsAndReplays) {
  for (const auto& server : servers_) ASSERT_OK(server->client()->ClearFaults());
  const std::string id = NewRequestId();
  std::vector<absl::StatusOr<rpc::v1::CallResponse>> responses(3);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 3; ++i) {
    threads.emplace_back(
        [&, i] { responses[i] = servers_[i]->client()->Call(id, "counter", R"({"name":"joined"})"); });
  }
  for (std::thread& thread : threads) thread.join();
  int first = 0;
  for (const auto& response : responses) {
    ASSERT_TRUE(response.ok()) << response.status();
    first += !response->replayed();
    EXPECT_EQ(response->outcome().SerializeAsString(), responses[0]->outcome().SerializeAsString());
  }
  EXPECT_EQ(first, 1);
  EXPECT_EQ(ReadFile(counters_ + "/joined"), id + "\n");
}

TEST_F(Fleet, AFrozenOwnerIsSlowAndThenDead) {
  for (const auto& server : servers_) ASSERT_OK(server->client()->ClearFaults());
  const std::string id = NewRequestId();
  std::thread caller(
      [&] { servers_[0]->client()->Call(id, "sleep", R"({"ms":1500})").status().IgnoreError(); });
  EXPECT_OK(WaitFor("the run", absl::Seconds(10), [&] {
    const auto info = servers_[1]->client()->GetCall(id);
    return info.ok() && info->state() == rpc::v1::CALL_STATE_RUNNING;
  }));
  servers_[0]->process()->Signal(SIGSTOP);
  // Slow: the other one waits for it.
  EXPECT_EQ(servers_[1]->client()->GetCall(id)->state(), rpc::v1::CALL_STATE_RUNNING);
  // Dead: its lease runs out. The function is idempotent, so the other one runs it.
  EXPECT_OK(WaitFor("the lease to run out", absl::Seconds(30), [&] {
    const auto info = servers_[1]->client()->GetCall(id);
    return info.ok() && info->state() == rpc::v1::CALL_STATE_INTERRUPTED;
  }));
  const absl::StatusOr<rpc::v1::CallResponse> rerun =
      servers_[1]->client()->Call(id, "sleep", R"({"ms":1500})");
  ASSERT_TRUE(rerun.ok()) << rerun.status();
  servers_[0]->process()->Signal(SIGCONT);
  caller.join();
  // It is back, and says what the other one said.
  EXPECT_OK(WaitFor("the frozen one to agree", absl::Seconds(20), [&] {
    const auto late = servers_[0]->client()->Call(id, "sleep", R"({"ms":1500})");
    return late.ok() && late->outcome().SerializeAsString() == rerun->outcome().SerializeAsString();
  }));
}

TEST_F(Fleet, WithoutEtcdCallsAreRefusedAndWithItTheyGoOn) {
  for (const auto& server : servers_) ASSERT_OK(server->client()->ClearFaults());
  etcd_->Kill();
  EXPECT_OK(WaitFor("NOT_SERVING", absl::Seconds(20), [&] { return !servers_[0]->client()->IsServing(); }));
  const absl::StatusOr<rpc::v1::CallResponse> refused =
      servers_[0]->client()->Call(NewRequestId(), "add", R"({"a":1,"b":2})");
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable) << refused.status();
  ASSERT_OK(etcd_->Restart());
  EXPECT_OK(WaitFor("SERVING", absl::Seconds(30), [&] { return servers_[0]->client()->IsServing(); }));
  EXPECT_TRUE(servers_[0]->client()->Call(NewRequestId(), "add", R"({"a":1,"b":2})").ok());
}

}  // namespace
}  // namespace lamppost::testing
