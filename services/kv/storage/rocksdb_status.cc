#include "services/kv/storage/rocksdb_status.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost::kv {
namespace {

// RocksDB reports a held lock as an I/O error and tells it from others by its words alone.
bool IsLockHeld(const rocksdb::Status& status) {
  if (status.IsBusy()) return true;
  const std::string text = status.ToString();
  return status.IsIOError() && (absl::StrContains(text, "lock hold by current process") ||
                                absl::StrContains(text, "While lock file"));
}

}  // namespace

absl::Status FromRocksDb(const rocksdb::Status& status, absl::string_view directory) {
  if (status.ok()) return absl::OkStatus();
  const std::string cause = status.ToString();
  // A file that the store counts on and that is gone is damage, too.
  if (status.IsCorruption() || status.IsPathNotFound()) {
    return MakeError(absl::StatusCode::kDataLoss, "DATA_CORRUPT",
                     absl::StrCat("the data in ", directory, " is damaged: ", cause));
  }
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit) {
    return MakeError(absl::StatusCode::kResourceExhausted, "DISK_FULL",
                     absl::StrCat("no space left for ", directory, ": ", cause));
  }
  if (IsLockHeld(status)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "DATA_DIR_IN_USE",
                     absl::StrCat("another process has the data directory ", directory, " open: ", cause));
  }
  if (status.IsNotSupported()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "DATA_DIR_UNSUPPORTED",
                     absl::StrCat("this version cannot read the data in ", directory, ": ", cause));
  }
  return MakeError(absl::StatusCode::kUnavailable, "STORAGE_FAILED",
                   absl::StrCat("storage failed in ", directory, ": ", cause));
}

}  // namespace lamppost::kv
