#include "services/rpc/functions/launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "services/rpc/functions/program_fixture.h"

namespace lamppost::rpc {
namespace {

class LauncherTest : public ProgramTest {};

bool IsGone(pid_t pid) {
  return kill(pid, 0) != 0 && errno == ESRCH;
}

// Starts a process that leaves the group, the session and its parent.
constexpr char kDaemon[] = R"(#!/usr/bin/python3
import os, time
def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for fd in range(4): os.close(fd)
            time.sleep(1000)
        os._exit(0)
for _ in range(3): daemon()
)";

TEST_F(LauncherTest, WhatLeavesTheGroupDiesWithItsRunAllTheSame) {
  const auto function =
      MakeFunction(std::string(kDaemon) + "time.sleep(0.3)\nos.write(3, b'1\\n')\ntime.sleep(1000)\n");
  const RunId run = runs_.Start(*function, {});
  runs_.WaitForProgress(run);
  // They live while the run does, orphans as they are.
  EXPECT_TRUE(Eventually([&] { return MarkedProcesses(launcher_.pid()).size() == 4u; }));
  function->runnable->Kill(run);
  EXPECT_EQ(ReasonOf(runs_.Wait(run)), kKilled);
  EXPECT_TRUE(Eventually([&] { return MarkedProcesses(launcher_.pid()).empty(); }));
  EXPECT_TRUE(Eventually([&] { return ChildrenOf(launcher_.pid()).empty(); }));
}

TEST_F(LauncherTest, WhatARunLeavesBehindDiesAndOtherRunsLive) {
  const auto other =
      MakeFunction(std::string(kDaemon) + "time.sleep(0.3)\nos.write(3, b'1\\n')\ntime.sleep(1000)\n");
  const RunId living = runs_.Start(*other, {});
  runs_.WaitForProgress(living);
  EXPECT_EQ(TextOf(Call(std::string(kDaemon) + "print(1)\n")), "1");
  EXPECT_TRUE(Eventually([&] { return MarkedProcesses(launcher_.pid()).size() == 4u; }));
  EXPECT_TRUE(Eventually([&] { return ChildrenOf(launcher_.pid()).size() == 4u; }));
  other->runnable->Kill(living);
  runs_.Wait(living);
}

TEST_F(LauncherTest, WhatHasDroppedItsMarkIsNobodysAndDies) {
  const std::string pid_file = directory_ + "/pid";
  const auto function = MakeFunction(
      "#!/bin/sh\nenv -i setsid sh -c 'echo $$ > pid; exec sleep 1000' &\n"
      "while ! [ -s pid ]; do sleep 0.01; done\necho 1\n");
  EXPECT_EQ(TextOf(runs_.Call(*function, {})), "1");
  pid_t pid = 0;
  std::ifstream(pid_file) >> pid;
  ASSERT_GT(pid, 0);
  EXPECT_TRUE(Eventually([&] { return IsGone(pid); }));
}

TEST_F(LauncherTest, ThousandsOfRunsWithKillsLeaveNothing) {
  const auto function =
      MakeFunction("#!/bin/sh\nsleep 1000 & read line\n[ $(($$ % 3)) = 0 ] && sleep 0.01\necho 1\n");
  runs_.Call(*function, {});
  const size_t ours = OpenDescriptors(getpid());
  const size_t launchers = OpenDescriptors(launcher_.pid());
  std::mt19937 random(1);
  size_t killed = 0;
  for (int batch = 0; batch < 100; ++batch) {
    std::vector<RunId> started;
    for (int i = 0; i < 20; ++i) started.push_back(runs_.Start(*function, {}));
    for (const RunId run : started) {
      if (random() % 2 == 0) continue;
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
      function->runnable->Kill(run);
    }
    for (const RunId run : started) {
      const std::string reason = ReasonOf(runs_.Wait(run));
      EXPECT_TRUE(reason.empty() || reason == kKilled) << reason;
      if (reason == kKilled) ++killed;
    }
  }
  EXPECT_GT(killed, 50u);
  EXPECT_LT(killed, 1950u);
  EXPECT_TRUE(Eventually([&] { return ChildrenOf(launcher_.pid()).empty(); }));
  EXPECT_TRUE(MarkedProcesses(launcher_.pid()).empty());
  EXPECT_EQ(OpenDescriptors(getpid()), ours);
  EXPECT_EQ(OpenDescriptors(launcher_.pid()), launchers);
}

TEST_F(LauncherTest, ManyProgramsAtATime) {
  const auto function = MakeFunction("#!/bin/sh\nread line; echo \"$line\"\n");
  std::vector<RunId> started;
  for (int i = 0; i < 150; ++i) started.push_back(runs_.Start(*function, {{"i", i}}));
  for (int i = 0; i < 150; ++i) EXPECT_EQ(TextOf(runs_.Wait(started[i])), absl::StrCat("{\"i\":", i, "}"));
}

TEST_F(LauncherTest, WhenItIsKilledNothingIsLeftAndNoRunIsSaidToHaveEnded) {
  const auto function =
      MakeFunction(std::string(kDaemon) + "time.sleep(0.3)\nos.write(3, b'1\\n')\ntime.sleep(1000)\n");
  const RunId running = runs_.Start(*function, {});
  runs_.WaitForProgress(running);
  ASSERT_TRUE(Eventually([&] { return MarkedProcesses(launcher_.pid()).size() == 4u; }));
  launcher_is_killed_ = true;
  kill(launcher_.pid(), SIGKILL);
  ASSERT_TRUE(launcher_gone_.WaitForNotificationWithTimeout(RunCollector::kDeadline));
  EXPECT_TRUE(MarkedProcesses(launcher_.pid()).empty());
  EXPECT_TRUE(ChildrenOfAllThreads(getpid()).empty());
  const RunId later = runs_.Start(*function, {});
  function->runnable->Kill(running);
  host_->Stop();
  EXPECT_FALSE(runs_.HasEnded(running));
  EXPECT_FALSE(runs_.HasEnded(later));
}

TEST_F(LauncherTest, AProgramThatKillsItIsLostToo) {
  const auto function = MakeFunction("#!/bin/sh\nsetsid sleep 1000 &\nkill -9 $PPID\nsleep 1000\n");
  launcher_is_killed_ = true;
  const RunId running = runs_.Start(*function, {});
  ASSERT_TRUE(launcher_gone_.WaitForNotificationWithTimeout(RunCollector::kDeadline));
  EXPECT_TRUE(MarkedProcesses(launcher_.pid()).empty());
  EXPECT_FALSE(runs_.HasEnded(running));
}

// A server with a launcher and a run that never ends. It tells the launcher's number, once the run is under
// way.
[[noreturn]] void BeAServer(int report, const std::string& directory) {
  Launcher launcher = *Launcher::Fork();
  std::shared_ptr<ProgramHost> host = *ProgramHost::Start(launcher.fd());
  ProgramSpec program;
  program.command = {directory + "/program"};
  program.environment = {"PATH=/usr/bin:/bin"};
  program.directory = directory;
  auto function = std::make_shared<Function>();
  function->runnable = std::make_shared<ProcessRunnable>(host, program);
  RunCollector runs;
  const RunId run = runs.Start(*function, {});
  runs.WaitForProgress(run);
  const pid_t pid = launcher.pid();
  [[maybe_unused]] const ssize_t written = write(report, &pid, sizeof(pid));
  runs.Wait(run);
  _exit(0);
}

TEST(LauncherAloneTest, WhenTheServerIsKilledEverythingDies) {
  const std::string directory = NewDirectory();
  WriteScript(directory + "/program",
              std::string(kDaemon) +
                  "import signal, subprocess\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                  "subprocess.Popen(['sleep', '1000'])\n"
                  "time.sleep(0.3)\nos.write(3, b'1\\n')\ntime.sleep(1000)\n");
  int report[2];
  ASSERT_EQ(pipe(report), 0);
  const pid_t server = fork();
  if (server == 0) BeAServer(report[1], directory);
  close(report[1]);
  pid_t launcher = 0;
  ASSERT_EQ(read(report[0], &launcher, sizeof(launcher)), static_cast<ssize_t>(sizeof(launcher)));
  close(report[0]);
  EXPECT_TRUE(Eventually([&] { return MarkedProcesses(launcher).size() == 5u; }));
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  EXPECT_TRUE(Eventually([&] { return MarkedProcesses(launcher).empty(); }));
  // The launcher is the sandbox's child now, which reaps it; elsewhere it may stay a zombie of pid 1's.
  EXPECT_TRUE(Eventually([&] { return IsGone(launcher) || EnvironmentVariable(launcher, "PATH").empty(); }));
}

TEST(LauncherAloneTest, ClosingItEndsIt) {
  pid_t pid = 0;
  {
    Launcher launcher = *Launcher::Fork();
    Launcher moved = std::move(launcher);
    pid = moved.pid();
    EXPECT_FALSE(IsGone(pid));
  }
  EXPECT_TRUE(IsGone(pid));
}

TEST(LauncherAloneTest, SignalsOfTheTerminalAreNotForIt) {
  Launcher launcher = *Launcher::Fork();
  std::shared_ptr<ProgramHost> host = *ProgramHost::Start(launcher.fd());
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) kill(launcher.pid(), number);
  ProgramSpec program;
  program.command = {"/bin/echo", "1"};
  program.directory = "/";
  auto function = std::make_shared<Function>();
  function->runnable = std::make_shared<ProcessRunnable>(host, program);
  RunCollector runs;
  EXPECT_EQ(TextOf(runs.Call(*function, {})), "1");
}

}  // namespace
}  // namespace lamppost::rpc
