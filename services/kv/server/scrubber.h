// Looks through all stored data now and then, slowly, for damage that nobody has run into yet.
#ifndef LAMPPOST_SERVICES_KV_SERVER_SCRUBBER_H_
#define LAMPPOST_SERVICES_KV_SERVER_SCRUBBER_H_

#include <cstdint>
#include <functional>
#include <thread>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "services/kv/server/driver.h"
#include "services/kv/storage/rocksdb_storage.h"
#include "services/kv/storage/table_check.h"

namespace lamppost::kv {

struct ScrubberOptions {
  uint64_t interval_ms = 0;  // from the end of one look to the next; the first one comes sooner
  uint64_t first_ms_max = 300'000;
  uint64_t bytes_per_second = uint64_t{16} << 20;
  // Told of what is found, on the scrubber's thread: DATA_CORRUPT of a table, CONTENT_DAMAGED of versions
  // that are not what the state says though their tables are sound. Must not call back.
  std::function<void(const absl::Status&)> on_damage;
};

// Has a thread of its own from its making to its end. Thread-safe.
class Scrubber {
 public:
  // Both must outlive the scrubber.
  Scrubber(ScrubberOptions options, const RocksDbStorage* storage, Driver* driver);
  // Ends a look under way.
  ~Scrubber();
  Scrubber(const Scrubber&) = delete;
  Scrubber& operator=(const Scrubber&) = delete;

 private:
  struct Moment;

  void Run();
  // False once stopped.
  bool Sleep(uint64_t duration_ms);
  void Look();
  absl::Status CheckContent();

  const ScrubberOptions options_;
  const RocksDbStorage* const storage_;
  Driver* const driver_;
  Pace pace_;
  absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_SCRUBBER_H_
