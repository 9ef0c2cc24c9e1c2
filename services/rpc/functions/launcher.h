// Starts and ends programs for the server, in a process of its own.
//
// fork() in a process with gRPC's threads is unsafe, and a server that is killed with SIGKILL could not end
// its programs. So main() forks a launcher first, while there is one thread. It is small and single-threaded;
// it starts each program on request, tells of its end, and when the server is gone, however it went, it kills
// all programs with everything they have started, and ends. Should the launcher be killed instead, what it
// leaves behind becomes the server's children (PR_SET_CHILD_SUBREAPER): see ProgramHost.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_LAUNCHER_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_LAUNCHER_H_

#include <sys/types.h>

#include "absl/status/statusor.h"

namespace lamppost::rpc {

// The server's end of the connection to its launcher. Movable, not copyable. Destroying it ends the launcher
// and all its programs, and waits for that.
class Launcher {
 public:
  // Call it in main() before any thread exists, after nothing but SignalWaiter. Returns only in the server.
  // INTERNAL (LAUNCHER_FAILED) if the system refuses.
  static absl::StatusOr<Launcher> Fork();

  Launcher(Launcher&& other) noexcept;
  Launcher& operator=(Launcher&& other) noexcept;
  ~Launcher();

  // The socket, for ProgramHost.
  int fd() const { return fd_; }
  pid_t pid() const { return pid_; }

 private:
  Launcher(int fd, pid_t pid) : fd_(fd), pid_(pid) {}

  int fd_ = -1;
  pid_t pid_ = -1;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_LAUNCHER_H_
