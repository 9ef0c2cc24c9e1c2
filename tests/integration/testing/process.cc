#include "tests/integration/testing/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

constexpr int kExecFailed = 127;

// What the child needs, put together before the fork: after it, nothing may allocate.
struct Prepared {
  std::vector<std::string> words;
  std::vector<std::string> variables;
  std::vector<char*> arguments;
  std::vector<char*> environment;
};

std::vector<char*> Pointers(std::vector<std::string>* words) {
  std::vector<char*> pointers;
  for (std::string& word : *words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

Prepared Prepare(const ProcessOptions& options) {
  Prepared prepared;
  prepared.words = options.command;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string name = std::string(*variable).substr(0, std::string(*variable).find('='));
    if (options.environment.count(name) == 0 && !absl::StartsWith(name, "GRPC_"))
      prepared.variables.push_back(*variable);
  }
  for (const auto& [name, value] : options.environment) {
    prepared.variables.push_back(absl::StrCat(name, "=", value));
  }
  prepared.arguments = Pointers(&prepared.words);
  prepared.environment = Pointers(&prepared.variables);
  return prepared;
}

// In the child, between fork and exec: system calls only.
[[noreturn]] void Become(const Prepared& prepared, int in, int out, int err, const char* directory,
                         pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kExecFailed);  // it died before the line above
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (directory == nullptr || chdir(directory) == 0) {
    execve(prepared.arguments[0], prepared.arguments.data(), prepared.environment.data());
  }
  const char message[] = "the program could not be started\n";
  if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0) _exit(kExecFailed);
  _exit(kExecFailed);
}

int OpenForAppend(const std::string& path) {
  return open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Process>> Process::Start(const ProcessOptions& options) {
  Prepared prepared = Prepare(options);
  std::string program = options.command.at(0);
  if (!options.directory.empty() && program[0] != '/') {
    char* here = getcwd(nullptr, 0);
    prepared.words[0] = absl::StrCat(here, "/", program);
    free(here);
    prepared.arguments = Pointers(&prepared.words);
  }
  const std::string input_path = options.input_path.empty() ? "/dev/null" : options.input_path;
  const int in = open(input_path.c_str(), O_RDONLY | O_CLOEXEC);
  const int out = OpenForAppend(options.output_path);
  const int err = options.error_path.empty() ? out : OpenForAppend(options.error_path);
  pid_t pid = -1;
  if (in >= 0 && out >= 0 && err >= 0) {
    const pid_t parent = getpid();
    pid = fork();
    if (pid == 0) {
      Become(prepared, in, out, err, options.directory.empty() ? nullptr : options.directory.c_str(), parent);
    }
  }
  const int error = errno;
  if (in >= 0) close(in);
  if (out >= 0) close(out);
  if (err >= 0 && err != out) close(err);
  if (pid < 0) {
    return absl::InternalError(absl::StrCat("cannot start ", program, ": ", std::strerror(error)));
  }
  return std::unique_ptr<Process>(new Process(pid));
}

Process::~Process() {
  Kill();
}

void Process::Signal(int signal) {
  if (IsRunning()) kill(pid_, signal);
}

bool Process::IsRunning() {
  if (reaped_) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  reaped_ = true;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return false;
}

absl::StatusOr<int> Process::Wait(absl::Duration limit) {
  const absl::Status ended = WaitFor("the end of a process", limit, [this] { return !IsRunning(); });
  if (!ended.ok()) return ended;
  return exit_code_;
}

void Process::Kill() {
  if (!IsRunning()) return;
  kill(pid_, SIGKILL);
  Wait(absl::Seconds(30)).IgnoreError();
}

std::vector<std::string> Process::StatusWords(const std::string& name) const {
  const std::string status = ReadFile(absl::StrCat("/proc/", pid_, "/status"));
  for (absl::string_view line : absl::StrSplit(status, '\n')) {
    if (absl::ConsumePrefix(&line, name + ":"))
      return absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  }
  return {};
}

uint64_t Process::MemoryBytes() const {
  const std::vector<std::string> words = StatusWords("VmRSS");
  uint64_t kibibytes = 0;
  return !words.empty() && absl::SimpleAtoi(words[0], &kibibytes) ? kibibytes << 10 : 0;
}

bool Process::Blocks(int signal) const {
  const std::vector<std::string> words = StatusWords("SigBlk");
  uint64_t mask = 0;
  return !words.empty() && absl::SimpleHexAtoi(words[0], &mask) && (mask >> (signal - 1) & 1) != 0;
}

Finished RunToEnd(ProcessOptions options, absl::Duration limit) {
  options.output_path = NewTestPath("out");
  options.error_path = NewTestPath("err");
  Finished finished;
  absl::StatusOr<std::unique_ptr<Process>> process = Process::Start(options);
  if (process.ok()) finished.exit_code = (*process)->Wait(limit).value_or(-1);
  finished.out = ReadFile(options.output_path);
  finished.err = process.ok() ? ReadFile(options.error_path) : process.status().ToString();
  unlink(options.output_path.c_str());
  unlink(options.error_path.c_str());
  return finished;
}

std::string NewTestPath(const std::string& stem) {
  static std::atomic<int> count{0};
  // Several processes of one test target may share TEST_TMPDIR.
  return absl::StrCat(absl::StripSuffix(::testing::TempDir(), "/"), "/", stem, ".", getpid(), ".", ++count);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

}  // namespace lamppost::testing
