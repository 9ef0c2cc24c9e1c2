// Tells when one of a few files has another content, on a thread of its own that looks every second.
#ifndef LAMPPOST_SERVICES_SECURITY_FILE_WATCH_H_
#define LAMPPOST_SERVICES_SECURITY_FILE_WATCH_H_

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace lamppost::security {

class FileWatch {
 public:
  static constexpr absl::Duration kLookEvery = absl::Seconds(1);

  // What changes with a file's content or mode, however it is replaced: device, inode, bytes and the time of
  // the last change. Zeros: the file is not there.
  using Mark = std::tuple<uint64_t, uint64_t, int64_t, int64_t, int64_t>;
  static std::vector<Mark> Look(const std::vector<std::string>& paths);

  // Both on the watch's thread.
  struct Hooks {
    // After files have changed; once for all that have within kLookEvery. False: they could not be taken, and
    // it is called again each time.
    std::function<bool()> changed;
    std::function<void()> looked;  // each time, changed or not
  };

  // seen: of a Look before the files were read, so that no change is missed.
  FileWatch(std::vector<std::string> paths, std::vector<Mark> seen, Hooks hooks);
  ~FileWatch();  // no hook is running then, or is called any more
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

 private:
  void Loop();

  const std::vector<std::string> paths_;
  std::vector<Mark> seen_;  // of the watch's thread, as the next
  bool taken_ = true;
  const Hooks hooks_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace lamppost::security

#endif  // LAMPPOST_SERVICES_SECURITY_FILE_WATCH_H_
