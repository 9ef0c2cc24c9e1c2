// From a fork of the launcher to the program: what a process does to itself before it becomes another.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRAM_EXEC_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRAM_EXEC_H_

#include <sys/types.h>

#include "services/rpc/functions/launch_protocol.h"

namespace lamppost::rpc {

// Why there is no program.
struct ExecFailure {
  LaunchStep step = LaunchStep::kExec;
  int32_t error = 0;  // errno
};

// Becomes the program: in a session and process group of its own, with the four descriptors as 0 to 3 and no
// others, in its directory and within its limits, with every signal as it is by default, no way to more
// privileges, and SIGKILL when its parent dies. If that fails an ExecFailure is written to error_fd, and the
// process ends.
[[noreturn]] void BecomeProgram(const ProgramSpec& spec, const int (&fds)[kProgramFds], int error_fd,
                                pid_t parent);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRAM_EXEC_H_
