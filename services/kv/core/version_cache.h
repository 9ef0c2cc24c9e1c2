// The latest committed version of keys used lately, as far as an overwrite needs it: when it was
// written, its part of the content hash, when it expires, and whether there is more that the overwrite must
// know of. It saves the store read that each write would otherwise begin with.
//
// Bounded by two generations: Put fills the young one; when that is full it becomes the old one and
// the old one is forgotten. What is forgotten depends on the order of the Puts and on nothing else.
//
// Not thread-safe.
#ifndef LAMPPOST_SERVICES_KV_CORE_VERSION_CACHE_H_
#define LAMPPOST_SERVICES_KV_CORE_VERSION_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "services/clock/timestamp.h"
#include "services/kv/core/content_hash.h"

namespace lamppost::kv {

struct VersionCacheLimits {
  size_t bytes_max = size_t{16} << 20;  // of a generation, about; room for some 130,000 short keys
};

// Whether a version, and all that its writer had seen, is covered by the heads of the node that holds it.
// Once it is, it stays so.
enum class Reach : uint8_t { kWithinHeads, kBeyondHeads };

struct CachedVersion {
  Timestamp timestamp;
  std::optional<Hash128> part;  // of the content hash; nothing: a tombstone
  Reach reach = Reach::kWithinHeads;
  uint64_t expires_unix_ms = 0;  // 0: never
};

class VersionCache {
 public:
  explicit VersionCache(VersionCacheLimits limits = {}) : limits_(limits) {}

  // Null if it is not known here. Valid until the next Put.
  const CachedVersion* Find(const std::string& key) const;
  // The key's version from now on. Whatever was known of the key before is forgotten.
  void Put(const std::string& key, CachedVersion version);

  // The key has no version any more.
  void Erase(const std::string& key);

  // Keys held; for tests.
  size_t size() const { return young_.size() + old_.size(); }

 private:
  using Generation = absl::flat_hash_map<std::string, CachedVersion>;  // looked up, never walked over

  VersionCacheLimits limits_;
  Generation young_;
  Generation old_;  // has no key that is in young_
  size_t young_bytes_ = 0;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_VERSION_CACHE_H_
