// How the server starts, what it says when it cannot, and how it ends.
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/error.h"
#include "tests/integration/rpc/testing/functions_directory.h"
#include "tests/integration/rpc/testing/rpc_server.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using ::testing::HasSubstr;

Finished RunServer(const std::vector<std::string>& flags) {
  ProcessOptions options;
  options.command = {kRpcProgram};
  options.command.insert(options.command.end(), flags.begin(), flags.end());
  return RunToEnd(options, absl::Seconds(20));
}

TEST(Start, WrongFlagsAreUsageErrors) {
  for (const std::vector<std::string>& flags : {std::vector<std::string>{},
                                                {"--port", "x"},
                                                {"--port", "0", "--nonsense"},
                                                {"--port", "0", "--request-store", "redis://x"},
                                                {"--port", "0", "--retention", "0"},
                                                {"--port", "0", "--listen", "nowhere"}}) {
    const Finished finished = RunServer(flags);
    EXPECT_EQ(finished.exit_code, 2) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("lamppost-rpc: "));
  }
  EXPECT_EQ(RunServer({"--help"}).exit_code, 0);
  EXPECT_THAT(RunServer({"--version"}).out, HasSubstr("lamppost-rpc "));
}

TEST(Start, WhatCannotBeHadIsNamed) {
  int port = 0;
  const int listener = ListenOnLoopback(&port);
  const std::string data = NewTestPath("data");
  const Finished taken = RunServer({"--port", absl::StrCat(port), "--data-dir", data});
  EXPECT_EQ(taken.exit_code, 1);
  EXPECT_THAT(taken.err, HasSubstr("PORT_IN_USE"));
  EXPECT_FALSE(std::filesystem::exists(data)) << "a port that is taken leaves nothing behind";
  close(listener);

  const std::string free_port = absl::StrCat(ReservePort().value());
  const std::string file = NewTestPath("file");
  std::ofstream(file) << "x";
  const Finished no_directory = RunServer({"--port", free_port, "--data-dir", file});
  EXPECT_EQ(no_directory.exit_code, 1);
  EXPECT_THAT(no_directory.err, HasSubstr(file));

  const Finished no_etcd = RunServer({"--port", free_port, "--data-dir", data, "--request-store",
                                      absl::StrCat("etcd://127.0.0.1:", ReservePort().value())});
  EXPECT_EQ(no_etcd.exit_code, 1);
  EXPECT_THAT(no_etcd.err, HasSubstr("REQUEST_STORE_UNAVAILABLE"));
}

TEST(Start, OneDataDirectoryIsForOneServer) {
  RpcServer first;
  ASSERT_OK(first.Start());
  const Finished second =
      RunServer({"--port", absl::StrCat(ReservePort().value()), "--data-dir", first.data_directory()});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("DATA_DIR_IN_USE"));
}

TEST(Start, OutcomesSurviveARestart) {
  RpcServer server;
  ASSERT_OK(server.Start());
  const std::string id = NewRequestId();
  const auto first = server.client()->Call(id, "counter", R"({"name":"c"})");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(server.Stop().value(), 0);
  ASSERT_OK(server.Start());
  const auto again = server.client()->Call(id, "counter", R"({"name":"c"})");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->replayed());
  EXPECT_EQ(again->outcome().SerializeAsString(), first->outcome().SerializeAsString());
  EXPECT_GT(again->clock().counter(), first->clock().counter());
}

TEST(Drain, WhatRunsMayFinishAndWhatIsNewIsRefused) {
  RpcServer server;
  ASSERT_OK(server.Start());
  const std::string id = NewRequestId();
  absl::StatusOr<rpc::v1::CallResponse> slow;
  std::thread caller([&] { slow = server.client()->Call(id, "sleep", R"({"ms":1500})"); });
  EXPECT_OK(WaitFor("the run", absl::Seconds(10), [&] {
    const auto info = server.client()->GetCall(id);
    return info.ok() && info->state() == rpc::v1::CALL_STATE_RUNNING;
  }));
  server.process()->Signal(SIGTERM);
  caller.join();
  EXPECT_TRUE(slow.ok()) << slow.status();
  EXPECT_EQ(server.process()->Wait(absl::Seconds(10)).value(), 0);
}

TEST(Drain, WhatTakesTooLongIsCutOffAndSaidToBe) {
  FunctionsDirectory functions;
  functions.AddShell("long", "sleep 60");
  RpcServer server({"--functions-dir", functions.path(), "--drain-ms", "300"});
  ASSERT_OK(server.Start());
  const std::string id = NewRequestId();
  absl::StatusOr<rpc::v1::CallResponse> cut;
  std::thread caller([&] { cut = server.client()->Call(id, "long", "{}"); });
  EXPECT_OK(WaitFor("the run", absl::Seconds(10), [&] {
    const auto info = server.client()->GetCall(id);
    return info.ok() && info->state() == rpc::v1::CALL_STATE_RUNNING;
  }));
  EXPECT_EQ(server.Stop(absl::Seconds(10)).value(), 0);
  caller.join();
  ASSERT_OK(server.Start());
  const auto after = server.client()->Call(id, "long", "{}");
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(TextOf(after->outcome()), "unknown SHUT_DOWN");
}

}  // namespace
}  // namespace lamppost::testing
