// Ten thousand programs, many of them cut off: nothing of them is left behind, neither processes nor memory.
#include <atomic>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/integration/rpc/testing/functions_directory.h"
#include "tests/integration/rpc/testing/rpc_server.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

struct ProcessFacts {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = '?';
  bool is_marked = false;  // has the mark in its environment
};

std::vector<ProcessFacts> AllProcesses(const std::string& mark) {
  std::vector<ProcessFacts> all;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    ProcessFacts facts;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &facts.pid)) continue;
    const std::string stat = ReadFile(entry.path().string() + "/stat");
    const size_t behind_name = stat.rfind(") ");
    if (behind_name == std::string::npos) continue;
    const std::vector<std::string> fields = absl::StrSplit(stat.substr(behind_name + 2), ' ');
    facts.state = fields[0][0];
    if (!absl::SimpleAtoi(fields[1], &facts.parent)) continue;
    facts.is_marked = absl::StrContains(ReadFile(entry.path().string() + "/environ"), mark);
    all.push_back(facts);
  }
  return all;
}

size_t OpenFiles(pid_t pid) {
  std::error_code error;
  size_t count = 0;
  for (auto it = std::filesystem::directory_iterator(absl::StrCat("/proc/", pid, "/fd"), error);
       it != std::filesystem::directory_iterator(); it.increment(error)) {
    ++count;
  }
  return count;
}

class Programs : public ::testing::Test {
 protected:
  Programs() {
    const std::string common = absl::StrCat(R"("environment":{"TEST_MARK":")", mark_,
                                            R"("},"queue_max":1000,"concurrency_max":16,"idempotent":true,)");
    functions_.AddShell("quick", "cat", common);
    const std::string killable =
        common + R"("when_abandoned":"kill","abandon_grace_ms":0,"time_limit_ms":20000,)";
    functions_.AddShell("slow", "sleep 30", killable);
    functions_.AddShell("family", "sleep 30 & setsid sleep 30 & (setsid sleep 30 &) ; sleep 30", killable);
    functions_.Write("worker.py", R"(import json, sys, time
for line in sys.stdin:
    call = json.loads(line)
    time.sleep(call["params"].get("s", 0))
    print(json.dumps({"request_id": call["request_id"], "result": call["params"]}), flush=True)
)");
    functions_.Write("worker.json", absl::StrCat(R"({"name":"worker","description":"","mode":"worker",)",
                                                 killable, R"("command":["python3","worker.py"]})"));
  }

  size_t MarkedProcesses() const {
    size_t count = 0;
    for (const ProcessFacts& facts : AllProcesses(mark_)) count += facts.is_marked;
    return count;
  }
  // Of the server and of what it has forked.
  size_t Zombies() {
    size_t count = 0;
    const pid_t server = server_.process()->pid();
    std::vector<ProcessFacts> all = AllProcesses(mark_);
    for (const ProcessFacts& facts : all) {
      if (facts.state != 'Z') continue;
      count += facts.parent == server;
      for (const ProcessFacts& parent : all) count += parent.pid == facts.parent && parent.parent == server;
    }
    return count;
  }
  // One call that is cut off at its deadline.
  absl::Status Call(const std::string& function, const std::string& params, absl::Duration limit) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + limit));
    rpc::v1::CallResponse response;
    const grpc::Status status =
        server_.client()->stub()->Call(&context, MakeCall(NewRequestId(), function, params), &response);
    if (!status.ok()) return absl::Status(static_cast<absl::StatusCode>(status.error_code()), "");
    return response.outcome().has_result() ? absl::OkStatus()
                                           : absl::InternalError(TextOf(response.outcome()));
  }

  const std::string mark_ = absl::StrCat("lamppost-test-", NewRequestId());
  FunctionsDirectory functions_;
  RpcServer server_{{"--functions-dir", functions_.path(), "--request-store", "memory"}};
};

TEST_F(Programs, TenThousandCallsWithCancellationsLeaveNothingBehind) {
  constexpr int kCalls = 10'000;
  ASSERT_OK(server_.Start());
  std::atomic<int> begun{0}, done{0}, cut{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&, i] {
      std::mt19937 random(static_cast<unsigned>(i));
      while (begun++ < kCalls) {
        const unsigned kind = random() % 10;
        const absl::Duration brief = absl::Milliseconds(1 + random() % 30);
        absl::Status status;
        if (kind < 5) {
          status = Call("quick", R"({"n":1})", absl::Seconds(60));
          EXPECT_OK(status);
        } else if (kind < 7) {
          status = Call("quick", R"({"n":1})", brief);
        } else if (kind < 8) {
          status = Call("worker", R"({"s":0.1})", brief);
        } else {
          status = Call(kind < 9 ? "slow" : "family", "{}", brief);
        }
        ++(status.ok() ? done : cut);
      }
    });
  }
  EXPECT_OK(WaitFor("the first thousand", absl::Seconds(120), [&] { return done + cut > 1000; }));
  const uint64_t early_bytes = server_.process()->MemoryBytes();
  const size_t early_files = OpenFiles(server_.process()->pid());
  for (std::thread& thread : threads) thread.join();
  std::cout << done << " done, " << cut << " cut off; " << (early_bytes >> 20) << " MiB early, "
            << (server_.process()->MemoryBytes() >> 20) << " MiB late\n";
  EXPECT_GT(cut, kCalls / 5);
  EXPECT_OK(WaitFor("the runs to end", absl::Seconds(30), [&] {
    const auto list = server_.client()->ListFunctions();
    if (!list.ok()) return false;
    uint32_t running = 0;
    for (const auto& function : list->functions()) running += function.running() + function.waiting();
    return running == 0;
  }));
  // What remains are workers that wait for work, as many as may run at a time.
  EXPECT_OK(WaitFor("all that was started to be gone", absl::Seconds(10),
                    [&] { return MarkedProcesses() <= 16 && Zombies() == 0; }));
  EXPECT_LT(server_.process()->MemoryBytes(), early_bytes + (uint64_t{64} << 20));
  EXPECT_LT(OpenFiles(server_.process()->pid()), early_files + 100);
  EXPECT_EQ(server_.Stop().value(), 0);
  EXPECT_OK(WaitFor("no process to be left", absl::Seconds(10), [&] { return MarkedProcesses() == 0; }));
}

TEST_F(Programs, WithoutItsLauncherAServerEndsAndLeavesNothing) {
  functions_.AddShell("assassin", "setsid sleep 30 & kill -9 $PPID; sleep 30",
                      absl::StrCat(R"("environment":{"TEST_MARK":")", mark_, R"("},)"));
  ASSERT_OK(server_.Start());
  std::thread family([&] { Call("family", "{}", absl::Seconds(20)).IgnoreError(); });
  EXPECT_OK(WaitFor("the programs", absl::Seconds(20), [&] { return MarkedProcesses() >= 5; }));
  const absl::Status status = Call("assassin", "{}", absl::Seconds(20));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  family.join();
  const absl::StatusOr<int> exit_code = server_.process()->Wait(absl::Seconds(5));
  ASSERT_OK(exit_code.status());
  EXPECT_EQ(*exit_code, 1);
  EXPECT_EQ(MarkedProcesses(), 0u);
}

TEST_F(Programs, NoneOutlivesAServerThatIsKilled) {
  ASSERT_OK(server_.Start());
  std::vector<std::thread> threads;
  for (const char* function : {"slow", "family", "worker"}) {
    threads.emplace_back([&, function] {
      Call(function, function == std::string("worker") ? R"({"s":30})" : "{}", absl::Seconds(20))
          .IgnoreError();
    });
  }
  EXPECT_OK(WaitFor("the programs", absl::Seconds(20), [&] { return MarkedProcesses() >= 7; }));
  server_.Kill();
  for (std::thread& thread : threads) thread.join();
  EXPECT_OK(WaitFor("no process to be left", absl::Seconds(10), [&] { return MarkedProcesses() == 0; }));
}

}  // namespace
}  // namespace lamppost::testing
