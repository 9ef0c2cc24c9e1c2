#include "tests/bench/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace lamppost::bench {
namespace {

constexpr size_t kLogTailBytes = 2000;

absl::Status SystemError(const std::string& what) {
  return absl::InternalError(absl::StrCat(what, ": ", std::strerror(errno)));
}

// In the child, between fork and exec: only what is safe there.
[[noreturn]] void Become(char* const* argv, int log_fd, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(log_fd, STDOUT_FILENO);
  dup2(log_fd, STDERR_FILENO);
  const int null_fd = open("/dev/null", O_RDONLY);
  if (null_fd >= 0) dup2(null_fd, STDIN_FILENO);
  execv(argv[0], argv);
  _exit(127);
}

}  // namespace

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

absl::StatusOr<std::unique_ptr<Process>> Process::Start(const std::vector<std::string>& argv,
                                                        const std::string& log_file) {
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const int log_fd = open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log_fd < 0) return SystemError(log_file);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) Become(arguments.data(), log_fd, parent);
  close(log_fd);
  if (pid < 0) return SystemError("fork");
  return std::unique_ptr<Process>(new Process(pid, argv[0], log_file));
}

Process::~Process() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

absl::Status Process::Stop(int64_t deadline_ms) {
  if (pid_ < 0) return absl::OkStatus();
  kill(pid_, SIGTERM);
  const absl::Time deadline = absl::Now() + absl::Milliseconds(deadline_ms);
  while (absl::Now() < deadline) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return absl::OkStatus();
    }
    absl::SleepFor(absl::Milliseconds(5));
  }
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
  return absl::DeadlineExceededError(absl::StrCat(name_, " did not end in ", deadline_ms, " ms"));
}

absl::Status Process::Wait() {
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) return SystemError("waitpid");
  pid_ = -1;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? absl::OkStatus() : Ended(status);
}

absl::Status Process::CheckRunning() {
  int status = 0;
  if (pid_ < 0) return absl::FailedPreconditionError(absl::StrCat(name_, " is not running"));
  if (waitpid(pid_, &status, WNOHANG) != pid_) return absl::OkStatus();
  pid_ = -1;
  return Ended(status);
}

absl::Status Process::Ended(int wait_status) const {
  std::string log = ReadFile(log_file_);
  if (log.size() > kLogTailBytes) log.erase(0, log.size() - kLogTailBytes);
  return absl::InternalError(absl::StrCat(name_, " has ended (wait status ", wait_status, "):\n", log));
}

absl::StatusOr<MemoryBytes> Process::Memory() const {
  MemoryBytes memory;
  for (absl::string_view line : absl::StrSplit(ReadFile(absl::StrCat("/proc/", pid_, "/status")), '\n')) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    uint64_t kibibytes = 0;
    if (words.size() < 2 || !absl::SimpleAtoi(words[1], &kibibytes)) continue;
    if (words[0] == "VmRSS:") memory.resident = kibibytes << 10;
    if (words[0] == "VmHWM:") memory.peak = kibibytes << 10;
  }
  if (memory.resident == 0) return absl::NotFoundError(absl::StrCat("no memory figures of ", name_));
  return memory;
}

double Process::CpuSeconds() const {
  clockid_t clock;
  timespec time{};
  if (pid_ < 0 || clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void Process::ResetPeak() const {
  std::ofstream(absl::StrCat("/proc/", pid_, "/clear_refs")) << "5\n";
}

absl::StatusOr<std::unique_ptr<TemporaryDirectory>> TemporaryDirectory::Make(const std::string& parent) {
  std::string path = absl::StrCat(parent, "/lamppost-bench-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) return SystemError(path);
  return std::unique_ptr<TemporaryDirectory>(new TemporaryDirectory(path));
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

uint64_t FileBytes(const std::string& directory) {
  uint64_t bytes = 0;
  std::error_code error;
  for (auto it = std::filesystem::recursive_directory_iterator(directory, error);
       it != std::filesystem::recursive_directory_iterator(); it.increment(error)) {
    struct stat facts;
    // A file may go while we look.
    const bool there = lstat(it->path().c_str(), &facts) == 0;
    if (there && S_ISREG(facts.st_mode)) bytes += static_cast<uint64_t>(facts.st_size);
  }
  return bytes;
}

std::string FindProgram(const std::string& name) {
  const char* path = std::getenv("PATH");
  if (path == nullptr) return "";
  for (absl::string_view directory : absl::StrSplit(path, ':', absl::SkipEmpty())) {
    std::string candidate = absl::StrCat(directory, "/", name);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

absl::StatusOr<std::vector<int>> FreePorts(int count) {
  std::vector<int> fds;
  std::vector<int> ports;
  // All are held until the last is found, so that none comes twice.
  for (int i = 0; i < count; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) break;
    fds.push_back(fd);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    if (bind(fd, plain, size) != 0 || getsockname(fd, plain, &size) != 0) break;
    ports.push_back(ntohs(address.sin_port));
  }
  for (const int fd : fds) close(fd);
  if (ports.size() < static_cast<size_t>(count)) return SystemError("no free port");
  return ports;
}

}  // namespace lamppost::bench
