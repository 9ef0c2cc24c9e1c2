#include "clients/cli/event_command.h"

#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/format.h"
#include "clients/cli/watch_format.h"
#include "services/common/clock_proto.h"
#include "services/common/error.h"

extern char** environ;

namespace lamppost::cli {
namespace {

absl::Status Failed(absl::string_view what) {
  return MakeError(absl::StatusCode::kUnavailable, "COMMAND_FAILED", what);
}

// A file in memory rather than a pipe: a command that does not read it must not hold anything up.
class InputFile {
 public:
  InputFile() : fd_(memfd_create("lamppost-event", MFD_CLOEXEC)) {}
  ~InputFile() {
    if (fd_ >= 0) close(fd_);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  bool Fill(const std::string& bytes) {
    if (fd_ < 0) return false;
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t count = write(fd_, bytes.data() + done, bytes.size() - done);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      done += static_cast<size_t>(count);
    }
    return lseek(fd_, 0, SEEK_SET) == 0;
  }
  int fd() const { return fd_; }

 private:
  const int fd_;
};

std::vector<std::string> Environment(const kv::v1::WatchEvent& event) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const bool own = absl::StartsWith(*entry, "LAMPPOST_EVENT=") ||
                     absl::StartsWith(*entry, "LAMPPOST_KEY=") ||
                     absl::StartsWith(*entry, "LAMPPOST_VERSION=");
    if (!own) all.emplace_back(*entry);
  }
  all.push_back(absl::StrCat("LAMPPOST_EVENT=", EventName(event)));
  all.push_back(absl::StrCat("LAMPPOST_KEY=", event.key()));
  all.push_back(absl::StrCat("LAMPPOST_VERSION=", ToString(FromProto(event.version()))));
  return all;
}

std::vector<char*> Pointers(std::vector<std::string>* texts) {
  std::vector<char*> pointers;
  for (std::string& text : *texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// 0, or an error number.
int Spawn(const std::string& command, const kv::v1::WatchEvent& event, int input, pid_t* child) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigset_t usual;
  sigemptyset(&usual);
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE}) sigaddset(&usual, signal);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> words = {"sh", "-c", command};
  std::vector<std::string> environment = Environment(event);
  const int error = posix_spawn(child, "/bin/sh", &files, &attributes, Pointers(&words).data(),
                                Pointers(&environment).data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  return error;
}

}  // namespace

absl::Status RunEventCommand(const std::string& command, const kv::v1::WatchEvent& event) {
  InputFile input;
  if (!input.Fill(BytesOf(event.value()))) {
    return Failed(absl::StrCat("the command's input cannot be stored: ", strerror(errno)));
  }
  pid_t child = 0;
  if (const int error = Spawn(command, event, input.fd(), &child); error != 0) {
    return Failed(absl::StrCat("the command cannot be started: ", strerror(error)));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return Failed(absl::StrCat("the command cannot be waited for: ", strerror(errno)));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  const std::string how = WIFEXITED(status) ? absl::StrCat("ended with code ", WEXITSTATUS(status))
                                            : absl::StrCat("was ended by signal ", WTERMSIG(status));
  return MakeError(absl::StatusCode::kAborted, "COMMAND_FAILED",
                   absl::StrCat("the command ", how, " at ", EventName(event), " of ", event.key(),
                                ", version ", ToString(FromProto(event.version()))));
}

}  // namespace lamppost::cli
