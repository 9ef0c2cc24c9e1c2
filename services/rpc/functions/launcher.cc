#include "services/rpc/functions/launcher.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/rpc/functions/launcher_process.h"

namespace lamppost::rpc {
namespace {

constexpr int kLauncherSocket = 3;

absl::Status Failed(absl::string_view what) {
  return MakeError(absl::StatusCode::kInternal, "LAUNCHER_FAILED",
                   absl::StrCat(what, ": ", std::strerror(errno)));
}

// Keeps standard error and the socket; what else was open is the server's.
void KeepOnly(int socket) {
  if (socket != kLauncherSocket) dup3(socket, kLauncherSocket, O_CLOEXEC);
  syscall(SYS_close_range, kLauncherSocket + 1, ~0U, 0);
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(nothing, 0);
  dup2(nothing, 1);
  if (nothing > 2) close(nothing);
}

}  // namespace

absl::StatusOr<Launcher> Launcher::Fork() {
  // Without its launcher a server must still find what programs have started.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return Failed("prctl");
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) return Failed("socketpair");
  // None may come before the launcher has said which it does not care for.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork();
  if (pid != 0) pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) {
    const absl::Status failed = Failed("fork");
    close(sockets[0]);
    close(sockets[1]);
    return failed;
  }
  if (pid == 0) {
    KeepOnly(sockets[1]);
    RunLauncher(kLauncherSocket);
  }
  close(sockets[1]);
  fcntl(sockets[0], F_SETFL, O_NONBLOCK);
  return Launcher(sockets[0], pid);
}

Launcher::Launcher(Launcher&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), pid_(std::exchange(other.pid_, -1)) {}

Launcher& Launcher::operator=(Launcher&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(pid_, other.pid_);
  return *this;
}

Launcher::~Launcher() {
  if (fd_ < 0) return;
  close(fd_);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace lamppost::rpc
