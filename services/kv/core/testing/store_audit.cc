#include "services/kv/core/testing/store_audit.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/kv/core/check.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/record.h"

namespace lamppost::kv::testing {

std::map<std::string, Version> Dump(const StoreReader& store, Tombstones tombstones) {
  std::map<std::string, Version> dump;
  const std::unique_ptr<Cursor> cursor = store.Scan(Space::kData, "", "");
  for (; cursor->Valid(); cursor->Next()) {
    absl::StatusOr<Version> version = DecodeVersion(cursor->value());
    LAMPPOST_CHECK(version.ok(), "a stored version cannot be read");
    if (version->IsTombstone() && tombstones == Tombstones::kLeftOut) continue;
    dump.emplace(std::string(cursor->key()), *std::move(version));
  }
  return dump;
}

namespace {

// Whether the space has exactly these keys; empty if so.
std::string Compare(const StoreReader& store, Space space, std::set<std::string> expected, const char* name) {
  const std::unique_ptr<Cursor> cursor = store.Scan(space, "", "");
  for (; cursor->Valid(); cursor->Next()) {
    if (expected.erase(std::string(cursor->key())) == 0)
      return absl::StrCat("the ", name, " has an entry without a version");
  }
  return expected.empty() ? "" : absl::StrCat("the ", name, " lacks a version");
}

}  // namespace

std::string Audit(const StoreReader& store) {
  const auto bytes = store.Get(Space::kMeta, kStateKey);
  if (!bytes.ok() || !*bytes) return "there is no state record";
  const absl::StatusOr<State> state = DecodeState(**bytes);
  if (!state.ok()) return "the state record cannot be read";

  State counted;
  std::set<std::string> index;
  std::set<std::string> tombstones;
  std::set<std::string> expiries;
  for (const auto& [key, version] : Dump(store, Tombstones::kIncluded)) {
    if (!IsSystemKey(key)) ++(version.IsTombstone() ? counted.tombstones : counted.keys);
    if (version.expires_unix_ms != 0) {
      expiries.insert(EncodeExpiryKey(version.timestamp.origin.node_id, version.expires_unix_ms, key));
    }
    counted.max_write = std::max(counted.max_write, version.timestamp.counter);
    if (const auto part = ContentHash::PartOf(key, version)) counted.hash.Add(key, *part);
    index.insert(EncodeIndexKey(version.timestamp, key));
    if (version.IsTombstone()) tombstones.insert(EncodeTombstoneKey(version.timestamp.counter, key));
  }
  std::string wrong = Compare(store, Space::kIndex, std::move(index), "index");
  if (wrong.empty()) wrong = Compare(store, Space::kTombstones, std::move(tombstones), "tombstone index");
  if (wrong.empty()) wrong = Compare(store, Space::kExpiries, std::move(expiries), "expiry index");
  if (!wrong.empty()) return wrong;
  if (counted.keys != state->keys || counted.tombstones != state->tombstones) {
    return absl::StrCat("the state counts ", state->keys, " keys and ", state->tombstones,
                        " tombstones, there are ", counted.keys, " and ", counted.tombstones);
  }
  if (!(counted.hash == state->hash)) return "the content hash is not that of the contents";
  if (counted.max_write > state->max_write) return "a version is later than the latest write known";
  return "";
}

}  // namespace lamppost::kv::testing
