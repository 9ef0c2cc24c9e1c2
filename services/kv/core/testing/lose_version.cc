#include "services/kv/core/testing/lose_version.h"

#include "services/kv/core/check.h"
#include "services/kv/core/record.h"

namespace lamppost::kv::testing {

WriteBatch LoseVersion(const StoreReader& store, const std::string& key) {
  const auto bytes = store.Get(Space::kData, key);
  LAMPPOST_CHECK(bytes.ok() && bytes->has_value(), "there is no version to lose");
  const Version version = *DecodeVersion(**bytes);
  State state = *DecodeState(**store.Get(Space::kMeta, kStateKey));
  if (const auto part = ContentHash::PartOf(key, version)) state.hash.Remove(key, *part);
  --(version.IsTombstone() ? state.tombstones : state.keys);
  WriteBatch batch;
  batch.Put(Space::kMeta, std::string(kStateKey), EncodeState(state));
  batch.Remove(Space::kData, key);
  batch.Remove(Space::kIndex, EncodeIndexKey(version.timestamp, key));
  if (version.IsTombstone())
    batch.Remove(Space::kTombstones, EncodeTombstoneKey(version.timestamp.counter, key));
  if (version.expires_unix_ms != 0)
    batch.Remove(Space::kExpiries,
                 EncodeExpiryKey(version.timestamp.origin.node_id, version.expires_unix_ms, key));
  return batch;
}

}  // namespace lamppost::kv::testing
