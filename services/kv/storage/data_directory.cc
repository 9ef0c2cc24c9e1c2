#include "services/kv/storage/data_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/kv/storage/log_check.h"

namespace lamppost::kv {
namespace {

namespace fs = std::filesystem;

absl::Status DirectoryError(const std::string& directory, absl::string_view what, std::error_code error) {
  absl::StatusCode code = absl::StatusCode::kUnavailable;
  absl::string_view reason = "STORAGE_FAILED";
  if (error == std::errc::permission_denied || error == std::errc::operation_not_permitted ||
      error == std::errc::read_only_file_system) {
    code = absl::StatusCode::kPermissionDenied;
    reason = "DATA_DIR_UNUSABLE";
  } else if (error == std::errc::not_a_directory || error == std::errc::file_exists) {
    code = absl::StatusCode::kFailedPrecondition;
    reason = "DATA_DIR_UNUSABLE";
  } else if (error == std::errc::no_space_on_device) {
    code = absl::StatusCode::kResourceExhausted;
    reason = "DISK_FULL";
  }
  return MakeError(code, reason,
                   absl::StrCat("cannot ", what, " the data directory ", directory, ": ", error.message()));
}

std::error_code LastError() {
  return std::error_code(errno, std::generic_category());
}

absl::Status Damaged(const std::string& directory, absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "DATA_CORRUPT",
                   absl::StrCat("the data in ", directory, " is damaged: ", what));
}

// What a database directory holds.
struct DataFiles {
  bool current = false;
  bool used = false;  // a table or the stored options: a database was open here
  std::vector<std::string> write_ahead_logs;
  std::string foreign;  // a file that no database writes; empty if there is none
};

absl::StatusOr<DataFiles> ListDataFiles(const std::string& directory) {
  DataFiles files;
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    if (name == "CURRENT") {
      files.current = true;
    } else if (absl::EndsWith(name, ".log")) {
      files.write_ahead_logs.push_back(entries->path().string());
    } else if (absl::EndsWith(name, ".sst") || absl::StartsWith(name, "OPTIONS-")) {
      files.used = files.used || !absl::EndsWith(name, ".dbtmp");
    } else if (name != "LOCK" && name != "IDENTITY" && name != "LOG" && name != "lost+found" &&
               !absl::StartsWith(name, "LOG.old") && !absl::StartsWith(name, "MANIFEST-") &&
               !absl::EndsWith(name, ".dbtmp")) {
      files.foreign = name;
    }
  }
  if (error) return DirectoryError(directory, "list", error);
  std::sort(files.write_ahead_logs.begin(), files.write_ahead_logs.end());
  return files;
}

// CURRENT holds the name of the MANIFEST, which lists the tables: one without the other is nothing.
absl::Status CheckManifest(const std::string& directory) {
  std::ifstream current(directory + "/CURRENT");
  std::string name;
  if (!std::getline(current, name) || !absl::StartsWith(name, "MANIFEST-")) {
    return Damaged(directory, "CURRENT does not name a MANIFEST");
  }
  const std::string path = absl::StrCat(directory, "/", name);
  std::error_code error;
  if (!fs::exists(path, error) && !error) return Damaged(directory, absl::StrCat(name, " is missing"));
  return CheckLogFile(path);
}

}  // namespace

absl::StatusOr<std::string> PrepareDataDirectory(const std::string& directory) {
  std::error_code error;
  const fs::path path = fs::absolute(directory.empty() ? "." : directory, error).lexically_normal();
  const fs::path target = path.has_filename() ? path : path.parent_path();  // without a slash at its end
  if (!error) fs::create_directories(target.parent_path(), error);
  if (error) return DirectoryError(directory, "create", error);
  if (mkdir(target.c_str(), 0700) != 0 && errno != EEXIST) {
    return DirectoryError(directory, "create", LastError());
  }
  const fs::path canonical = fs::canonical(target, error);
  if (error) return DirectoryError(directory, "open", error);
  if (!fs::is_directory(canonical, error)) {
    return DirectoryError(directory, "open",
                          error ? error : std::make_error_code(std::errc::not_a_directory));
  }
  if (access(canonical.c_str(), R_OK | W_OK | X_OK) != 0) {
    return DirectoryError(directory, "write to", LastError());
  }
  return canonical.string();
}

absl::Status CheckDataFiles(const std::string& directory) {
  const absl::StatusOr<DataFiles> files = ListDataFiles(directory);
  if (!files.ok()) return files.status();
  if (!files->current) {
    // A crash while the database was first made leaves neither tables nor logs.
    if (files->used || !files->write_ahead_logs.empty()) return Damaged(directory, "CURRENT is missing");
    if (files->foreign.empty()) return absl::OkStatus();
    return MakeError(absl::StatusCode::kFailedPrecondition, "DATA_DIR_UNUSABLE",
                     absl::StrCat("the data directory ", directory, " holds other files (", files->foreign,
                                  ") and no database; give an empty or a missing directory"));
  }
  if (absl::Status status = CheckManifest(directory); !status.ok()) return status;
  // There is a log from before the first table and the first options file on, always.
  if (files->used && files->write_ahead_logs.empty()) {
    return Damaged(directory, "the write-ahead log is missing");
  }
  for (const std::string& log : files->write_ahead_logs) {
    if (absl::Status status = CheckLogFile(log); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace lamppost::kv
