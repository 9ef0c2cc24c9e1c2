// The versions of all keys: what is in the store, under the writes of the group that is being put
// together.
//
// Changes are staged; WriteTo puts them into a batch, and once the batch is committed Committed()
// forgets them. Within a group a key is written once, however often it changes. A cache of the latest
// committed versions spares most reads of the store. The index of live versions, that of tombstones, the
// counts and the content hash are kept in step.
//
// Nothing else may change the store's versions once the table has been used.
//
// Not thread-safe.
#ifndef LAMPPOST_SERVICES_KV_CORE_TABLE_H_
#define LAMPPOST_SERVICES_KV_CORE_TABLE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/kv/core/record.h"
#include "services/kv/core/store.h"
#include "services/kv/core/version.h"
#include "services/kv/core/version_cache.h"

namespace lamppost::kv {

class Table {
 public:
  // `store` must outlive the table. The state's counts and hash are kept up to date through `state`.
  Table(const StoreReader* store, State* state, VersionCacheLimits cache = {})
      : store_(store), state_(state), cache_(cache) {}

  // The key's present version, or null. Valid until the next call of a member that is not const.
  // DATA_LOSS if the stored one is damaged.
  absl::StatusOr<const Version*> Find(const std::string& key);

  // Whether the key's present version has a value that has not expired. DATA_LOSS as Find, but a cached key
  // is not read again.
  absl::StatusOr<bool> HasValue(const std::string& key, uint64_t now_unix_ms);

  // The timestamp of the key's present version, if there is one. DATA_LOSS as HasValue.
  absl::StatusOr<std::optional<Timestamp>> TimestampOf(const std::string& key);

  // The keys in [start, end) that have been changed in this group, in no order; an empty end is no bound.
  std::vector<std::string> ChangedKeys(absl::string_view start, absl::string_view end) const;

  // The key's present version if the state's heads do not cover it and all that its writer had seen, else
  // null. Valid, and DATA_LOSS, as Find.
  absl::StatusOr<const Version*> FindBeyondHeads(const std::string& key);

  // Merges a version into the key (see Decide). If the two were concurrent, `rival`, unless it is null, is
  // the one that was there. After an error nothing has changed.
  absl::StatusOr<Merge> Apply(const std::string& key, Version version,
                              std::optional<Version>* rival = nullptr);

  // Merges what a peer holds into the key by way of repair: of two versions with one timestamp that differ
  // all the same, one is damaged, and the one with the greater bytes stays, at both nodes. True if the key
  // has changed. After an error nothing has changed.
  absl::StatusOr<bool> Repair(const std::string& key, Version version);

  // Leaves the key without a version. After an error nothing has changed; DATA_LOSS as Find.
  absl::Status Drop(const std::string& key);

  // Puts all staged changes into the batch, in the order that costs an ordered store least.
  void WriteTo(WriteBatch* batch) const;
  // They are in the store now.
  void Committed();

  // True if something is staged.
  bool HasChanges() const { return changed_ > 0; }

  // Which of the store's own keys (IsSystemKey) have got another version, or none, since the last call.
  std::vector<std::string> TakeChangedSystemKeys() { return std::exchange(changed_system_keys_, {}); }

 private:
  // A key that this group has looked at. Its present version is `now`, or else, unless it has been dropped,
  // the one in the store, of which only the timestamp and the part are known; if both are missing there is
  // none.
  struct Slot {
    std::string key;
    std::optional<Timestamp> stored;    // the timestamp of the version in the store
    bool stored_is_tombstone = false;   // of that one
    uint64_t stored_expires = 0;        // and when it expires
    std::optional<Version> now;         // as read from the store, or after this group
    std::optional<Hash128> part;        // of the present version; nothing for a tombstone
    uint64_t expires = 0;               // when the present version does; 0: never
    Reach reach = Reach::kWithinHeads;  // of the version in the store, if `now` is missing
    bool changed = false;
    bool dropped = false;

    bool HasVersion() const { return now.has_value() || (stored.has_value() && !dropped); }
  };

  absl::StatusOr<Slot*> Load(const std::string& key);
  absl::Status ReadWhole(Slot* slot) const;
  // Takes the slot's present version out of the counts and the hash, or puts one in.
  void Discount(const Slot& slot);
  void Replace(Slot* slot, Version after);
  static bool IsTombstone(const Slot& slot) { return slot.now ? slot.now->IsTombstone() : !slot.part; }
  void WriteExpiriesTo(WriteBatch* batch) const;

  const StoreReader* store_;
  State* state_;
  VersionCache cache_;
  absl::flat_hash_map<std::string, size_t> slot_of_;  // looked up, never walked over
  std::vector<Slot> slots_;                           // in the order of first use
  size_t changed_ = 0;
  std::vector<std::string> changed_system_keys_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_TABLE_H_
