// The records that the core keeps in its store, to and from bytes. docs/on-disk-format.md is the
// description for readers of the bytes; a change here is a change of kFormatVersion.
//
// Decoding never trusts its input: whatever does not parse to the last byte is DATA_LOSS.
#ifndef LAMPPOST_SERVICES_KV_CORE_RECORD_H_
#define LAMPPOST_SERVICES_KV_CORE_RECORD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/kv/core/content_hash.h"
#include "services/kv/core/heads.h"
#include "services/kv/core/version.h"

namespace lamppost::kv {

constexpr uint32_t kFormatVersion = 2;

// Keys in Space::kMeta.
constexpr absl::string_view kFormatKey = "format";
constexpr absl::string_view kIdentityKey = "identity";
constexpr absl::string_view kStateKey = "state";
constexpr absl::string_view kMembersKey = "members";
constexpr absl::string_view kSalvageKey = "salvage";  // there while a salvage is under way: see salvage.h

// Whose data directory this is.
struct Identity {
  std::string node_id;
  std::string cluster;
};

// What changes with each batch; written in the same batch as what it describes.
struct State {
  uint64_t clock_limit = 0;  // no counter above it has been issued
  uint64_t incarnation = 0;  // the node's life; 0: none yet
  Heads heads;
  uint64_t keys = 0;  // with a value; the store's own ones are not counted
  uint64_t tombstones = 0;
  uint64_t max_write = 0;  // the greatest counter of any write known here
  ContentHash hash;
  // For each origin, the greatest counter of a deletion of its that was forgotten here. A peer whose heads
  // are below may hold what was deleted, and gets a full Sync. Never falls.
  Heads forgotten;
  uint64_t birth = 0;      // the life in which this data directory was begun; 0: it is empty
  bool removed = false;    // a member has removed this node: nothing is written any more
  bool refilling = false;  // part of the data is lost, and a full Sync has not replaced it yet
};

// A member as learned from its answers.
struct Member {
  std::string address;
  std::string node_id;
};

// What came of a request id.
struct RequestRecord {
  RequestTag tag;
  Timestamp version;
};

std::string EncodeVersion(const Version& version);
absl::StatusOr<Version> DecodeVersion(absl::string_view bytes);

std::string EncodeIdentity(const Identity& identity);
absl::StatusOr<Identity> DecodeIdentity(absl::string_view bytes);

std::string EncodeState(const State& state);
absl::StatusOr<State> DecodeState(absl::string_view bytes);

std::string EncodeMembers(const std::vector<Member>& members);
absl::StatusOr<std::vector<Member>> DecodeMembers(absl::string_view bytes);

std::string EncodeRequest(const RequestRecord& request);
absl::StatusOr<RequestRecord> DecodeRequest(absl::string_view bytes);

// Keys of Space::kIndex: ordered by origin, then counter, then key.
struct IndexKey {
  Timestamp timestamp;
  std::string key;
};
std::string EncodeIndexKey(const Timestamp& timestamp, absl::string_view key);
absl::StatusOr<IndexKey> DecodeIndexKey(absl::string_view bytes);
// Where the entries of `origin` with at least `counter` begin.
std::string IndexStart(const Origin& origin, uint64_t counter);
// Above all entries of `origin`.
std::string IndexEnd(const Origin& origin);

// Keys of Space::kTombstones: ordered by counter, then key.
struct TombstoneKey {
  uint64_t counter = 0;
  std::string key;
};
std::string EncodeTombstoneKey(uint64_t counter, absl::string_view key);
absl::StatusOr<TombstoneKey> DecodeTombstoneKey(absl::string_view bytes);

// Keys of Space::kExpiries: ordered by the node id of the version's origin, then by when it expires.
std::string EncodeExpiryKey(const std::string& node_id, uint64_t expires_unix_ms, absl::string_view key);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_RECORD_H_
