#include "clients/cli/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

absl::Status OpenError(const std::string& path) {
  return absl::InvalidArgumentError(absl::StrCat("cannot write ", path, ": ", strerror(errno)));
}

// The file's permissions as any other program would give them: mkstemp gives none to others.
void UseDefaultMode(int fd) {
  const mode_t mask = umask(0);
  umask(mask);
  fchmod(fd, 0666 & ~mask);
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// A name beside the target for a file that has none. Empty, with errno set, if it cannot get one.
std::string Link(int fd, const std::string& target) {
  constexpr int kNamesMax = 100;
  const std::string source = absl::StrCat("/proc/self/fd/", fd);
  for (int i = 0; i < kNamesMax; ++i) {
    std::string name = absl::StrCat(target, ".", getpid(), ".", i);
    if (linkat(AT_FDCWD, source.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) return name;
    if (errno != EEXIST) break;
  }
  return "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<AtomicFile>> AtomicFile::Create(const std::string& path) {
  std::string target = path;
  char resolved[PATH_MAX];
  if (realpath(path.c_str(), resolved) != nullptr) target = resolved;
  struct stat info;
  if (stat(target.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    FILE* file = fopen(target.c_str(), "we");
    if (file == nullptr) return OpenError(path);
    return std::unique_ptr<AtomicFile>(new AtomicFile(target, "", file, Kind::kInPlace));
  }
  // Without a name it is gone with the process, however that ends. Not every file system has such files.
  const bool can_be_named = access("/proc/self/fd", X_OK) == 0;
  const int nameless =
      can_be_named ? open(DirectoryOf(target).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666) : -1;
  if (nameless >= 0) {
    return std::unique_ptr<AtomicFile>(new AtomicFile(target, "", fdopen(nameless, "w"), Kind::kNameless));
  }
  std::string temporary_path = target + ".XXXXXX";
  const int fd = mkostemp(temporary_path.data(), O_CLOEXEC);
  if (fd < 0) return OpenError(path);
  UseDefaultMode(fd);
  return std::unique_ptr<AtomicFile>(
      new AtomicFile(target, temporary_path, fdopen(fd, "w"), Kind::kTemporary));
}

AtomicFile::~AtomicFile() {
  if (file_ != nullptr) fclose(file_);
  if (!committed_ && !temporary_path_.empty()) unlink(temporary_path_.c_str());
}

absl::Status AtomicFile::Error(absl::string_view what) const {
  return MakeError(absl::StatusCode::kFailedPrecondition, "FILE_NOT_WRITTEN",
                   absl::StrCat("cannot ", what, " ", path_, ": ", strerror(errno)));
}

absl::Status AtomicFile::Append(absl::string_view bytes) {
  if (fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) return Error("write");
  return absl::OkStatus();
}

absl::Status AtomicFile::Commit() {
  if (fflush(file_) != 0) return Error("write");
  if (kind_ == Kind::kInPlace) {
    committed_ = true;
    return absl::OkStatus();
  }
  if (fsync(fileno(file_)) != 0) return Error("write");
  if (kind_ == Kind::kNameless && temporary_path_.empty()) temporary_path_ = Link(fileno(file_), path_);
  if (temporary_path_.empty()) return Error("write");
  if (rename(temporary_path_.c_str(), path_.c_str()) != 0) return Error("rename to");
  committed_ = true;
  const int directory = open(DirectoryOf(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    fsync(directory);
    close(directory);
  }
  return absl::OkStatus();
}

}  // namespace lamppost::cli
