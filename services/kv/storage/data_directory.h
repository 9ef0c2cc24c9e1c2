// The directory that a RocksDB lives in, looked at before RocksDB opens it.
#ifndef LAMPPOST_SERVICES_KV_STORAGE_DATA_DIRECTORY_H_
#define LAMPPOST_SERVICES_KV_STORAGE_DATA_DIRECTORY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lamppost::kv {

// Makes the directory (mode 0700) and its parents if they are missing, and returns its canonical path:
// one directory has one name, whichever way it was given. FAILED_PRECONDITION (DATA_DIR_UNUSABLE) if it
// is no directory, PERMISSION_DENIED (same reason) if it may not be written, RESOURCE_EXHAUSTED
// (DISK_FULL), else UNAVAILABLE (STORAGE_FAILED).
absl::StatusOr<std::string> PrepareDataDirectory(const std::string& directory);

// Refuses what RocksDB would open with some or all data gone: DATA_LOSS (DATA_CORRUPT) if CURRENT, the
// MANIFEST it names or every log is missing though there was a database, or if a log is damaged
// (log_check.h). FAILED_PRECONDITION (DATA_DIR_UNUSABLE) if there are files of someone else and no database.
// The caller must hold the directory's lock.
absl::Status CheckDataFiles(const std::string& directory);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_STORAGE_DATA_DIRECTORY_H_
