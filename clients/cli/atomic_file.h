// A file that appears whole or not at all.
#ifndef LAMPPOST_CLIENTS_CLI_ATOMIC_FILE_H_
#define LAMPPOST_CLIENTS_CLI_ATOMIC_FILE_H_

#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamppost::cli {

// Written without a name where the file system can do that, else under another name in the same directory;
// Commit gives it its own. Dropped if that is never called. A symbolic link is followed. Something at `path`
// that is no regular file, a device or a pipe, is written to directly. Errors are INVALID_ARGUMENT (cannot be
// opened) and FAILED_PRECONDITION (FILE_NOT_WRITTEN), with the path and the reason. Not thread-safe.
class AtomicFile {
 public:
  static absl::StatusOr<std::unique_ptr<AtomicFile>> Create(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  absl::Status Append(absl::string_view bytes);
  // On disk and under its own name once this has returned OK.
  absl::Status Commit();

 private:
  enum class Kind { kInPlace, kTemporary, kNameless };
  AtomicFile(std::string path, std::string temporary_path, FILE* file, Kind kind)
      : kind_(kind), path_(std::move(path)), temporary_path_(std::move(temporary_path)), file_(file) {}
  absl::Status Error(absl::string_view what) const;

  const Kind kind_;
  const std::string path_;
  std::string temporary_path_;  // empty: there is none, or none yet
  FILE* file_;
  bool committed_ = false;
};

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_ATOMIC_FILE_H_
