#include "services/rpc/functions/launcher_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/rpc/functions/launch_protocol.h"
#include "services/rpc/functions/proc_files.h"
#include "services/rpc/functions/program_exec.h"

namespace lamppost::rpc {
namespace {

constexpr size_t kProgramsMax = 4096;
constexpr int kLastEffortMs = 10'000;  // for processes that cannot die, as in a system call to a dead disk

struct Program {
  ProgramId id = 0;
  int error_fd = -1;  // an ExecFailure comes here if there is one
};

class LauncherProcess {
 public:
  explicit LauncherProcess(int socket) : socket_(socket), self_(getpid()) { SetUp(); }

  [[noreturn]] void Run() {
    while (connected_) {
      pollfd fds[] = {{socket_, static_cast<short>(reports_.empty() ? POLLIN : POLLIN | POLLOUT), 0},
                      {signal_fd_, POLLIN, 0}};
      if (poll(fds, 2, -1) < 0) continue;
      if (fds[1].revents != 0) TakeSignals();
      if (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) TakeRequest();
      SendReports();
    }
    KillEverything();
    _exit(0);
  }

 private:
  void SetUp() {
    setsid();  // so that the terminal's Ctrl-C is for the server alone, which ends in good order
    prctl(PR_SET_NAME, "lamppost-launch");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE}) signal(number, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_SETMASK, &children, nullptr);
    signal_fd_ = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    fcntl(socket_, F_SETFL, O_NONBLOCK);
    packet_.resize(kLaunchPacketBytesMax);
  }

  void TakeRequest() {
    int fds[kProgramFds];
    int fd_count = 0;
    const ssize_t bytes = Receive(fds, &fd_count);
    if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) return;
    const auto request =
        bytes > 0 ? DecodeRequest({packet_.data(), static_cast<size_t>(bytes)}) : std::nullopt;
    if (!request) {
      connected_ = false;  // closed; or somebody else's words, which cannot be
    } else if (request->kind == LaunchRequest::Kind::kKill) {
      Kill(request->program);
    } else if (fd_count < kProgramFds) {
      ReportFailure(request->program, LaunchStep::kReceive, EMFILE);
    } else {
      Start(*request, fds);
    }
    for (int i = 0; i < fd_count; ++i) close(fds[i]);
  }

  ssize_t Receive(int (&fds)[kProgramFds], int* fd_count) {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(fds))];
    iovec data = {packet_.data(), packet_.size()};
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const ssize_t bytes = recvmsg(socket_, &message, MSG_CMSG_CLOEXEC);
    if (bytes <= 0) return bytes;
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
      *fd_count = static_cast<int>((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
      std::memcpy(fds, CMSG_DATA(header), static_cast<size_t>(*fd_count) * sizeof(int));
    }
    return bytes;
  }

  void Start(const LaunchRequest& request, const int (&fds)[kProgramFds]) {
    int error_pipe[2];
    if (programs_.size() >= kProgramsMax) return ReportFailure(request.program, LaunchStep::kFork, EAGAIN);
    if (pipe2(error_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
      return ReportFailure(request.program, LaunchStep::kFork, errno);
    ProgramSpec spec = request.spec;
    spec.environment.push_back(absl::StrCat(kMarkName, "=", MarkOf(request.program)));
    const pid_t pid = fork();
    if (pid == 0) BecomeProgram(spec, fds, error_pipe[1], self_);
    const int error = errno;
    close(error_pipe[1]);
    if (pid < 0) {
      close(error_pipe[0]);
      return ReportFailure(request.program, LaunchStep::kFork, error);
    }
    programs_[pid] = {request.program, error_pipe[0]};
    pids_[request.program] = pid;
  }

  void Kill(ProgramId program) {
    const auto found = pids_.find(program);
    if (found != pids_.end()) KillGroup(found->second);
  }

  // Only of a child that has not been reaped: its number is nobody else's.
  static void KillGroup(pid_t pid) {
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);  // it may not have its group yet
  }

  void TakeSignals() {
    signalfd_siginfo info;
    while (read(signal_fd_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
    }
    if (ReapAll()) KillStrays();
  }

  // True if any child has died.
  bool ReapAll() {
    bool any = false;
    for (;;) {
      // First only a look: a group can be killed safely while its leader's number is taken.
      siginfo_t info = {};
      if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return any;
      const pid_t pid = info.si_pid;
      const auto program = programs_.find(pid);
      if (program != programs_.end()) kill(-pid, SIGKILL);
      int status = 0;
      rusage usage = {};
      wait4(pid, &status, 0, &usage);
      any = true;
      if (program == programs_.end()) continue;
      ReportEnd(program->second, status, usage);
      pids_.erase(program->second.id);
      programs_.erase(program);
    }
  }

  std::string MarkOf(ProgramId program) const { return absl::StrCat(self_, ".", program); }

  bool BelongsToARunningProgram(pid_t pid) const {
    std::string mark = EnvironmentVariable(pid, kMarkName);
    // In the middle of an exec there is nothing to be seen.
    for (int again = 0; again < 3 && mark.empty(); ++again) {
      usleep(1000);
      mark = EnvironmentVariable(pid, kMarkName);
    }
    const size_t dot = mark.find('.');
    if (dot == std::string::npos) return false;
    const ProgramId program = std::strtoull(mark.c_str() + dot + 1, nullptr, 10);
    return pids_.count(program) > 0 && mark == MarkOf(program);
  }

  // Kills children that have come here because their parents have died, and whose program has, too.
  void KillStrays() const {
    for (const pid_t pid : ChildrenOf(self_)) {
      if (programs_.count(pid) == 0 && !BelongsToARunningProgram(pid)) kill(pid, SIGKILL);
    }
  }

  void ReportFailure(ProgramId program, LaunchStep step, int error) {
    LaunchReport report;
    report.program = program;
    report.step = step;
    report.error = error;
    reports_.push_back(report);
  }

  void ReportEnd(const Program& program, int status, const rusage& usage) {
    LaunchReport report;
    report.program = program.id;
    report.wait_status = status;
    const auto ms = [](const timeval& time) {
      return static_cast<uint64_t>(time.tv_sec * 1000 + time.tv_usec / 1000);
    };
    report.cpu_ms = ms(usage.ru_utime) + ms(usage.ru_stime);
    ExecFailure failure;
    if (read(program.error_fd, &failure, sizeof(failure)) == static_cast<ssize_t>(sizeof(failure))) {
      report.step = failure.step;
      report.error = failure.error;
    }
    close(program.error_fd);
    reports_.push_back(report);
  }

  // There are never more of them than programs were started.
  void SendReports() {
    while (!reports_.empty()) {
      const ssize_t sent = send(socket_, &reports_.front(), sizeof(LaunchReport), MSG_NOSIGNAL);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (sent < 0) connected_ = false;
      if (sent < 0) return;
      reports_.pop_front();
    }
  }

  void KillEverything() {
    for (const auto& [pid, program] : programs_) KillGroup(pid);
    pids_.clear();
    const time_t deadline = time(nullptr) + kLastEffortMs / 1000;
    // Each death may bring new children.
    while (time(nullptr) < deadline) {
      ReapAll();
      KillStrays();
      siginfo_t info = {};
      if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return;  // there are none
      pollfd fds[] = {{signal_fd_, POLLIN, 0}};
      if (info.si_pid == 0) poll(fds, 1, 100);
      signalfd_siginfo signals;
      while (read(signal_fd_, &signals, sizeof(signals)) > 0) {
      }
    }
  }

  const int socket_;
  const pid_t self_;
  int signal_fd_ = -1;
  bool connected_ = true;
  std::string packet_;
  std::map<pid_t, Program> programs_;
  std::map<ProgramId, pid_t> pids_;  // of those that count as running
  std::deque<LaunchReport> reports_;
};

}  // namespace

void RunLauncher(int socket) {
  LauncherProcess(socket).Run();
}

}  // namespace lamppost::rpc
