#include "services/rpc/functions/functions_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/common/error.h"
#include "services/rpc/functions/process_runnable.h"
#include "services/rpc/functions/worker_runnable.h"

namespace lamppost::rpc {
namespace {

absl::Status Unreadable(int error) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "MANIFEST_UNREADABLE", std::strerror(error));
}

absl::StatusOr<std::string> ReadManifest(const std::string& path) {
  // Not to wait for the other end if it is a pipe.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Unreadable(errno);
  const auto closing = absl::MakeCleanup([fd] { close(fd); });
  struct stat facts = {};
  if (fstat(fd, &facts) != 0) return Unreadable(errno);
  if (!S_ISREG(facts.st_mode))
    return MakeError(absl::StatusCode::kFailedPrecondition, "MANIFEST_UNREADABLE", "is not a file");
  std::string text(kManifestBytesMax + 1, '\0');
  size_t bytes = 0;
  while (bytes < text.size()) {
    const ssize_t got = read(fd, text.data() + bytes, text.size() - bytes);
    if (got < 0 && errno != EINTR) return Unreadable(errno);
    if (got == 0) break;
    if (got > 0) bytes += static_cast<size_t>(got);
  }
  text.resize(bytes);
  return text;
}

// Changes whenever the file does.
std::string FactsOf(const std::string& path) {
  struct stat facts = {};
  if (stat(path.c_str(), &facts) != 0) return "none";
  return absl::StrCat(facts.st_dev, ":", facts.st_ino, ":", facts.st_size, ":", facts.st_mtim.tv_sec, ".",
                      facts.st_mtim.tv_nsec, ":", facts.st_mode);
}

// The names of the manifests, in order; or why there are none.
absl::StatusOr<std::set<std::string>> ManifestsIn(const std::string& path) {
  DIR* const directory = opendir(path.c_str());
  if (directory == nullptr) return Unreadable(errno);
  std::set<std::string> files;
  while (const dirent* entry = readdir(directory)) {
    const absl::string_view name = entry->d_name;
    if (!absl::StartsWith(name, ".") && absl::EndsWith(name, ".json")) files.insert(std::string(name));
  }
  closedir(directory);
  return files;
}

}  // namespace

FunctionsDirectory::Contents FunctionsDirectory::Load() {
  Contents contents;
  program_files_.clear();
  absl::StatusOr<std::set<std::string>> files = ManifestsIn(path_);
  if (!files.ok()) {
    contents.problems.push_back(
        {path_, absl::StrCat("cannot read the directory: ", files.status().message())});
    files = std::set<std::string>();
  }
  std::map<std::string, Loaded> loaded;
  for (const std::string& file : *files) {
    if (loaded.size() >= kManifestsMax) {
      contents.problems.push_back({file, absl::StrCat("there are more than ", kManifestsMax, " manifests")});
      break;
    }
    const auto before = loaded_.find(file);
    absl::StatusOr<Loaded> now = LoadFile(file, before == loaded_.end() ? nullptr : &before->second);
    if (!now.ok()) {
      contents.problems.push_back({file, std::string(now.status().message())});
      continue;
    }
    contents.functions.push_back(now->function);
    loaded[file] = *std::move(now);
  }
  loaded_ = std::move(loaded);
  return contents;
}

absl::StatusOr<FunctionsDirectory::Loaded> FunctionsDirectory::LoadFile(const std::string& file,
                                                                        const Loaded* before) {
  absl::StatusOr<std::string> text = ReadManifest(absl::StrCat(path_, "/", file));
  if (!text.ok()) return text.status();
  absl::StatusOr<Manifest> manifest = ParseManifest(*text, file, path_);
  if (!manifest.ok()) return manifest.status();
  Loaded loaded;
  loaded.signature = *std::move(text);
  std::vector<std::string>& command = manifest->program.command;
  for (const std::string& word : command) {
    if (!absl::StartsWith(word, "./")) continue;
    const std::string name(absl::StripPrefix(word, "./"));
    program_files_.insert(name);
    absl::StrAppend(&loaded.signature, "\n", FactsOf(absl::StrCat(path_, "/", name)));
  }
  absl::StatusOr<std::string> path = FindCommand(command.front(), path_);
  if (!path.ok()) return path.status();
  absl::StrAppend(&loaded.signature, "\n", *path);
  command.front() = *std::move(path);
  const bool same = before != nullptr && before->signature == loaded.signature;
  loaded.function = same ? before->function : Make(*std::move(manifest));
  return loaded;
}

Registry::FunctionPtr FunctionsDirectory::Make(Manifest manifest) const {
  auto function = std::make_shared<Function>();
  if (manifest.mode == Manifest::Mode::kWorker) {
    WorkerOptions options;
    options.workers_max = manifest.spec.concurrency_max;
    function->runnable = std::make_shared<WorkerRunnable>(host_, std::move(manifest.program), options);
  } else {
    function->runnable = std::make_shared<ProcessRunnable>(host_, std::move(manifest.program));
  }
  function->spec = std::move(manifest.spec);
  function->params = std::move(manifest.params);
  return function;
}

}  // namespace lamppost::rpc
