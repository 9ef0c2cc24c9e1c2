#include "services/kv/storage/disk_space.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost::kv {

absl::StatusOr<uint64_t> FreeBytes(const std::string& directory) {
  struct statvfs info {};
  int result = 0;
  do {
    result = statvfs(directory.c_str(), &info);
  } while (result != 0 && errno == EINTR);
  if (result != 0) {
    const int error = errno;
    const bool missing = error == ENOENT || error == ENOTDIR;
    return MakeError(missing ? absl::StatusCode::kNotFound : absl::StatusCode::kUnavailable,
                     missing ? "DIRECTORY_NOT_FOUND" : "STORAGE_FAILED",
                     absl::StrCat("cannot tell the free space of ", directory, ": ",
                                  std::generic_category().message(error)));
  }
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace lamppost::kv
