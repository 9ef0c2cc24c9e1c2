// An order-independent hash of a store's contents, kept up to date with each write.
//
// Each live version (tombstones left out) is hashed by itself with XXH3-128 over its key, timestamp
// and value; a bucket, chosen by the key, is the sum of its versions' hashes modulo 2^128. Sums do not
// depend on order, and taking a version out is a subtraction. Equal hashes at equal heads prove, up to
// a chance of 2^-128, equal contents; unequal buckets tell where to look. It guards against faults,
// not against somebody who forges values on purpose.
//
// A plain value; not thread-safe.
#ifndef LAMPPOST_SERVICES_KV_CORE_CONTENT_HASH_H_
#define LAMPPOST_SERVICES_KV_CORE_CONTENT_HASH_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "services/kv/core/coding.h"
#include "services/kv/core/version.h"

namespace lamppost::kv {

struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;

  friend bool operator==(const Hash128& a, const Hash128& b) { return a.high == b.high && a.low == b.low; }
  friend bool operator!=(const Hash128& a, const Hash128& b) { return !(a == b); }
};

Hash128 Add(const Hash128& a, const Hash128& b);
Hash128 Subtract(const Hash128& a, const Hash128& b);
// 32 hex digits.
std::string ToHex(const Hash128& hash);

class ContentHash {
 public:
  static constexpr int kBuckets = 64;

  // Which bucket a key belongs to.
  static int BucketOf(absl::string_view key);
  // What a key with this version adds; nothing if it is a tombstone.
  static std::optional<Hash128> PartOf(absl::string_view key, const Version& version);

  void Add(absl::string_view key, const Hash128& part);
  void Remove(absl::string_view key, const Hash128& part);

  // The sum of all buckets.
  Hash128 Total() const;
  const std::array<Hash128, kBuckets>& buckets() const { return buckets_; }

  void EncodeTo(std::string* out) const;
  void DecodeFrom(Decoder* decoder);

  friend bool operator==(const ContentHash& a, const ContentHash& b) { return a.buckets_ == b.buckets_; }

 private:
  std::array<Hash128, kBuckets> buckets_ = {};
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_CONTENT_HASH_H_
