// RocksDB's own log of what it does (flushes, compactions, errors), kept small.
#ifndef LAMPPOST_SERVICES_KV_STORAGE_ROCKSDB_LOG_H_
#define LAMPPOST_SERVICES_KV_STORAGE_ROCKSDB_LOG_H_

#include <cstdarg>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "rocksdb/env.h"

namespace lamppost::kv {

// Writes to LOG in the directory, and starts it anew when it has grown to bytes_max; the one before is
// LOG.old. What cannot be written is left out. RocksDB's default logger will not do: after a failed
// write, its next one fails an assertion, and a full disk would end the process. Thread-safe.
class RocksDbLog : public rocksdb::Logger {
 public:
  RocksDbLog(const std::string& directory, uint64_t bytes_max);
  ~RocksDbLog() override;
  RocksDbLog(const RocksDbLog&) = delete;
  RocksDbLog& operator=(const RocksDbLog&) = delete;

  using rocksdb::Logger::Logv;
  void Logv(const char* format, std::va_list arguments) override;

 private:
  void Write(const std::string& line) ABSL_LOCKS_EXCLUDED(mutex_);
  void OpenFile() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CloseFile() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string path_;
  const uint64_t bytes_max_;
  absl::Mutex mutex_;
  int file_ ABSL_GUARDED_BY(mutex_) = -1;  // -1: not open
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_STORAGE_ROCKSDB_LOG_H_
