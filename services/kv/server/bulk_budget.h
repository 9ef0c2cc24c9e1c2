// What all bulk writes together may hold at the node: streams, and bytes of batches that are not answered
// yet. Each stream has one batch for certain; what lies beyond is shared. Thread-safe.
#ifndef LAMPPOST_SERVICES_KV_SERVER_BULK_BUDGET_H_
#define LAMPPOST_SERVICES_KV_SERVER_BULK_BUDGET_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace lamppost::kv {

struct BulkLimits {
  size_t streams_max = 128;
  size_t batches_max = 16;                      // of one stream
  uint64_t bytes_max = uint64_t{8} << 20;       // of one stream
  uint64_t all_bytes_max = uint64_t{64} << 20;  // of all streams
  int64_t retry_ms = 20;                        // while the node is overloaded
};

class BulkBudget {
 public:
  explicit BulkBudget(const BulkLimits& limits) : limits_(limits) {}

  const BulkLimits& limits() const { return limits_; }

  // False if there are as many streams as there may be.
  bool Enter() {
    if (streams_.fetch_add(1) < limits_.streams_max) return true;
    streams_.fetch_sub(1);
    return false;
  }
  void Leave() { streams_.fetch_sub(1); }

  size_t streams() const { return streams_.load(); }
  uint64_t bytes() const { return bytes_.load(); }

  void Take(uint64_t bytes) { bytes_.fetch_add(bytes); }
  void GiveBack(uint64_t bytes) { bytes_.fetch_sub(bytes); }

  // Whether a stream that holds so much may read another batch.
  bool HasRoom(size_t batches, uint64_t bytes) const {
    if (batches == 0) return true;
    return batches < limits_.batches_max && bytes < limits_.bytes_max &&
           bytes_.load() < limits_.all_bytes_max;
  }

 private:
  const BulkLimits limits_;
  std::atomic<size_t> streams_{0};
  std::atomic<uint64_t> bytes_{0};
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_BULK_BUDGET_H_
