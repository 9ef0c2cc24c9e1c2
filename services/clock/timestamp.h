// Lamport timestamps and the origins that issue them.
//
// L. Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", CACM 21(7), 1978:
// a counter orders events so that a cause is smaller than its effects; the issuer's name breaks ties.
// Here the issuer is one *life* of a node, so that a node that lost its disk can never issue a
// timestamp a second time.
//
// Plain values; as thread-safe as an int.
#ifndef LAMPPOST_SERVICES_CLOCK_TIMESTAMP_H_
#define LAMPPOST_SERVICES_CLOCK_TIMESTAMP_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace lamppost {

// One life of a node: (node id, incarnation). The incarnation's high 32 bits count the node's lives,
// its low 32 bits are random; 0 means "not known" or "not yet decided".
struct Origin {
  // No node takes more lives than this.
  static constexpr uint32_t kLifeMax = uint32_t{1} << 31;

  std::string node_id;
  uint64_t incarnation = 0;

  uint32_t life() const { return static_cast<uint32_t>(incarnation >> 32); }
  bool IsSet() const { return !node_id.empty() && incarnation != 0; }

  friend bool operator==(const Origin& a, const Origin& b) {
    return a.incarnation == b.incarnation && a.node_id == b.node_id;
  }
  friend bool operator!=(const Origin& a, const Origin& b) { return !(a == b); }
  friend bool operator<(const Origin& a, const Origin& b) {
    const int by_name = a.node_id.compare(b.node_id);
    return by_name != 0 ? by_name < 0 : a.incarnation < b.incarnation;
  }
  template <typename H>
  friend H AbslHashValue(H hash, const Origin& origin) {
    return H::combine(std::move(hash), origin.node_id, origin.incarnation);
  }
};

// When an event happened: compared by counter, then node id (bytewise), then incarnation. A strict
// total order; no two events of a cluster share a timestamp.
struct Timestamp {
  uint64_t counter = 0;
  Origin origin;

  friend bool operator==(const Timestamp& a, const Timestamp& b) {
    return a.counter == b.counter && a.origin == b.origin;
  }
  friend bool operator!=(const Timestamp& a, const Timestamp& b) { return !(a == b); }
  friend bool operator<(const Timestamp& a, const Timestamp& b) {
    return a.counter != b.counter ? a.counter < b.counter : a.origin < b.origin;
  }
  friend bool operator>(const Timestamp& a, const Timestamp& b) { return b < a; }
  friend bool operator<=(const Timestamp& a, const Timestamp& b) { return !(b < a); }
  friend bool operator>=(const Timestamp& a, const Timestamp& b) { return !(a < b); }
};

// "A.2": node A in its second life. For people; the random half of the incarnation is left out.
inline std::string ToString(const Origin& origin) {
  return absl::StrCat(origin.node_id.empty() ? "?" : origin.node_id, ".", origin.life());
}

// "17@A.2": counter 17 of node A in its second life.
inline std::string ToString(const Timestamp& timestamp) {
  return absl::StrCat(timestamp.counter, "@", ToString(timestamp.origin));
}

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_CLOCK_TIMESTAMP_H_
