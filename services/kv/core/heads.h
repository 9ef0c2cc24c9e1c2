// Heads: for each origin, the counter up to which its writes are known.
//
// The replication invariant: if a node's heads have At(o) >= c, then for every write w of o with a
// counter of at most c, the node's version of w's key is w or a higher one (or was deleted and
// forgotten). Ordered by origin, so that everything that walks over heads is deterministic.
//
// A plain value; not thread-safe.
#ifndef LAMPPOST_SERVICES_KV_CORE_HEADS_H_
#define LAMPPOST_SERVICES_KV_CORE_HEADS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "services/clock/timestamp.h"

namespace lamppost::kv {

class Heads {
 public:
  using Entry = std::pair<Origin, uint64_t>;

  Heads() = default;
  Heads(std::initializer_list<Entry> entries);
  // In any order, with any repetitions: raises each. Takes n log n steps.
  static Heads Of(std::vector<Entry> entries);

  // 0 for an origin that is not there.
  uint64_t At(const Origin& origin) const;
  bool Covers(const Timestamp& timestamp) const { return At(timestamp.origin) >= timestamp.counter; }
  // True if every origin of `this` is at most as far as in `other`.
  bool IsCoveredBy(const Heads& other) const;

  // Raises origin's counter to at least `counter`.
  void Raise(const Origin& origin, uint64_t counter);
  // Raises every origin to at least what it is in `other`.
  void RaiseAll(const Heads& other);

  // The newest incarnation known of a node id; 0 if none is.
  uint64_t NewestIncarnation(const std::string& node_id) const;
  // The greatest counter of any origin.
  uint64_t Max() const;

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  std::vector<Entry>::const_iterator begin() const { return entries_.begin(); }
  std::vector<Entry>::const_iterator end() const { return entries_.end(); }

  friend bool operator==(const Heads& a, const Heads& b) { return a.entries_ == b.entries_; }
  friend bool operator!=(const Heads& a, const Heads& b) { return !(a == b); }

 private:
  std::vector<Entry> entries_;  // by origin; few: one for each life of each member
};

// Whether both cover the same writes. They may still differ in lives that are known and have written nothing.
bool Agree(const Heads& a, const Heads& b);

// "A.1:17 B.1:15". For people.
std::string ToString(const Heads& heads);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_HEADS_H_
