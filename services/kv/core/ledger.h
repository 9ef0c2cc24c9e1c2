// Which entries the conflict ledger has, as far as its bounds and those who look for a key's need to know.
// The entries themselves are in the store (conflict.h).
//
// What was found first goes first, by the counter of the record and not by that of the loser: what was found
// lately is kept, be it about a write that has come from far behind.
//
// Not thread-safe.
#ifndef LAMPPOST_SERVICES_KV_CORE_LEDGER_H_
#define LAMPPOST_SERVICES_KV_CORE_LEDGER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "services/kv/core/conflict.h"

namespace lamppost::kv {

struct LedgerLimits {
  size_t entries_max = 10000;
  uint64_t bytes_max = uint64_t{32} << 20;  // keys and values
  // Since it was found or settled, by the clock of the node that did; which then deletes it.
  uint64_t age_max_ms = uint64_t{30} * 24 * 60 * 60 * 1000;
};

class Ledger {
 public:
  explicit Ledger(LedgerLimits limits = {}) : limits_(limits) {}

  // The store has this entry now, in the place of what it had under the key.
  void Put(const std::string& stored_key, const Version& stored, const Conflict& conflict);
  // The store has no entry under the key any more.
  void Erase(const std::string& stored_key);

  // Whether it is beyond its bounds.
  bool IsOver() const { return entries_.size() > limits_.entries_max || bytes_ > limits_.bytes_max; }
  // The keys of the entries that are to go, the oldest record first; none while it is within its bounds. What
  // is left is a good way below them, so that it need not be done with each new entry.
  std::vector<std::string> Surplus() const;

  // So many entries has this node dropped: deleted, or left out before they became any.
  void SetDropped(const std::string& node_id, uint64_t dropped) { dropped_[node_id] = dropped; }
  uint64_t DroppedBy(const std::string& node_id) const;
  uint64_t dropped() const;  // by all

  // The keys of all open entries about the client's key, the oldest record first.
  std::vector<std::string> OpenAbout(absl::string_view key) const;

  const LedgerLimits& limits() const { return limits_; }
  size_t size() const { return entries_.size(); }
  size_t open() const { return open_; }  // entries that nobody has settled
  uint64_t bytes() const { return bytes_; }

 private:
  struct Entry {
    uint64_t counter = 0;  // of the record
    uint64_t bytes = 0;
    bool is_open = true;
  };
  using Place = std::pair<uint64_t, std::string>;  // counter of the record, its key

  const LedgerLimits limits_;
  absl::flat_hash_map<std::string, Entry> entries_;  // looked up, never walked over
  std::set<Place> by_counter_;                       // the oldest first
  std::map<std::string, uint64_t> dropped_;          // by node id
  uint64_t bytes_ = 0;
  size_t open_ = 0;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_LEDGER_H_
