// Watches a directory, on a thread of its own, and tells when something in it has changed.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_DIRECTORY_WATCHER_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_DIRECTORY_WATCHER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamppost::rpc {

// The directory need not be there, now or later: its path is looked at every second, too, so that one that
// has been made, replaced or removed is noticed. Where the system has no watches left, everything is looked
// at that often.
class DirectoryWatcher {
 public:
  struct Hooks {
    // Whether a change of the file of that name matters. On the watcher's thread.
    std::function<bool(absl::string_view)> matters;
    // Something may have changed. On the watcher's thread; several changes in kQuietMs are one.
    std::function<void()> changed;
  };

  static constexpr int kQuietMs = 50;
  static constexpr int kLookEveryMs = 1000;

  // `changed` is called once at the start, too: nothing that happens after Start is missed. INTERNAL
  // (WATCHER_FAILED) if the system has no descriptors left.
  static absl::StatusOr<std::unique_ptr<DirectoryWatcher>> Start(std::string path, Hooks hooks);
  ~DirectoryWatcher();  // as Stop
  DirectoryWatcher(const DirectoryWatcher&) = delete;
  DirectoryWatcher& operator=(const DirectoryWatcher&) = delete;

  // Returns once no hook is running, and none will be called.
  void Stop();

 private:
  DirectoryWatcher(std::string path, Hooks hooks) : path_(std::move(path)), hooks_(std::move(hooks)) {}

  void Loop();
  bool LookAtPath();
  bool TakeEvents();
  bool WaitUntilQuiet();

  const std::string path_;
  const Hooks hooks_;
  int inotify_fd_ = -1;
  int stop_fd_ = -1;
  int watch_ = -1;
  uint64_t device_ = 0;  // of the directory that is watched
  uint64_t inode_ = 0;   // 0: there is none
  std::thread thread_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_DIRECTORY_WATCHER_H_
