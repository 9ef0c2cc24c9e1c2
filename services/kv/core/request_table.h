// The latest request ids and what came of them, so that a retried write lands once.
//
// Bounded: beyond `entries_max` the oldest is forgotten, and a retry that comes later than that is
// taken for a new write. Kept in memory and, in the same batch as the writes, in Space::kRequests
// under ever increasing numbers.
//
// Not thread-safe.
#ifndef LAMPPOST_SERVICES_KV_CORE_REQUEST_TABLE_H_
#define LAMPPOST_SERVICES_KV_CORE_REQUEST_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "services/kv/core/record.h"
#include "services/kv/core/store.h"

namespace lamppost::kv {

class RequestTable {
 public:
  explicit RequestTable(size_t entries_max) : entries_max_(entries_max) {}

  // Reads what was kept.
  absl::Status Load(const StoreReader& store);

  // What came of the request, or null if its id is not known. Valid until the next Record.
  const RequestRecord* Find(const std::string& id) const;

  // Remembers a request whose id is not known yet; forgets the oldest if there are too many.
  void Record(const RequestRecord& request, WriteBatch* batch);

  size_t size() const { return by_id_.size(); }

 private:
  const size_t entries_max_;
  uint64_t next_number_ = 0;
  std::deque<std::pair<uint64_t, std::string>> oldest_first_;  // number, id
  absl::flat_hash_map<std::string, RequestRecord> by_id_;      // looked up, never walked over
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_REQUEST_TABLE_H_
