// The entries of the conflict ledger, as records among the store's own keys: they replicate and merge like
// all others, so every node lists the same. docs/on-disk-format.md describes the bytes.
//
// An entry is written by each node at which a version meets a concurrent one, in the batch that lets one of
// the two go. Its key is made of the loser, so what several nodes write of one loser becomes one entry.
//
// Pure.
#ifndef LAMPPOST_SERVICES_KV_CORE_CONFLICT_H_
#define LAMPPOST_SERVICES_KV_CORE_CONFLICT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/kv/core/version.h"

namespace lamppost::kv {

// What has become of a conflict: it is open until somebody has looked at it and written the key anew.
enum class Resolution : uint8_t { kOpen = 0, kLoserKept = 1, kWinnerKept = 2, kOtherValue = 3 };

struct Conflict {
  std::string key;
  Version loser;
  // What it lost to, where the two first met; the key may have got other versions since.
  Version winner;
  uint64_t found_unix_ms = 0;  // by the wall clock of the node that found it; it decides no order
  Resolution resolution = Resolution::kOpen;

  friend bool operator==(const Conflict& a, const Conflict& b) {
    return a.key == b.key && a.loser == b.loser && a.winner == b.winner &&
           a.found_unix_ms == b.found_unix_ms && a.resolution == b.resolution;
  }
};

// A write that gives a key what it is to have from now on, and marks its conflicts as settled.
struct Settlement {
  std::string key;
  std::optional<Timestamp> loser;  // only the entry with this one; not set: all of the key's open ones
  Resolution keep = Resolution::kWinnerKept;  // not kOpen
  std::optional<Value> value = {};            // of kOtherValue; nothing: the key is deleted
};

// Different for different settlements.
std::string EncodeSettlement(const Settlement& settlement);

// What made the winner win: timestamps are compared part by part, and this is the first that differs.
enum class DecidedBy { kCounter, kNodeId, kIncarnation };
DecidedBy RuleOf(const Conflict& conflict);

// The keys of all entries begin with this; behind it they are ordered by the loser's timestamp.
inline constexpr absl::string_view kConflictKeyPrefix("\0conflict/", 10);
bool IsConflictKey(absl::string_view key);
std::string ConflictKey(const Timestamp& loser, absl::string_view key);
// The end that the keys of all entries about the client's key have; another key's by a chance of 2^-128.
std::string ConflictKeyEnd(absl::string_view key);

std::string EncodeConflict(const Conflict& conflict);
// DATA_LOSS if the bytes are no entry that EncodeConflict has made.
absl::StatusOr<Conflict> DecodeConflict(absl::string_view bytes);
// The same, and it is the one that belongs under the store's key: DATA_LOSS if it is another's.
absl::StatusOr<Conflict> ReadConflict(absl::string_view stored_key, const Version& stored);

// The ledger is bounded by deleting what was found first. How many entries a node has deleted, or never had
// room for, is a record of its own; all of them together tell about how many are missing: what two nodes drop
// who cannot see each other, counts twice.
inline constexpr absl::string_view kLedgerDroppedPrefix("\0ledger-dropped/", 16);
std::string LedgerDroppedKey(absl::string_view node_id);
bool IsLedgerKey(absl::string_view key);  // an entry's, or such a number's
std::string EncodeLedgerDropped(uint64_t dropped);
// DATA_LOSS if it is none.
absl::StatusOr<uint64_t> DecodeLedgerDropped(absl::string_view bytes);

// What one of the ledger's records is to be if the one that won by its timestamp was written by somebody who
// did not know of the other: a resolution stays, and a number does not fall. Nothing if it was known.
std::optional<std::string> CorrectedLedgerRecord(absl::string_view key, absl::string_view winner,
                                                 absl::string_view loser);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_CONFLICT_H_
