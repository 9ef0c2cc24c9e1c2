#include "services/kv/core/conflict.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/mutation.h"
#include "services/kv/core/coding.h"
#include "services/kv/core/content_hash.h"
#include "services/kv/core/record.h"

namespace lamppost::kv {
DecidedBy RuleOf(const Conflict& conflict) {
  const Timestamp& winner = conflict.winner.timestamp;
  const Timestamp& loser = conflict.loser.timestamp;
  if (winner.counter != loser.counter) return DecidedBy::kCounter;
  return winner.origin.node_id != loser.origin.node_id ? DecidedBy::kNodeId : DecidedBy::kIncarnation;
}

bool IsConflictKey(absl::string_view key) {
  return absl::StartsWith(key, kConflictKeyPrefix);
}

bool IsLedgerKey(absl::string_view key) {
  return IsConflictKey(key) || absl::StartsWith(key, kLedgerDroppedPrefix);
}

// The key itself may be longer than what fits, and may have other characters; a batch may lose with several
// keys under one timestamp.
std::string ConflictKey(const Timestamp& loser, absl::string_view key) {
  return absl::StrCat(kConflictKeyPrefix, absl::Hex(loser.counter, absl::kZeroPad16), "/",
                      loser.origin.node_id, "/", absl::Hex(loser.origin.incarnation, absl::kZeroPad16),
                      ConflictKeyEnd(key));
}

std::string ConflictKeyEnd(absl::string_view key) {
  const XXH128_hash_t hash = XXH3_128bits(key.data(), key.size());
  return absl::StrCat("/", ToHex(Hash128{hash.high64, hash.low64}));
}

std::string EncodeConflict(const Conflict& conflict) {
  std::string out;
  out.push_back(static_cast<char>(conflict.resolution));
  PutVarint(conflict.found_unix_ms, &out);
  PutString(conflict.key, &out);
  PutString(EncodeVersion(conflict.loser), &out);
  PutString(EncodeVersion(conflict.winner), &out);
  return out;
}

absl::StatusOr<Conflict> DecodeConflict(absl::string_view bytes) {
  Decoder decoder(bytes);
  Conflict conflict;
  const uint8_t resolution = decoder.Byte();
  conflict.found_unix_ms = decoder.Varint();
  conflict.key = decoder.String();
  const std::string loser_bytes = decoder.String();
  const std::string winner_bytes = decoder.String();
  if (!decoder.Done() || resolution > static_cast<uint8_t>(Resolution::kOtherValue)) {
    return DamagedRecord("conflict");
  }
  absl::StatusOr<Version> loser = DecodeVersion(loser_bytes);
  absl::StatusOr<Version> winner = DecodeVersion(winner_bytes);
  if (!loser.ok() || !winner.ok() || !(loser->timestamp < winner->timestamp))
    return DamagedRecord("conflict");
  conflict.resolution = static_cast<Resolution>(resolution);
  conflict.loser = *std::move(loser);
  conflict.winner = *std::move(winner);
  return conflict;
}

absl::StatusOr<Conflict> ReadConflict(absl::string_view stored_key, const Version& stored) {
  if (!stored.value) return DamagedRecord("conflict");
  absl::StatusOr<Conflict> conflict = DecodeConflict(stored.value->bytes);
  if (!conflict.ok()) return conflict.status();
  if (ConflictKey(conflict->loser.timestamp, conflict->key) != stored_key) return DamagedRecord("conflict");
  return conflict;
}

std::string LedgerDroppedKey(absl::string_view node_id) {
  return absl::StrCat(kLedgerDroppedPrefix, node_id);
}

std::string EncodeLedgerDropped(uint64_t dropped) {
  std::string out;
  PutVarint(dropped, &out);
  return out;
}

absl::StatusOr<uint64_t> DecodeLedgerDropped(absl::string_view bytes) {
  Decoder decoder(bytes);
  const uint64_t dropped = decoder.Varint();
  if (!decoder.Done()) return DamagedRecord("ledger's");
  return dropped;
}

std::string EncodeSettlement(const Settlement& settlement) {
  std::string out;
  out.push_back(static_cast<char>(settlement.keep));
  PutString(settlement.key, &out);
  PutString(settlement.loser ? ConflictKey(*settlement.loser, settlement.key) : "", &out);
  out.push_back(settlement.value ? static_cast<char>(settlement.value->kind) : '-');
  PutString(settlement.value ? settlement.value->bytes : "", &out);
  return out;
}

std::optional<std::string> CorrectedLedgerRecord(absl::string_view key, absl::string_view winner,
                                                 absl::string_view loser) {
  if (!IsConflictKey(key)) {
    const absl::StatusOr<uint64_t> won = DecodeLedgerDropped(winner);
    const absl::StatusOr<uint64_t> lost = DecodeLedgerDropped(loser);
    if (!won.ok() || !lost.ok() || *lost <= *won) return std::nullopt;
    return std::string(loser);
  }
  absl::StatusOr<Conflict> won = DecodeConflict(winner);
  const absl::StatusOr<Conflict> lost = DecodeConflict(loser);
  if (!won.ok() || !lost.ok() || LAMPPOST_MUTATION(kResolutionLost)) return std::nullopt;
  if (won->resolution != Resolution::kOpen || lost->resolution == Resolution::kOpen) return std::nullopt;
  won->resolution = lost->resolution;
  return EncodeConflict(*won);
}

}  // namespace lamppost::kv
