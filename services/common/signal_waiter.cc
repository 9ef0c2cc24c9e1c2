#include "services/common/signal_waiter.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace lamppost {
namespace {

sigset_t EndSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

int CheckedFd(int fd, const char* what) {
  if (fd >= 0) return fd;
  std::perror(what);
  std::abort();
}

}  // namespace

SignalWaiter::SignalWaiter(Second second) : second_(second) {
  const sigset_t set = EndSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal_fd_ = CheckedFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
  wake_fd_ = CheckedFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
}

SignalWaiter::~SignalWaiter() {
  close(signal_fd_);
  close(wake_fd_);
}

SignalWaiter::Woken SignalWaiter::Wait() {
  const Woken woken = WaitOrWake();
  Release();
  return woken;
}

void SignalWaiter::Release() const {
  if (second_ == Second::kWaits) return;
  const sigset_t set = EndSignals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

SignalWaiter::Woken SignalWaiter::WaitOrWake() {
  pollfd fds[] = {{signal_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
  while (poll(fds, 2, -1) < 0 && errno == EINTR) {
  }
  // Taken off the queue, so that unblocking does not deliver it.
  signalfd_siginfo info;
  const bool signalled = read(signal_fd_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info));
  uint64_t wakes = 0;
  [[maybe_unused]] const ssize_t taken = read(wake_fd_, &wakes, sizeof(wakes));
  if (!signalled) return Woken::kByProgram;
  Release();
  return Woken::kBySignal;
}

void SignalWaiter::Wake() {
  const uint64_t one = 1;
  // It can only fail when the count is full, and then Wait has long been woken.
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof(one));
}

}  // namespace lamppost
