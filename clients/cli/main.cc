// The lamppost command. docs/cli.md tells what it promises.
#include <grpc/support/log.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "clients/cli/exit_code.h"
#include "clients/cli/run.h"

namespace {

// True if whoever read standard output has stopped; that is no error.
bool ReaderHasGone() {
  pollfd out{STDOUT_FILENO, POLLOUT, 0};
  return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

}  // namespace

int main(int argc, char** argv) {
  // The command says itself what has failed; of a handshake gRPC would tell with each attempt.
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
  using namespace lamppost::cli;
  std::signal(SIGPIPE, SIG_IGN);  // a reader that has gone shows as a failed write
  std::ios::sync_with_stdio(false);
  const char* no_colour = std::getenv("NO_COLOR");
  const bool colour = no_colour == nullptr || no_colour[0] == '\0';
  const bool err_is_terminal = isatty(STDERR_FILENO) == 1;
  Io io{&std::cin, &std::cout, &std::cerr};
  if (colour && isatty(STDOUT_FILENO) == 1) io.out_colour = Colour::kOn;
  if (colour && err_is_terminal) io.err_colour = Colour::kOn;
  if (err_is_terminal) io.progress = ProgressBar::kOn;
  if (isatty(STDIN_FILENO) == 1) io.in_kind = InputKind::kTerminal;
  const int exit_code = Run(argc, argv, io);
  if (std::cout.good() || ReaderHasGone()) return exit_code;
  std::cerr << "lamppost: cannot write to standard output\n";
  return exit_code == kExitDone ? kExitFailed : exit_code;
}
