#include "services/rpc/functions/program_exec.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

namespace lamppost::rpc {
namespace {

constexpr int kErrorFd = kProgramFds;       // where the error pipe goes; closed by exec
constexpr int kOutOfTheWay = kErrorFd + 1;  // descriptors from here on are in nobody's place

[[noreturn]] void Fail(int error_fd, LaunchStep step, int error) {
  const ExecFailure failure = {step, error};
  [[maybe_unused]] const ssize_t written = write(error_fd, &failure, sizeof(failure));
  _exit(127);
}

// Puts the descriptors into their places. Fails only without descriptors left.
bool PlaceDescriptors(const int (&fds)[kProgramFds], int error_fd) {
  // First all of them away, since one may stand in another's place.
  int away[kProgramFds];
  for (int i = 0; i < kProgramFds; ++i) {
    away[i] = fcntl(fds[i], F_DUPFD, kOutOfTheWay);
    if (away[i] < 0) return false;
  }
  if (error_fd != kErrorFd && dup3(error_fd, kErrorFd, O_CLOEXEC) < 0) return false;
  for (int i = 0; i < kProgramFds; ++i) {
    if (dup2(away[i], i) < 0) return false;
  }
  return syscall(SYS_close_range, kOutOfTheWay, ~0U, 0) == 0;
}

bool SetLimit(decltype(RLIMIT_CPU) resource, uint64_t soft, uint64_t hard) {
  if (soft == 0) return true;
  rlimit limit = {};
  if (getrlimit(resource, &limit) != 0) return false;
  // Never above what there is: only root may raise that.
  limit.rlim_max = std::min<rlim_t>(limit.rlim_max, hard);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, soft);
  return setrlimit(resource, &limit) == 0;
}

bool SetLimits(const ProgramLimits& limits) {
  const rlimit no_core = {0, 0};
  return setrlimit(RLIMIT_CORE, &no_core) == 0 &&
         // SIGXCPU first, so that the program's end says why; a second later SIGKILL.
         SetLimit(RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1) &&
         SetLimit(RLIMIT_AS, limits.memory_bytes, limits.memory_bytes) &&
         SetLimit(RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes) &&
         SetLimit(RLIMIT_NOFILE, limits.open_files, limits.open_files);
}

void ResetSignals() {
  // Without glibc, which leaves out those that it needs for itself: they may have been ignored, too.
  struct {
    void* handler;
    unsigned long flags;
    void* restorer;
    uint64_t mask;
  } by_default = {};
  for (int number = 1; number < NSIG; ++number)
    syscall(SYS_rt_sigaction, number, &by_default, nullptr, sizeof(by_default.mask));
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& each : strings) pointers.push_back(const_cast<char*>(each.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

void BecomeProgram(const ProgramSpec& spec, const int (&fds)[kProgramFds], int error_fd, pid_t parent) {
  // Before the limit on memory is in force.
  const std::vector<char*> command = Pointers(spec.command);
  const std::vector<char*> environment = Pointers(spec.environment);
  setsid();
  if (!PlaceDescriptors(fds, error_fd)) Fail(error_fd, LaunchStep::kDescriptors, errno);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  if (chdir(spec.directory.c_str()) != 0) Fail(kErrorFd, LaunchStep::kDirectory, errno);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  umask(022);
  ResetSignals();
  if (!SetLimits(spec.limits)) Fail(kErrorFd, LaunchStep::kLimits, errno);
  execve(command[0], command.data(), environment.data());
  Fail(kErrorFd, LaunchStep::kExec, errno);
}

}  // namespace lamppost::rpc
