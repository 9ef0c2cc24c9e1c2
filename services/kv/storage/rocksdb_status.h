// What RocksDB's errors mean to the rest of the program.
#ifndef LAMPPOST_SERVICES_KV_STORAGE_ROCKSDB_STATUS_H_
#define LAMPPOST_SERVICES_KV_STORAGE_ROCKSDB_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rocksdb/status.h"

namespace lamppost::kv {

// DATA_LOSS (DATA_CORRUPT), RESOURCE_EXHAUSTED (DISK_FULL), FAILED_PRECONDITION (DATA_DIR_IN_USE, or
// DATA_DIR_UNSUPPORTED for a format this version cannot read), UNAVAILABLE (STORAGE_FAILED) for I/O
// errors and everything else. The message names the directory.
absl::Status FromRocksDb(const rocksdb::Status& status, absl::string_view directory);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_STORAGE_ROCKSDB_STATUS_H_
