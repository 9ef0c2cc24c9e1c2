// What /proc tells of processes.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_PROC_FILES_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_PROC_FILES_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace lamppost::rpc {

// The variable that tells which program a process belongs to.
inline constexpr char kMarkName[] = "LAMPPOST_RUN";

// The children of a process with one thread. Empty if there are none, or if it cannot be told.
std::vector<pid_t> ChildrenOf(pid_t pid);
// The same whatever threads it has. Slower: every process is looked at.
std::vector<pid_t> ChildrenOfAllThreads(pid_t pid);

// The value of a variable in the environment that the process was started with. Empty if it has none, or if
// it may not be looked at.
std::string EnvironmentVariable(pid_t pid, absl::string_view name);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_PROC_FILES_H_
