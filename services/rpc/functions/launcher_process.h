// The launcher itself: what runs in the process that Launcher::Fork makes.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_LAUNCHER_PROCESS_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_LAUNCHER_PROCESS_H_

namespace lamppost::rpc {

// Serves the requests that come over the socket until it is closed, then kills what is left and ends.
//
// Every process that a program starts is a descendant of this one, and becomes its child when it loses its
// own parent (PR_SET_CHILD_SUBREAPER). So none can get away: at each death of a child the process looks at
// its other children, and kills those that are no program and do not belong to one that is running. Whose
// they are is told by a variable in their environment; one that has dropped it counts as nobody's.
[[noreturn]] void RunLauncher(int socket);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_LAUNCHER_PROCESS_H_
