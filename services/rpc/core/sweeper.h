// Forgetting: goes through the store again and again, a page at a time, and says what has become too old.
//
// An id of version 7 that is too old is removed, and the horizon rises to its time first, so that it is
// refused for ever after. Any other id leaves a mark (State::kForgotten) that stays. What lies below its
// client's watermark leaves a mark, too, until it is too old.
//
// Pure; not thread-safe.
#ifndef LAMPPOST_SERVICES_RPC_CORE_SWEEPER_H_
#define LAMPPOST_SERVICES_RPC_CORE_SWEEPER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "services/rpc/core/record.h"
#include "services/rpc/core/request_id.h"
#include "services/rpc/core/request_store.h"

namespace lamppost::rpc {

struct SweeperOptions {
  uint64_t retention_ms = uint64_t{24} * 3600 * 1000;  // an id is good for so long after it was minted
  uint64_t page_interval_ms = 100;
  size_t page_records = 100;
  uint64_t round_interval_ms = 10'000;  // from the end of one round to the next
  size_t records_max = 1'000'000;       // beyond, new requests are refused
  size_t marks_max = 10'000'000;        // beyond, new ids that are not of version 7 are refused
  size_t clients_max = 10'000;          // whose watermarks are kept; beyond, the oldest is dropped
};

class Sweeper {
 public:
  explicit Sweeper(SweeperOptions options) : options_(options) {}

  // True if the id is too old by its own time.
  bool IsTooOld(const RequestId& id, uint64_t wall_ms) const;
  // True if it is minted further ahead than ids are kept.
  bool IsFromTheFuture(const RequestId& id, uint64_t wall_ms) const;

  // All of the client's ids below the watermark are done.
  void Raise(const std::string& client_id, const RequestId& watermark);
  bool IsBelowWatermark(const std::string& client_id, const RequestId& id) const;

  // The next page to be scanned, if it is time for one and none is under way.
  std::optional<ScanRecords> NextPage(uint64_t steady_ms);
  // When to ask for it.
  uint64_t NextPageMs() const { return waiting_ ? std::numeric_limits<uint64_t>::max() : next_page_ms_; }
  // The answer to it.
  struct Page {
    std::vector<StoreOperation> operations;  // what is to be done
    std::vector<StoredRecord> suspects;  // old and without an outcome: to be forgotten if the owner is gone
  };
  Page TakePage(const std::vector<StoredRecord>& records, uint64_t steady_ms, uint64_t wall_ms);
  // The page could not be had.
  void PageFailed(uint64_t steady_ms);

  // A record has been created since.
  void CountCreated() { ++created_; }
  // How many there are, by the last round's count and what has come since.
  size_t records() const;
  size_t marks() const;
  // RESOURCE_EXHAUSTED (REQUEST_STORE_FULL) if there are too many records for another one, by the last
  // round's count and what has come since.
  absl::Status CheckRoom(const RequestId& id) const;

  // What makes a record forgotten: removes it, or leaves a mark.
  static StoreOperation Forget(const StoredRecord& stored, const Record& record);

 private:
  struct Count {
    size_t records = 0;
    size_t marks = 0;  // of ids that are not of version 7
  };
  void EndRound(uint64_t steady_ms);

  const SweeperOptions options_;
  std::map<std::string, RequestId> watermarks_;
  std::deque<std::string> clients_;  // in the order in which they came, oldest first
  std::optional<RequestId> after_;   // the last one seen in this round
  bool waiting_ = false;             // for the answer to a page
  uint64_t next_page_ms_ = 0;
  Count last_round_;
  Count this_round_;
  size_t created_ = 0;  // since the last round ended
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_CORE_SWEEPER_H_
