// For tests of programs: a launcher, a host, a directory with scripts, and a look at what is left behind.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRAM_FIXTURE_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRAM_FIXTURE_H_

#include <dirent.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/notification.h"
#include "services/rpc/functions/launcher.h"
#include "services/rpc/functions/proc_files.h"
#include "services/rpc/functions/process_runnable.h"
#include "services/rpc/functions/program_host.h"
#include "services/rpc/functions/run_collector.h"

namespace lamppost::rpc {

// Looks again and again until it holds; false if it never does.
inline bool Eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

inline std::string NewDirectory() {
  std::string directory = absl::StrCat(absl::StripSuffix(testing::TempDir(), "/"), "/functions-XXXXXX");
  EXPECT_NE(mkdtemp(directory.data()), nullptr);
  return directory;
}

// Executable, and there in one piece.
inline void WriteScript(const std::string& path, const std::string& text) {
  const std::string fresh = absl::StrCat(path, ".new");
  std::ofstream(fresh) << text;
  chmod(fresh.c_str(), 0755);
  rename(fresh.c_str(), path.c_str());
}

// The processes that were started by the launcher of that number, directly or not, and say so.
inline std::vector<pid_t> MarkedProcesses(pid_t launcher) {
  std::vector<pid_t> pids;
  DIR* const directory = opendir("/proc");
  while (const dirent* entry = readdir(directory)) {
    pid_t pid = 0;
    if (absl::SimpleAtoi(entry->d_name, &pid) &&
        absl::StartsWith(EnvironmentVariable(pid, kMarkName), absl::StrCat(launcher, "."))) {
      pids.push_back(pid);
    }
  }
  closedir(directory);
  return pids;
}

inline size_t OpenDescriptors(pid_t pid) {
  size_t count = 0;
  DIR* const directory = opendir(absl::StrCat("/proc/", pid, "/fd").c_str());
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

class ProgramTest : public testing::Test {
 protected:
  ProgramTest() : launcher_(*Launcher::Fork()), directory_(NewDirectory()) {
    auto host = ProgramHost::Start(launcher_.fd(), [this] { launcher_gone_.Notify(); });
    EXPECT_TRUE(host.ok()) << host.status();
    host_ = *std::move(host);
  }

  // Whatever a test has done, nothing may be left: no zombie, no orphan.
  ~ProgramTest() override {
    EXPECT_EQ(launcher_gone_.HasBeenNotified(), launcher_is_killed_);
    host_->Stop();
    EXPECT_TRUE(Eventually([&] { return ChildrenOf(launcher_.pid()).empty(); }));
    EXPECT_TRUE(MarkedProcesses(launcher_.pid()).empty());
  }

  ProgramSpec Program(const std::string& script) {
    WriteScript(directory_ + "/program", script);
    ProgramSpec program;
    program.command = {directory_ + "/program"};
    program.environment = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8"};
    program.directory = directory_;
    return program;
  }

  std::shared_ptr<Function> MakeFunction(ProgramSpec program) {
    auto function = std::make_shared<Function>();
    function->runnable = std::make_shared<ProcessRunnable>(host_, std::move(program));
    return function;
  }
  std::shared_ptr<Function> MakeFunction(const std::string& script) { return MakeFunction(Program(script)); }

  RunResult Call(const std::string& script, Json params = Json::object()) {
    return runs_.Call(*MakeFunction(script), std::move(params));
  }

  Launcher launcher_;
  const std::string directory_;
  absl::Notification launcher_gone_;
  bool launcher_is_killed_ = false;  // by the test
  std::shared_ptr<ProgramHost> host_;
  RunCollector runs_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRAM_FIXTURE_H_
