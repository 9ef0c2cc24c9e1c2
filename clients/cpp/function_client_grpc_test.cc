// FunctionClient against real gRPC servers: balancing, health, hedging, streams, lost replies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <set>
#include <thread>

#include "absl/strings/str_join.h"
#include "clients/cpp/cutting_proxy.h"
#include "clients/cpp/fake_function_service.h"
#include "clients/cpp/function_client.h"
#include "services/common/error.h"

namespace lamppost::client {
namespace {

using rpc::Json;

// Under a sanitizer on a busy machine a call takes its time; a test that waits for a failure sets less.
FunctionClientOptions PatientOptions(const std::vector<std::string>& servers) {
  FunctionClientOptions options;
  options.servers = *ParseAddresses(absl::StrJoin(servers, ","));
  options.timeout_ms = 60'000;
  options.retry.attempt_timeout_ms = 20'000;
  return options;
}

std::string DeadAddress() {
  FakeFunctionServer server("dead");
  server.Stop();
  return server.address();
}

bool Eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

TEST(FunctionClientGrpcTest, CallGetCallList) {
  FakeFunctionServer server("A");
  FunctionClient client(PatientOptions({server.address()}));
  const FunctionCallResult echo = client.Call("echo", {{"a", 1}, {"b", {true, nullptr}}});
  ASSERT_TRUE(echo.ok()) << echo.status;
  EXPECT_EQ(echo.result().dump(), R"({"a":1,"b":[true,null]})");
  EXPECT_EQ(echo.server, server.address());
  EXPECT_FALSE(echo.replayed);
  EXPECT_GT(client.clock(), echo.server_clock);
  const auto known = client.GetCall(echo.request_id);
  ASSERT_TRUE(known.ok()) << known.status;
  EXPECT_EQ(known.response.state(), rpc::v1::CALL_STATE_DONE);
  EXPECT_EQ(ErrorReason(client.GetCall(rpc::ToString(MintUuidV7())).status), "REQUEST_ID_UNKNOWN");
  EXPECT_EQ(client.ListFunctions().response.functions(0).name(), "add");
  const FunctionCallResult unknown = client.Call("ecko", Json::object());
  EXPECT_EQ(unknown.outcome, CallOutcome::kFailed);
  EXPECT_EQ(ErrorReason(unknown.status), "FUNCTION_UNKNOWN");
}

TEST(FunctionClientGrpcTest, ALostReplyIsReplayed) {
  const auto functions = std::make_shared<FakeFunctions>();
  FakeFunctionServer server("A", functions);
  server.service().LoseReplies(2);
  FunctionClient client(PatientOptions({server.address()}));
  const FunctionCallResult count = client.Call("count", Json::object());
  ASSERT_TRUE(count.ok()) << count.status;
  EXPECT_EQ(count.attempts, 3);
  EXPECT_TRUE(count.replayed);
  EXPECT_EQ(count.result(), Json(1));
  EXPECT_EQ(functions->runs(), 1);
  const std::vector<SeenCall> seen = server.service().seen();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].request_id, seen[2].request_id);
  EXPECT_LT(seen[0].clock, seen[1].clock);
  EXPECT_LT(seen[1].clock, seen[2].clock);
}

TEST(FunctionClientGrpcTest, ACutConnectionIsUnknownUntilAskedAgain) {
  const auto functions = std::make_shared<FakeFunctions>();
  FakeFunctionServer server("A", functions);
  CuttingProxy proxy(server.port());
  FunctionClientOptions options = PatientOptions({"127.0.0.1:" + std::to_string(proxy.port())});
  options.retry.attempts_max = 1;
  FunctionClient client(options);
  FunctionCallResult cut;
  std::thread caller([&] { cut = client.Call("wait", Json::object()); });
  EXPECT_TRUE(Eventually([&] { return !server.service().seen().empty(); }));
  EXPECT_TRUE(Eventually([&] { return functions->IsRunning(server.service().seen()[0].request_id); }));
  proxy.Cut();
  caller.join();
  EXPECT_EQ(cut.outcome, CallOutcome::kUnknown) << cut.status;
  functions->Release();
  FunctionCallOptions again;
  again.request_id = cut.request_id;
  const FunctionCallResult known = client.Call("wait", Json::object(), again);
  ASSERT_TRUE(known.ok()) << known.status;
  EXPECT_EQ(functions->runs(), 1);
}

TEST(FunctionClientGrpcTest, CallsGoRoundTheServers) {
  const auto functions = std::make_shared<FakeFunctions>();
  FakeFunctionServer a("A", functions);
  FakeFunctionServer b("B", functions);
  FunctionClient client(PatientOptions({a.address(), b.address()}));
  std::set<std::string> servers;
  EXPECT_TRUE(Eventually([&] {
    servers.insert(client.Call("echo", Json::object()).server);
    return servers.size() == 2;
  }));
  EXPECT_EQ(servers, (std::set<std::string>{a.address(), b.address()}));
}

TEST(FunctionClientGrpcTest, AServerThatDoesNotServeGetsNoCalls) {
  FakeFunctionServer a("A");
  FakeFunctionServer b("B");
  a.SetHealth(ServingState::kNotServing);
  FunctionClient client(PatientOptions({a.address(), b.address()}));
  for (int i = 0; i < 20; ++i) {
    const FunctionCallResult result = client.Call("echo", Json::object());
    ASSERT_TRUE(result.ok()) << result.status;
    EXPECT_EQ(result.server, b.address());
    EXPECT_EQ(result.attempts, 1);
  }
  EXPECT_TRUE(a.service().seen().empty());
  a.SetHealth(ServingState::kServing);
  EXPECT_TRUE(Eventually([&] {
    client.Call("echo", Json::object());
    return !a.service().seen().empty();
  })) << "once it serves it gets its share";
}

TEST(FunctionClientGrpcTest, IfNobodyServesNothingWasSent) {
  FakeFunctionServer a("A");
  a.SetHealth(ServingState::kNotServing);
  FunctionClientOptions options = PatientOptions({a.address(), DeadAddress()});
  options.retry.attempts_max = 2;
  FunctionClient client(options);
  const FunctionCallResult result = client.Call("echo", Json::object());
  EXPECT_EQ(result.outcome, CallOutcome::kFailed);
  EXPECT_EQ(ErrorReason(result.status), "NOT_CONNECTED") << result.status;
  EXPECT_TRUE(a.service().seen().empty());
}

TEST(FunctionClientGrpcTest, ADeadServerCostsNoAttempt) {
  FakeFunctionServer b("B");
  FunctionClient client(PatientOptions({DeadAddress(), b.address(), DeadAddress()}));
  for (int i = 0; i < 10; ++i) {
    const FunctionCallResult result = client.Call("echo", Json::object());
    ASSERT_TRUE(result.ok()) << result.status;
    EXPECT_EQ(result.attempts, 1);
  }
}

TEST(FunctionClientGrpcTest, AServerThatComesBackIsFound) {
  auto server = std::make_unique<FakeFunctionServer>("A");
  const int port = server->port();
  FunctionClient client(PatientOptions({server->address()}));
  EXPECT_TRUE(client.Call("echo", Json::object()).ok());
  server.reset();
  FunctionCallOptions brief;
  brief.timeout_ms = 200;
  EXPECT_FALSE(client.Call("echo", Json::object(), brief).ok());
  server = std::make_unique<FakeFunctionServer>("A", std::make_shared<FakeFunctions>(), port);
  EXPECT_TRUE(client.Call("echo", Json::object()).ok());
}

TEST(FunctionClientGrpcTest, AnAttemptHasItsDeadlineAndTheNextOneJoins) {
  const auto functions = std::make_shared<FakeFunctions>();
  FakeFunctionServer server("A", functions);
  FunctionClientOptions options = PatientOptions({server.address()});
  options.retry.attempt_timeout_ms = 500;
  options.observer = [&functions](const AttemptReport& report) {
    if (report.status.code() == absl::StatusCode::kDeadlineExceeded) functions->Release();
  };
  FunctionClient client(options);
  const FunctionCallResult result = client.Call("wait", Json::object());
  ASSERT_TRUE(result.ok()) << result.status;
  EXPECT_GE(result.attempts, 2);
  EXPECT_EQ(functions->runs(), 1);
  EXPECT_LE(server.service().seen()[0].deadline_ms, 500);
}

TEST(FunctionClientGrpcTest, AHedgeWinsAndTheOtherIsCalledOff) {
  const auto functions = std::make_shared<FakeFunctions>();
  FakeFunctionServer a("A", functions);
  FakeFunctionServer b("B", functions);
  FunctionClientOptions options = PatientOptions({a.address(), b.address()});
  options.hedge.delay_ms = 50;
  std::vector<RpcReport> rpcs;
  options.observer = [&rpcs](const AttemptReport& report) { rpcs = report.rpcs; };
  FunctionClient client(options);
  // Both are connected, so that a call and its hedge go to different ones.
  std::set<std::string> servers;
  EXPECT_TRUE(Eventually([&] {
    servers.insert(client.Call("echo", Json::object()).server);
    return servers.size() == 2;
  }));
  const size_t seen_a = a.service().seen().size();
  const size_t seen_b = b.service().seen().size();
  a.service().Hold(true);
  FunctionCallResult result;
  do {  // until one has begun at A
    result = client.Call("count", Json::object());
    ASSERT_TRUE(result.ok()) << result.status;
    EXPECT_EQ(result.attempts, 1);
  } while (rpcs.empty());
  EXPECT_EQ(result.server, b.address());
  ASSERT_EQ(rpcs.size(), 2u);
  EXPECT_EQ(rpcs[0].status.code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(rpcs[1].status.ok());
  EXPECT_GE(rpcs[1].started_us, 45'000);
  EXPECT_LT(rpcs[0].clock_sent, rpcs[1].clock_sent);
  EXPECT_TRUE(Eventually([&] { return a.service().cancelled() == 1; }));
  EXPECT_EQ(a.service().seen().at(seen_a).request_id, b.service().seen().back().request_id);
  EXPECT_GT(b.service().seen().size(), seen_b);
}

TEST(FunctionClientGrpcTest, AFailureWaitsForTheHedge) {
  FakeFunctionServer server("A");
  FunctionClientOptions options = PatientOptions({server.address()});
  options.hedge.delay_ms = 20;
  options.retry.attempts_max = 1;
  FunctionClient client(options);
  ASSERT_TRUE(client.Call("echo", Json::object()).ok());
  server.service().Hold(true);
  server.service().RefuseNext(MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "stopping"));
  FunctionCallResult result;
  std::thread caller([&] { result = client.Call("count", Json::object()); });
  EXPECT_TRUE(Eventually([&] { return server.service().seen().size() == 3; }));
  server.service().Hold(false);
  caller.join();
  EXPECT_TRUE(result.ok()) << "one was refused, the other one not: " << result.status;
}

TEST(FunctionClientGrpcTest, AStreamGoesOnAfterALostConnection) {
  const auto functions = std::make_shared<FakeFunctions>();
  FakeFunctionServer server("A", functions);
  CuttingProxy proxy(server.port());
  FunctionClientOptions options = PatientOptions({"127.0.0.1:" + std::to_string(proxy.port())});
  options.retry.attempt_timeout_ms = 20'000;
  FunctionClient client(options);
  int told = 0;
  const FunctionCallResult result =
      client.CallStream("wait", Json::object(), [&](const rpc::v1::Progress& progress) {
        EXPECT_GT(progress.fraction(), 0);
        ++told;
        if (told == 2) proxy.Cut();
        if (told == 6) functions->Release();
      });
  ASSERT_TRUE(result.ok()) << result.status;
  EXPECT_GE(told, 6);
  EXPECT_EQ(result.attempts, 2);
  EXPECT_EQ(functions->runs(), 1);
}

TEST(FunctionClientGrpcTest, SilenceEndsAStreamsAttempt) {
  FakeFunctionServer server("A");
  server.service().Hold(true);
  FunctionClientOptions options = PatientOptions({server.address()});
  options.retry.attempt_timeout_ms = 100;
  options.retry.attempts_max = 2;
  FunctionClient client(options);
  const FunctionCallResult result = client.CallStream("echo", Json::object(), {});
  EXPECT_EQ(result.attempts, 2);
  EXPECT_EQ(result.status.code(), absl::StatusCode::kDeadlineExceeded) << result.status;
  EXPECT_EQ(result.outcome, CallOutcome::kUnknown);
}

TEST(FunctionClientGrpcTest, Faults) {
  FakeFunctionServer server("A");
  FunctionClient client(PatientOptions({server.address()}));
  rpc::v1::Fault fault;
  fault.set_kind(rpc::v1::FAULT_KIND_LOSE_REPLY);
  EXPECT_TRUE(client.AddFault(fault).ok());
  EXPECT_EQ(client.ListFaults().response.faults_size(), 1);
  EXPECT_EQ(client.ClearFaults().response.cleared(), 1u);
}

TEST(FunctionClientGrpcTest, ThreadsShareAClient) {
  const auto functions = std::make_shared<FakeFunctions>();
  FakeFunctionServer a("A", functions);
  FakeFunctionServer b("B", functions);
  FunctionClientOptions options = PatientOptions({a.address(), DeadAddress(), b.address()});
  options.watermark = Watermark::kAutomatic;
  FunctionClient client(options);
  std::vector<std::thread> threads;
  std::atomic<int> done{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        if (client.Call("count", Json::object()).ok()) ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done.load(), 160);
  EXPECT_EQ(functions->runs(), 160);
}

}  // namespace
}  // namespace lamppost::client
