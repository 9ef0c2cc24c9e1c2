#include "clients/cli/interrupt_notice.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

namespace lamppost::cli {
namespace {

// A signal handler gets nothing but the signal's number, so what it needs can only be found in one place of
// the whole process. Whoever takes the pointer out, the handler or the destructor, has the notice for itself.
std::atomic<const InterruptNotice*> armed_notice{nullptr};
static_assert(std::atomic<const InterruptNotice*>::is_always_lock_free, "a signal handler must not lock");

void Install(int signal, void (*handler)(int), struct sigaction* old) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, old);
  if (old->sa_handler == SIG_IGN) sigaction(signal, old, nullptr);  // as nohup wants it
}

}  // namespace

void InterruptNotice::Handle(int) {
  // Nothing but async-signal-safe functions from here on.
  const InterruptNotice* notice = armed_notice.exchange(nullptr);
  if (notice == nullptr) return;  // another signal has been here, and the process is ending
  const char* next = notice->text_.data();
  size_t left = notice->text_.size();
  while (left > 0) {
    const ssize_t written = write(STDERR_FILENO, next, left);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    next += written;
    left -= static_cast<size_t>(written);
  }
  _exit(notice->exit_code_);
}

void InterruptNotice::Arm(std::string text, int exit_code) {
  text_ = std::move(text);
  exit_code_ = exit_code;
  armed_ = true;
  armed_notice.store(this);
  Install(SIGINT, Handle, &old_interrupt_);
  Install(SIGTERM, Handle, &old_terminate_);
}

InterruptNotice::~InterruptNotice() {
  if (!armed_) return;
  // If a handler in another thread has it, that one still reads the text, and ends the process.
  if (armed_notice.exchange(nullptr) == nullptr) {
    while (true) pause();
  }
  sigaction(SIGINT, &old_interrupt_, nullptr);
  sigaction(SIGTERM, &old_terminate_, nullptr);
}

}  // namespace lamppost::cli
