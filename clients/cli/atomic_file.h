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

// Written under another name in the same directory, and renamed by Commit; dropped if that is never
// called. A symbolic link is followed. Something at `path` that is no regular file, a device or a
// pipe, is written to directly. Errors are INVALID_ARGUMENT (cannot be opened) and DATA_LOSS (cannot
// be written), with the path and the reason. Not thread-safe.
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
  AtomicFile(std::string path, std::string temporary_path, FILE* file)
      : path_(std::move(path)), temporary_path_(std::move(temporary_path)), file_(file) {}
  absl::Status Error(absl::string_view what) const;

  const std::string path_;
  const std::string temporary_path_;  // empty if path_ itself is written
  FILE* file_;
  bool committed_ = false;
};

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_ATOMIC_FILE_H_
