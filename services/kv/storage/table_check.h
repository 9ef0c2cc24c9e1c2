// Looks for damage in RocksDB's table files, at a pace that leaves the disk to others.
#ifndef LAMPPOST_SERVICES_KV_STORAGE_TABLE_CHECK_H_
#define LAMPPOST_SERVICES_KV_STORAGE_TABLE_CHECK_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace lamppost::kv {

// So many bytes a second and no more. Thread-safe.
class Pace {
 public:
  // 0: as fast as it goes.
  explicit Pace(uint64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}

  // Waits until so many more may be read. False once stopped, then and at once.
  bool Take(uint64_t bytes);
  // Waits so long. False once it has been stopped.
  bool Sleep(absl::Duration duration);
  void Stop();
  bool IsStopped() const;

 private:
  const uint64_t bytes_per_second_;
  mutable absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t free_at_us_ ABSL_GUARDED_BY(mutex_) = 0;  // by the monotonic clock
};

// Reads the whole table, from the disk rather than from the system's cache where that can be had, and checks
// the checksum of each of its blocks. DATA_LOSS (DATA_CORRUPT) if one is wrong, or cannot be read; CANCELLED
// if the pace has been stopped; UNAVAILABLE (STORAGE_FAILED) if the file is not there. Takes little memory.
absl::Status CheckTableFile(const std::string& path, Pace* pace);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_STORAGE_TABLE_CHECK_H_
