#include "services/kv/core/content_hash.h"

#include <xxhash.h>

#include "absl/strings/str_format.h"

namespace lamppost::kv {

int ContentHash::BucketOf(absl::string_view key) {
  return static_cast<int>(XXH3_64bits(key.data(), key.size()) % kBuckets);
}

// Over an encoding in which no two (key, version) pairs look alike.
std::optional<Hash128> ContentHash::PartOf(absl::string_view key, const Version& version) {
  if (version.IsTombstone()) return std::nullopt;
  std::string bytes;
  bytes.reserve(key.size() + version.value->bytes.size() + 48);
  PutString(key, &bytes);
  PutVarint(version.timestamp.counter, &bytes);
  PutOrigin(version.timestamp.origin, &bytes);
  bytes.push_back(static_cast<char>(version.value->kind));
  if (version.expires_unix_ms != 0) PutBigEndian64(version.expires_unix_ms, &bytes);
  bytes.append(version.value->bytes);
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return Hash128{hash.high64, hash.low64};
}

Hash128 Add(const Hash128& a, const Hash128& b) {
  const uint64_t low = a.low + b.low;
  return {a.high + b.high + (low < a.low ? 1 : 0), low};
}

Hash128 Subtract(const Hash128& a, const Hash128& b) {
  return {a.high - b.high - (a.low < b.low ? 1 : 0), a.low - b.low};
}

std::string ToHex(const Hash128& hash) {
  return absl::StrFormat("%016x%016x", hash.high, hash.low);
}

void ContentHash::Add(absl::string_view key, const Hash128& part) {
  Hash128& bucket = buckets_[BucketOf(key)];
  bucket = kv::Add(bucket, part);
}

void ContentHash::Remove(absl::string_view key, const Hash128& part) {
  Hash128& bucket = buckets_[BucketOf(key)];
  bucket = Subtract(bucket, part);
}

Hash128 ContentHash::Total() const {
  Hash128 total;
  for (const Hash128& bucket : buckets_) total = kv::Add(total, bucket);
  return total;
}

void ContentHash::EncodeTo(std::string* out) const {
  for (const Hash128& bucket : buckets_) {
    PutBigEndian64(bucket.high, out);
    PutBigEndian64(bucket.low, out);
  }
}

void ContentHash::DecodeFrom(Decoder* decoder) {
  for (Hash128& bucket : buckets_) {
    bucket.high = decoder->BigEndian64();
    bucket.low = decoder->BigEndian64();
  }
}

}  // namespace lamppost::kv
