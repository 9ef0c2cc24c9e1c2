// The records that the core keeps in its store, to and from bytes. docs/on-disk-format.md is the
// description for readers of the bytes; a change here is a change of kFormatVersion.
//
// Decoding never trusts its input: whatever does not parse to the last byte is DATA_LOSS.
#ifndef LAMPPOST_SERVICES_KV_CORE_RECORD_H_
#define LAMPPOST_SERVICES_KV_CORE_RECORD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/kv/core/content_hash.h"
#include "services/kv/core/heads.h"
#include "services/kv/core/version.h"

namespace lamppost::kv {

constexpr uint32_t kFormatVersion = 3;
// Records of this and all formats between are read; a store in one of them is in the present one from its
// first batch on.
constexpr uint32_t kFormatVersionLeast = 2;

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
  bool joined = false;     // a peer has taken something from this data directory's node as a member's
  bool refilling = false;  // part of the data is lost, and a full Sync has not replaced it yet
};

// A member as learned from its answers.
struct Member {
  std::string address;
  std::string node_id;
};

// Whether a node belongs to the cluster, as one of the store's own keys: an ordinary version that replicates
// and merges like any other.
enum class MemberState : uint8_t { kMember = 0, kRemoved = 1 };
struct MemberRecord {
  MemberState state = MemberState::kMember;
  std::string address;  // where the other members reach it
  uint64_t barred_birth =
      0;  // a data directory begun in this life or an earlier one is not taken back; 0: any is

  friend bool operator==(const MemberRecord& a, const MemberRecord& b) {
    return a.state == b.state && a.address == b.address && a.barred_birth == b.barred_birth;
  }
};

// What came of a request id.
struct RequestRecord {
  RequestTag tag;
  Timestamp version;
};

// DATA_LOSS (DATA_CORRUPT): the stored record, "state" or "member", is none that this software has written.
absl::Status DamagedRecord(absl::string_view what);

// What nodes agree on; and the same with the arrival, as it is stored. Both are read by DecodeVersion.
std::string EncodeVersion(const Version& version);
std::string EncodeStored(const Version& version);
absl::StatusOr<Version> DecodeVersion(absl::string_view bytes);

std::string EncodeIdentity(const Identity& identity);
absl::StatusOr<Identity> DecodeIdentity(absl::string_view bytes);

std::string EncodeState(const State& state);
absl::StatusOr<State> DecodeState(absl::string_view bytes);

std::string EncodeMembers(const std::vector<Member>& members);
absl::StatusOr<std::vector<Member>> DecodeMembers(absl::string_view bytes);

std::string EncodeMemberRecord(const MemberRecord& record);
absl::StatusOr<MemberRecord> DecodeMemberRecord(absl::string_view bytes);
// The key in Space::kData that a node's record is under; all of them begin with the prefix.
inline constexpr absl::string_view kMemberKeyPrefix("\0member/", 8);
std::string MemberKey(absl::string_view node_id);

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

// Keys of Space::kExpiries: ordered by the node id of the version's origin, then its expiry, then its key.
struct ExpiryKey {
  std::string node_id;
  uint64_t expires_unix_ms = 0;
  std::string key;
};
std::string EncodeExpiryKey(absl::string_view node_id, uint64_t expires_unix_ms, absl::string_view key);
absl::StatusOr<ExpiryKey> DecodeExpiryKey(absl::string_view bytes);
// Above all entries of the node id.
std::string ExpiryEnd(absl::string_view node_id);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_RECORD_H_
