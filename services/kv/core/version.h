// A version: what one write gave one key.
#ifndef LAMPPOST_SERVICES_KV_CORE_VERSION_H_
#define LAMPPOST_SERVICES_KV_CORE_VERSION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/clock/timestamp.h"
#include "services/kv/core/heads.h"

namespace lamppost::kv {

// Text and bytes are kept apart, as the client gave them.
struct Value {
  enum class Kind : uint8_t { kText = 0, kData = 1 };
  Kind kind = Kind::kText;
  std::string bytes;

  friend bool operator==(const Value& a, const Value& b) { return a.kind == b.kind && a.bytes == b.bytes; }
};

// What a version's writer had seen of its key: for each origin, how far the writes that it knew of lay behind
// the version's own counter. Small numbers, so a few bytes on disk and on the wire.
//
// These are the writer's heads, and beyond them what the version that it replaced had seen: that one may have
// come before what it stands on, by another way.
class Seen {
 public:
  using Entry = std::pair<Origin, uint64_t>;  // origin, lag

  Seen() = default;
  // What a writer with these heads has seen when it stamps a write with `counter`.
  Seen(const Heads& heads, uint64_t counter);
  explicit Seen(std::vector<Entry> lags) : lags_(std::move(lags)) {}

  // Whether the writer of a version with counter `own_counter` had seen `other`, a write of the same key.
  bool Includes(uint64_t own_counter, const Timestamp& other) const;

  const std::vector<Entry>& lags() const { return lags_; }
  friend bool operator==(const Seen& a, const Seen& b) { return a.lags_ == b.lags_; }

 private:
  std::vector<Entry> lags_;
};

// The client's name for a write, so that a retry can be told from a new one.
struct RequestTag {
  std::string id;            // empty: the client gave none
  uint64_t fingerprint = 0;  // of the write's operations
  // Whether the key had a value at the coordinator before (what a replayed Delete answers).
  enum class Before : uint8_t { kAbsent = 0, kPresent = 1 };
  Before before = Before::kAbsent;

  friend bool operator==(const RequestTag& a, const RequestTag& b) {
    return a.id == b.id && a.fingerprint == b.fingerprint && a.before == b.before;
  }
};

// How a version came to the node that holds it. That node's own business: it is no part of the version, and
// is not sent along with it.
struct Arrival {
  enum class Way : uint8_t {
    kUnknown = 0,   // of data that was written before this was kept
    kWritten = 1,   // by this node: for a client, or because the value before had expired
    kLive = 2,      // pushed by the node that wrote it
    kCatchUp = 3,   // in a catch-up, be its sender the writer or another
    kFull = 4,      // when this node was given everything
    kRepair = 5,    // the copy that was here was damaged, or missing
    kRestored = 6,  // out of a snapshot file
  };
  Way way = Way::kUnknown;
  std::string from;      // the node that sent it; empty if none did
  uint64_t unix_ms = 0;  // by this node's wall clock; it decides nothing. 0: not known
};

struct Version {
  Timestamp timestamp;
  std::optional<Value> value;  // nothing: a tombstone, the key is deleted
  Seen seen;
  RequestTag request;
  // When it expires, by wall clocks; 0: never. An expired version reads as absent, and is a version like any
  // other all the same: it decides no order.
  uint64_t expires_unix_ms = 0;
  bool lapsed = false;   // a tombstone that no client asked for: of a value that had expired
  Arrival arrival = {};  // does not count in comparisons

  bool IsTombstone() const { return !value.has_value(); }
  bool IsExpired(uint64_t now_unix_ms) const {
    return expires_unix_ms != 0 && expires_unix_ms <= now_unix_ms;
  }
  // Whether somebody who reads now sees a value.
  bool IsVisible(uint64_t now_unix_ms) const;
  friend bool operator==(const Version& a, const Version& b) {
    return a.timestamp == b.timestamp && a.value == b.value && a.seen == b.seen && a.request == b.request &&
           a.expires_unix_ms == b.expires_unix_ms && a.lapsed == b.lapsed;
  }
};

// Whether the heads cover the version and all that its writer had seen.
bool IsWithin(const Heads& heads, const Version& version);
// The heads, raised to cover the version and all that its writer had seen.
Heads RaisedBy(const Version& version, Heads heads);

struct KeyedVersion {
  std::string key;
  Version version;
};

// How two versions of one key relate. `kReplaces`: the incoming one wins and its writer had seen the
// other, or there was none. The two concurrent cases mean that neither writer knew of the other.
enum class Merge {
  kReplaces,
  kReplacesConcurrent,
  kLoses,
  kLosesConcurrent,
  kSame,
};

// Last writer wins, by timestamp and nothing else; hence commutative, associative and idempotent.
// Every way into the store (own writes, live traffic, catch-up) decides by this one function.
Merge Decide(const Version& incoming, const Version* current);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_VERSION_H_
