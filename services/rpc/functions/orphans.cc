#include "services/rpc/functions/orphans.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/rpc/functions/proc_files.h"

namespace lamppost::rpc {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(2);  // for what has been killed to die

}  // namespace

uint64_t KillAllChildren(uint64_t time_ms) {
  const absl::Time end = absl::Now() + absl::Milliseconds(time_ms);
  for (;;) {
    // Not reaped yet, so their numbers are nobody else's. Each death may bring new ones.
    const std::vector<pid_t> children = ChildrenOfAllThreads(getpid());
    for (const pid_t pid : children) kill(pid, SIGKILL);
    pid_t reaped = 0;
    while ((reaped = waitpid(-1, nullptr, WNOHANG)) > 0 || (reaped < 0 && errno == EINTR)) {
    }
    if (reaped < 0) return 0;  // ECHILD: there are none
    if (absl::Now() >= end) return children.size();
    absl::SleepFor(kPause);
  }
}

}  // namespace lamppost::rpc
