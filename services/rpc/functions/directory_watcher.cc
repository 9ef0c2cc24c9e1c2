#include "services/rpc/functions/directory_watcher.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/logging.h"

namespace lamppost::rpc {
namespace {

// Not IN_MODIFY: a file that is being written is of no use yet.
constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                             IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr int kQuietWaitsMax = 20;  // somebody may write all the time

}  // namespace

absl::StatusOr<std::unique_ptr<DirectoryWatcher>> DirectoryWatcher::Start(std::string path, Hooks hooks) {
  std::unique_ptr<DirectoryWatcher> watcher(new DirectoryWatcher(std::move(path), std::move(hooks)));
  watcher->stop_fd_ = eventfd(0, EFD_CLOEXEC);
  if (watcher->stop_fd_ < 0) {
    return MakeError(absl::StatusCode::kInternal, "WATCHER_FAILED",
                     absl::StrCat("eventfd: ", std::strerror(errno)));
  }
  watcher->inotify_fd_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (watcher->inotify_fd_ < 0) {
    Log(LogLevel::kWarn, "the system has no watches left; the functions directory is read every second",
        {{"error", std::strerror(errno)}});
  }
  watcher->thread_ = std::thread([raw = watcher.get()] { raw->Loop(); });
  return watcher;
}

DirectoryWatcher::~DirectoryWatcher() {
  Stop();
  if (inotify_fd_ >= 0) close(inotify_fd_);
  if (stop_fd_ >= 0) close(stop_fd_);
}

void DirectoryWatcher::Stop() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(stop_fd_, &one, sizeof(one));
  thread_.join();
}

void DirectoryWatcher::Loop() {
  LookAtPath();
  hooks_.changed();
  for (;;) {
    pollfd fds[] = {{stop_fd_, POLLIN, 0}, {inotify_fd_, POLLIN, 0}};
    poll(fds, 2, kLookEveryMs);
    if (fds[0].revents != 0) return;
    const bool touched = TakeEvents();
    const bool replaced = LookAtPath();
    if (!touched && !replaced) continue;
    if (!WaitUntilQuiet()) return;
    hooks_.changed();
  }
}

// Watches what the path leads to now. True if that is another directory than before, or if it cannot be
// watched.
bool DirectoryWatcher::LookAtPath() {
  struct stat facts = {};
  const bool there = stat(path_.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode);
  const uint64_t device = there ? facts.st_dev : 0;
  const uint64_t inode = there ? facts.st_ino : 0;
  if (there && watch_ < 0 && inotify_fd_ < 0) return true;
  if (device == device_ && inode == inode_ && (watch_ >= 0 || !there)) return false;
  if (watch_ >= 0) inotify_rm_watch(inotify_fd_, watch_);
  watch_ = there ? inotify_add_watch(inotify_fd_, path_.c_str(), kEvents) : -1;
  device_ = device;
  inode_ = inode;
  return true;
}

// True if any of them matters.
bool DirectoryWatcher::TakeEvents() {
  if (inotify_fd_ < 0) return false;
  bool matters = false;
  alignas(inotify_event) char buffer[16 * 1024];
  for (;;) {
    const ssize_t bytes = read(inotify_fd_, buffer, sizeof(buffer));
    if (bytes <= 0) return matters;
    for (const char* at = buffer; at < buffer + bytes;) {
      inotify_event event;
      std::memcpy(&event, at, sizeof(event));
      const char* const name = at + sizeof(event);
      at += sizeof(event) + event.len;
      if (event.mask & IN_IGNORED) {
        // The directory itself is gone; of an earlier one nobody wants to know.
        if (event.wd == watch_) watch_ = -1;
        matters = matters || watch_ < 0;
      } else if (event.len == 0 || (event.mask & IN_Q_OVERFLOW)) {
        matters = true;
      } else if (event.wd == watch_) {
        matters = matters || hooks_.matters(name);
      }
    }
  }
}

// Lets a burst of changes pass. False if the watcher is to stop.
bool DirectoryWatcher::WaitUntilQuiet() {
  for (int i = 0; i < kQuietWaitsMax; ++i) {
    pollfd fds[] = {{stop_fd_, POLLIN, 0}, {inotify_fd_, POLLIN, 0}};
    const int ready = poll(fds, 2, kQuietMs);
    if (fds[0].revents != 0) return false;
    if (ready <= 0) return true;
    TakeEvents();
    LookAtPath();
  }
  return true;
}

}  // namespace lamppost::rpc
