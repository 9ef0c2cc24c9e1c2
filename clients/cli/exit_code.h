// What the command's exit status says. docs/cli.md promises these numbers.
#ifndef LAMPPOST_CLIENTS_CLI_EXIT_CODE_H_
#define LAMPPOST_CLIENTS_CLI_EXIT_CODE_H_

namespace lamppost::cli {

enum ExitCode : int {
  kExitDone = 0,
  kExitKeyNotFound = 1,
  kExitUsage = 2,
  kExitFailed = 3,   // for certain
  kExitUnknown = 4,  // a write or a call may or may not have taken effect, or not at as many as asked for
  kExitFunctionFailed = 5,  // the function ran, and failed by itself
};

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_EXIT_CODE_H_
