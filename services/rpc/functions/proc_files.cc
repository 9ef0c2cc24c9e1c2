#include "services/rpc/functions/proc_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace lamppost::rpc {
namespace {

constexpr size_t kFileBytesMax = size_t{4} << 20;

// Whatever there is; nothing of a file that cannot be read.
bool ReadProcFile(const std::string& path, std::string* text) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char buffer[16 * 1024];
  ssize_t bytes = 0;
  while (text->size() < kFileBytesMax && ((bytes = read(fd, buffer, sizeof(buffer))) > 0 || errno == EINTR)) {
    if (bytes <= 0) break;
    text->append(buffer, static_cast<size_t>(bytes));
  }
  close(fd);
  return true;
}

}  // namespace

std::vector<pid_t> ChildrenOf(pid_t pid) {
  std::string text;
  if (!ReadProcFile(absl::StrCat("/proc/", pid, "/task/", pid, "/children"), &text))
    return ChildrenOfAllThreads(pid);  // a kernel without such a file
  std::vector<pid_t> children;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipWhitespace())) {
    pid_t child = 0;
    if (absl::SimpleAtoi(word, &child)) children.push_back(child);
  }
  return children;
}

std::vector<pid_t> ChildrenOfAllThreads(pid_t parent) {
  std::vector<pid_t> children;
  DIR* const directory = opendir("/proc");
  if (directory == nullptr) return children;
  while (const dirent* entry = readdir(directory)) {
    pid_t pid = 0;
    std::string stat;
    if (!absl::SimpleAtoi(entry->d_name, &pid) || !ReadProcFile(absl::StrCat("/proc/", pid, "/stat"), &stat))
      continue;
    // "pid (name) state parent ..."; the name may hold anything, a parenthesis too.
    const size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos || name_end + 4 > stat.size()) continue;
    if (std::strtol(stat.c_str() + name_end + 4, nullptr, 10) == parent) children.push_back(pid);
  }
  closedir(directory);
  return children;
}

std::string EnvironmentVariable(pid_t pid, absl::string_view name) {
  std::string text;
  ReadProcFile(absl::StrCat("/proc/", pid, "/environ"), &text);
  const std::string start = absl::StrCat(name, "=");
  for (const absl::string_view variable : absl::StrSplit(text, '\0')) {
    if (absl::StartsWith(variable, start)) return std::string(variable.substr(start.size()));
  }
  return "";
}

}  // namespace lamppost::rpc
