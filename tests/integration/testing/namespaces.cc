#include "tests/integration/testing/namespaces.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace lamppost::testing {
namespace {

absl::Status LastError(absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(what, ": ", std::strerror(errno)));
}

bool WriteWord(const char* path, const std::string& word) {
  std::ofstream file(path);
  file << word;
  return static_cast<bool>(file.flush());
}

}  // namespace

absl::Status EnterPrivateNamespaces(Private what) {
  const int namespaces = what == Private::kMounts ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWNET;
  if (unshare(namespaces) != 0) {
    const std::string user = absl::StrCat("0 ", geteuid(), " 1");
    const std::string group = absl::StrCat("0 ", getegid(), " 1");
    if (unshare(CLONE_NEWUSER | namespaces) != 0) return LastError("no namespaces (run as root)");
    if (!WriteWord("/proc/self/setgroups", "deny") || !WriteWord("/proc/self/uid_map", user) ||
        !WriteWord("/proc/self/gid_map", group)) {
      return absl::FailedPreconditionError("the user namespace takes no user (run as root)");
    }
  }
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return LastError("no private mounts");
  return absl::OkStatus();
}

absl::Status MountSmallDisk(const std::string& directory, uint64_t bytes) {
  const std::string size = absl::StrCat("size=", bytes);
  if (mount("lamppost-test", directory.c_str(), "tmpfs", 0, size.c_str()) == 0) return absl::OkStatus();
  return LastError("a small disk cannot be mounted (run as root)");
}

void UnmountSmallDisk(const std::string& directory) {
  umount2(directory.c_str(), MNT_DETACH);
}

absl::Status FillDisk(const std::string& ballast_path, uint64_t left_bytes) {
  struct statvfs disk;
  const std::string directory = std::filesystem::path(ballast_path).parent_path();
  if (statvfs(directory.c_str(), &disk) != 0) return LastError(directory);
  const uint64_t free_bytes = static_cast<uint64_t>(disk.f_bavail) * disk.f_bsize;
  std::ofstream ballast(ballast_path, std::ios::binary | std::ios::app);
  const std::string block(1 << 16, 'b');
  for (uint64_t taken = 0; taken + left_bytes < free_bytes; taken += block.size()) ballast << block;
  ballast.flush();
  return absl::OkStatus();
}

}  // namespace lamppost::testing
