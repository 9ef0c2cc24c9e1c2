// Looks for damage in RocksDB's log files that RocksDB would take for their end.
//
// RocksDB (7.8) stops reading a log without an error not only where a crash tore its tail, but also at a
// flipped bit in a record's length (in the last 32 KiB) or type (anywhere), and it skips a zeroed header
// with the rest of its 32 KiB block. What follows would be lost in silence. So the logs are read once
// before it opens them, and a stop that is not a torn tail is refused.
#ifndef LAMPPOST_SERVICES_KV_STORAGE_LOG_CHECK_H_
#define LAMPPOST_SERVICES_KV_STORAGE_LOG_CHECK_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace lamppost::kv {

// DATA_LOSS (DATA_CORRUPT) if this log's content is damaged other than by a torn tail: an unfinished
// record, or nothing but zeros, up to its end. file_name is for the message. Pure.
absl::Status CheckLogContent(absl::string_view content, absl::string_view file_name);

// The same for a write-ahead log or a MANIFEST, which no process may have open. UNAVAILABLE
// (STORAGE_FAILED) if it cannot be read. Holds the whole file in memory; the memtable's size bounds it.
absl::Status CheckLogFile(const std::string& path);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_STORAGE_LOG_CHECK_H_
