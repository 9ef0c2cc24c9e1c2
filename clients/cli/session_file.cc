#include "clients/cli/session_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/atomic_file.h"
#include "clients/cli/json_format.h"
#include "clients/cpp/client_session.h"

namespace lamppost::cli {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;
constexpr int kVersion = 1;

absl::Status Damaged() {
  return absl::InvalidArgumentError("it is not a session of this command");
}

absl::Status Unusable(const std::string& path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("the session file ", path, " cannot be used: ", why));
}

// The text of an unsigned decimal number, as for whatever may be beyond 2^53.
bool ReadDecimal(const Json& value, uint64_t* number) {
  return value.is_string() && absl::SimpleAtoi(value.get_ref<const std::string&>(), number);
}

bool ReadHead(const Json& json, clock::v1::Head* head) {
  if (!json.is_object() || !json.contains("node_id") || !json.contains("incarnation") ||
      !json.contains("counter")) {
    return false;
  }
  uint64_t incarnation = 0;
  const Json& counter = json["counter"];
  if (!json["node_id"].is_string() || !ReadDecimal(json["incarnation"], &incarnation)) return false;
  if (!counter.is_number_unsigned() || counter.get<uint64_t>() == 0) return false;
  head->mutable_origin()->set_node_id(json["node_id"].get<std::string>());
  head->mutable_origin()->set_incarnation(incarnation);
  head->set_counter(counter.get<uint64_t>());
  return true;
}

// The file, open and locked: it is the one at the path, and nobody else changes it. Moved, not copied.
class LockedFile {
 public:
  static absl::StatusOr<LockedFile> Open(const std::string& path) {
    while (true) {
      LockedFile file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666));
      if (file.fd_ < 0) return Unusable(path, strerror(errno));
      struct stat opened = {};
      if (fstat(file.fd_, &opened) != 0) return Unusable(path, strerror(errno));
      if (!S_ISREG(opened.st_mode)) return Unusable(path, "it is no regular file");
      while (flock(file.fd_, LOCK_EX) != 0) {
        if (errno != EINTR) return Unusable(path, strerror(errno));
      }
      // Whoever held the lock may have put another file in its place.
      struct stat present = {};
      if (stat(path.c_str(), &present) == 0 && present.st_ino == opened.st_ino &&
          present.st_dev == opened.st_dev) {
        return file;
      }
    }
  }
  LockedFile(LockedFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~LockedFile() {
    if (fd_ >= 0) close(fd_);
  }

  absl::StatusOr<std::string> Read(const std::string& path) const {
    std::string text;
    char buffer[4096];
    while (true) {
      const ssize_t got = read(fd_, buffer, sizeof(buffer));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Unusable(path, strerror(errno));
      if (got == 0) return text;
      text.append(buffer, static_cast<size_t>(got));
      if (text.size() > kFileBytesMax) return Unusable(path, Damaged().message());
    }
  }

 private:
  explicit LockedFile(int fd) : fd_(fd) {}

  int fd_;
};

absl::StatusOr<kv::v1::Session> Read(const LockedFile& file, const std::string& path) {
  const absl::StatusOr<std::string> text = file.Read(path);
  if (!text.ok()) return text.status();
  absl::StatusOr<kv::v1::Session> session = ParseSession(*text);
  if (!session.ok()) return Unusable(path, session.status().message());
  return session;
}

}  // namespace

std::string SessionText(const kv::v1::Session& session) {
  const Json json = {{"lamppost_session", kVersion}, {"heads", HeadsJson(session.heads())}};
  return absl::StrCat(Line(json), "\n");
}

absl::StatusOr<kv::v1::Session> ParseSession(absl::string_view text) {
  kv::v1::Session session;
  if (text.empty()) return session;
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const bool whole = json.is_object() && json.contains("lamppost_session") && json.contains("heads") &&
                     json["lamppost_session"] == kVersion && json["heads"].is_array() &&
                     json["heads"].size() <= client::ClientSession::kHeadsMax;
  if (!whole) return Damaged();
  for (const Json& head : json["heads"]) {
    if (!ReadHead(head, session.add_heads())) return Damaged();
  }
  return session;
}

absl::StatusOr<kv::v1::Session> OpenSessionFile(const std::string& path) {
  const absl::StatusOr<LockedFile> file = LockedFile::Open(path);
  if (!file.ok()) return file.status();
  return Read(*file, path);
}

absl::Status AddToSessionFile(const std::string& path, const kv::v1::Session& session) {
  const absl::StatusOr<LockedFile> file = LockedFile::Open(path);
  if (!file.ok()) return file.status();
  const absl::StatusOr<kv::v1::Session> before = Read(*file, path);
  if (!before.ok()) return before.status();
  client::ClientSession all(*before);
  all.Merge(session);
  absl::StatusOr<std::unique_ptr<AtomicFile>> next = AtomicFile::Create(path);
  if (!next.ok()) return next.status();
  if (absl::Status status = (*next)->Append(SessionText(all.Get())); !status.ok()) return status;
  return (*next)->Commit();
}

}  // namespace lamppost::cli
