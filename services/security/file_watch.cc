#include "services/security/file_watch.h"

#include <sys/stat.h>

#include <utility>

namespace lamppost::security {
namespace {

FileWatch::Mark MarkOf(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino, info.st_size, info.st_ctim.tv_sec, info.st_ctim.tv_nsec};
}

}  // namespace

std::vector<FileWatch::Mark> FileWatch::Look(const std::vector<std::string>& paths) {
  std::vector<Mark> marks;
  for (const std::string& path : paths) marks.push_back(MarkOf(path));
  return marks;
}

FileWatch::FileWatch(std::vector<std::string> paths, std::vector<Mark> seen, Hooks hooks)
    : paths_(std::move(paths)),
      seen_(std::move(seen)),
      hooks_(std::move(hooks)),
      thread_([this] { Loop(); }) {}

FileWatch::~FileWatch() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void FileWatch::Loop() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kLookEvery)) return;
    }
    std::vector<Mark> now = Look(paths_);
    if (now != seen_ || !taken_) {
      seen_ = std::move(now);
      taken_ = hooks_.changed();
    }
    hooks_.looked();
  }
}

}  // namespace lamppost::security
