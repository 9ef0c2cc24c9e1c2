#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/rpc/functions/builtins.h"

namespace lamppost::rpc {
namespace {

constexpr off_t kLineBytes = 37;  // a request id and a line end
constexpr size_t kNameBytesMax = 64;

absl::Status Unavailable(absl::string_view what, int error) {
  return MakeError(absl::StatusCode::kUnavailable, "COUNTER_UNAVAILABLE",
                   absl::StrCat(what, error == 0 ? "" : ": ", error == 0 ? "" : std::strerror(error)));
}

bool IsName(absl::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) return false;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (!absl::ascii_islower(byte) && !absl::ascii_isdigit(byte) && c != '_' && c != '-') return false;
  }
  return true;
}

// Appends the line durably; how many there are then.
absl::StatusOr<Json> Append(int fd, const std::string& line) {
  struct stat facts = {};
  while (flock(fd, LOCK_EX) != 0) {
    if (errno != EINTR) return Unavailable("cannot lock", errno);
  }
  if (fstat(fd, &facts) != 0) return Unavailable("cannot look", errno);
  // A crash in mid-write leaves part of a line; that call was never answered.
  const off_t whole = facts.st_size / kLineBytes * kLineBytes;
  if (facts.st_size != whole && ftruncate(fd, whole) != 0) return Unavailable("cannot mend", errno);
  const ssize_t written = pwrite(fd, line.data(), line.size(), whole);
  if (written != static_cast<ssize_t>(line.size()) || fdatasync(fd) != 0) {
    const int error = written < 0 || written == static_cast<ssize_t>(line.size()) ? errno : ENOSPC;
    [[maybe_unused]] const int taken_back = ftruncate(fd, whole);
    return Unavailable("cannot write", error);
  }
  return Json({{"count", whole / kLineBytes + 1}});
}

absl::StatusOr<Json> Count(const std::string& directory, const RequestId& id, const std::string& name) {
  if (!IsName(name)) {
    return MakeError(absl::StatusCode::kInvalidArgument, "NAME_INVALID",
                     "a counter's name is 1 to 64 of a-z 0-9 _ -");
  }
  if (directory.empty()) return Unavailable("this server keeps no counters", 0);
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return Unavailable("cannot make the counters' directory", error.value());
  const std::string path = absl::StrCat(directory, "/", name);
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) return Unavailable("cannot open the counter", errno);
  const auto closing = absl::MakeCleanup([fd] { close(fd); });  // and unlocking
  return Append(fd, absl::StrCat(ToString(id), "\n"));
}

}  // namespace

BuiltIn CounterBuiltIn(std::string directory) {
  return Define("counter", "Counts up by one, and keeps the id of every request that did.",
                Param<std::string>{"name", "Which counter: 1 to 64 of a-z 0-9 _ -."})
      .TimeLimitMs(10'000)
      .ConcurrencyMax(16)
      .QueueMax(10'000)
      .Runs([directory = std::move(directory)](CallContext& call, const std::string& name) {
        return Count(directory, call.request_id(), name);
      });
}

}  // namespace lamppost::rpc
