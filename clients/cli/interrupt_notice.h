// What is said when SIGINT or SIGTERM ends the command while a call is under way.
#ifndef LAMPPOST_CLIENTS_CLI_INTERRUPT_NOTICE_H_
#define LAMPPOST_CLIENTS_CLI_INTERRUPT_NOTICE_H_

#include <signal.h>

#include <string>

namespace lamppost::cli {

// From Arm() until destruction, SIGINT and SIGTERM write the text to standard error and end the process with
// the exit code; a signal that was ignored before stays ignored. Afterwards they do again what they did
// before. At most one at a time in a process. Arm() and the destructor are not for several threads at once;
// the signal may come in any.
class InterruptNotice {
 public:
  InterruptNotice() = default;
  ~InterruptNotice();
  InterruptNotice(const InterruptNotice&) = delete;
  InterruptNotice& operator=(const InterruptNotice&) = delete;

  // Once. All of the text is made here, since a signal handler may do next to nothing.
  void Arm(std::string text, int exit_code);

 private:
  static void Handle(int signal);

  std::string text_;
  int exit_code_ = 0;
  bool armed_ = false;
  struct sigaction old_interrupt_ = {};
  struct sigaction old_terminate_ = {};
};

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_INTERRUPT_NOTICE_H_
