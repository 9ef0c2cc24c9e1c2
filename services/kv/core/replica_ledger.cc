// The conflict ledger: writing down what a version has lost to one that did not know of it, and keeping the
// ledger within its bounds.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/mutation.h"
#include "services/common/utf8.h"
#include "services/kv/core/conflict.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/replica.h"

namespace lamppost::kv {
namespace {

// Entries that one event settles.
constexpr size_t kSettledMax = 100;
constexpr size_t kSettledBytesMax = size_t{2} << 20;
// Entries that one event deletes.
constexpr size_t kDroppedAtOnce = 200;
// What a node may say that it has dropped: nobody can have dropped more, and the sum of all stays a number.
constexpr uint64_t kDroppedMax = uint64_t{1} << 50;
// The ledger has been beyond its bounds for so long.
constexpr uint64_t kOthersBoundAfterMs = 5000;

Operation LedgerWrite(const std::string& stored_key, std::string bytes, uint64_t ttl_ms) {
  return {stored_key, Value{Value::Kind::kData, std::move(bytes)}, ttl_ms};
}

size_t BytesOf(const Conflict& conflict) {
  const auto of = [](const Version& version) { return version.value ? version.value->bytes.size() : 0; };
  return sizeof(Conflict) + conflict.key.size() + of(conflict.loser) + of(conflict.winner);
}

// A write of the same value, or deletion, with what is left of its time.
Operation AsItIs(const std::string& key, const Version& version, uint64_t now_unix_ms) {
  if (!version.IsVisible(now_unix_ms)) return {key};
  return {key, version.value,
          version.expires_unix_ms == 0 ? 0 : std::max<uint64_t>(1, version.expires_unix_ms - now_unix_ms)};
}

}  // namespace

absl::Status Replica::LoadLedger() {
  for (const absl::string_view prefix : {kConflictKeyPrefix, kLedgerDroppedPrefix}) {
    std::string end(prefix);
    ++end.back();
    const std::unique_ptr<Cursor> cursor = store_->Scan(Space::kData, prefix, end);
    for (; cursor->Valid(); cursor->Next()) {
      const absl::StatusOr<Version> version = DecodeVersion(cursor->value());
      if (!version.ok()) return version.status();
      TakeLedgerRecord(std::string(cursor->key()), &*version);
    }
    if (!cursor->status().ok()) return cursor->status();
  }
  return absl::OkStatus();
}

// The version of one of the ledger's keys, or that it has none any more.
void Replica::TakeLedgerRecord(const std::string& key, const Version* version) {
  if (!IsConflictKey(key)) {
    const auto dropped =
        version == nullptr || !version->value ? 0 : DecodeLedgerDropped(version->value->bytes);
    if (dropped.ok()) ledger_.SetDropped(key.substr(kLedgerDroppedPrefix.size()), *dropped);
    return;
  }
  if (version == nullptr || !version->value) return ledger_.Erase(key);
  const absl::StatusOr<Conflict> conflict = ReadConflict(key, *version);
  if (conflict.ok()) ledger_.Put(key, *version, *conflict);
}

// What a peer may send of the ledger: entries that can be, of writes that came before the record, and that
// can be told to clients; or that one has gone.
bool Replica::IsSoundLedgerRecord(const KeyedVersion& entry) const {
  constexpr uint64_t kUnixMsMax = 253'402'300'799'999;  // the last of the year 9999
  if (!entry.version.value) return IsConflictKey(entry.key);
  if (!IsConflictKey(entry.key)) {
    const absl::StatusOr<uint64_t> dropped = DecodeLedgerDropped(entry.version.value->bytes);
    return dropped.ok() && *dropped <= kDroppedMax &&
           CheckNodeId(entry.key.substr(kLedgerDroppedPrefix.size())).ok();
  }
  const absl::StatusOr<Conflict> conflict = ReadConflict(entry.key, entry.version);
  if (!conflict.ok() || !CheckKey(conflict->key).ok() || conflict->found_unix_ms > kUnixMsMax) return false;
  const uint64_t counter = entry.version.timestamp.counter;
  const auto is_sound = [&](const Version& version) {
    const bool is_readable =
        !version.value || version.value->kind != Value::Kind::kText || IsUtf8(version.value->bytes);
    return is_readable && version.expires_unix_ms <= kUnixMsMax && version.timestamp.counter <= counter &&
           IsPlausible(version.timestamp.origin);
  };
  return is_sound(conflict->loser) && is_sound(conflict->winner);
}

// What a client has written twice, because it did not hear that the first attempt was done, is no loss, nor
// is a deletion that nobody asked for. In one group more may lose than the ledger has room for: what was
// found first goes, as it would a moment later.
void Replica::NoteConflict(const std::string& key, const Version& winner, const Version& loser) {
  ++conflicts_;
  if (tracer_.IsOn()) TraceConflict(key, winner, loser);
  if (!loser.request.id.empty() && loser.request.id == winner.request.id &&
      loser.request.fingerprint == winner.request.fingerprint)
    return;
  if (loser.lapsed || LAMPPOST_MUTATION(kLoserForgotten)) return;
  const std::string entry_key = ConflictKey(loser.timestamp, key);
  const absl::StatusOr<std::optional<Timestamp>> held = table_.TimestampOf(entry_key);
  if (held.ok() && *held) return;  // another node has been first, or this one on another way
  if (!found_keys_.insert(entry_key).second) return;
  found_conflicts_.push_back({key, loser, winner, unix_ms_, Resolution::kOpen});
  found_bytes_ += BytesOf(found_conflicts_.back());
  while (found_conflicts_.size() > ledger_.limits().entries_max ||
         found_bytes_ > ledger_.limits().bytes_max) {
    found_bytes_ -= BytesOf(found_conflicts_.front());
    found_conflicts_.pop_front();
    ++conflicts_left_out_;
  }
}

// In the batch that lets the losers go. Each is a write of its own, for an event never lies in two chunks of
// a catch-up. Not refused as clients' writes are: what loses here may be nowhere else.
void Replica::RecordConflicts() {
  found_bytes_ = 0;
  found_keys_.clear();
  for (Conflict& conflict : std::exchange(found_conflicts_, {})) {
    const std::string key = ConflictKey(conflict.loser.timestamp, conflict.key);
    const absl::StatusOr<std::optional<Timestamp>> held = table_.TimestampOf(key);
    if (held.ok() && *held) continue;  // it has come in this group
    Proposal proposal;
    proposal.operations.push_back(LedgerWrite(key, EncodeConflict(conflict), ledger_.limits().age_max_ms));
    const auto written = WriteUnchecked(proposal, RequestTag());
    if (!written.ok()) {
      Warn(absl::StrCat("cannot record that ", ToString(conflict.loser.timestamp), " of key ", conflict.key,
                        " has lost to ", ToString(conflict.winner.timestamp), ": ",
                        written.status().message()));
    }
  }
  FollowRecords();
}

// The oldest ones, as many as one event may settle.
absl::StatusOr<Replica::OpenConflicts> Replica::FindOpen(const Settlement& settlement) {
  std::vector<std::string> keys;
  if (settlement.loser) {
    keys.push_back(ConflictKey(*settlement.loser, settlement.key));
  } else {
    keys = ledger_.OpenAbout(settlement.key);
  }
  OpenConflicts open;
  size_t bytes = 0;
  for (const std::string& stored_key : keys) {
    const absl::StatusOr<const Version*> version = table_.Find(stored_key);
    if (!version.ok()) return version.status();
    if (*version == nullptr || !(*version)->value) continue;
    absl::StatusOr<Conflict> conflict = ReadConflict(stored_key, **version);
    if (!conflict.ok()) return conflict.status();
    if (conflict->key != settlement.key || conflict->resolution != Resolution::kOpen) continue;
    if (open.conflicts.size() >= kSettledMax || bytes >= kSettledBytesMax) {
      open.has_more = true;
      break;
    }
    bytes += (*version)->value->bytes.size();
    open.conflicts.push_back(*std::move(conflict));
  }
  return open;
}

// What the key is to have. The winner is the highest version that is known: it may not have come here yet, or
// the key may have been written since.
absl::StatusOr<Version> Replica::KeptBy(const Settlement& settlement,
                                        const std::vector<Conflict>& conflicts) {
  Version kept;
  if (settlement.keep == Resolution::kOtherValue) kept.value = settlement.value;
  if (settlement.keep == Resolution::kLoserKept) kept = conflicts.front().loser;
  if (settlement.keep != Resolution::kWinnerKept) return kept;
  const absl::StatusOr<const Version*> present = table_.Find(settlement.key);
  if (!present.ok()) return present.status();
  if (*present != nullptr) kept = **present;
  for (const Conflict& conflict : conflicts) {
    if (kept.timestamp < conflict.winner.timestamp) kept = conflict.winner;
  }
  return kept;
}

// Whoever settles a conflict has seen both versions, even where they are still to come.
// NOT_FOUND (CONFLICT_UNKNOWN): the key has no such entry that is open. UNAVAILABLE (SESSION_AHEAD): the
// client has seen more than this node, so it may come. FAILED_PRECONDITION (CONFLICT_AMBIGUOUS): which loser
// is to be kept? There are several.
absl::StatusOr<WriteResult> Replica::Settle(const Proposal& request, RequestTag tag) {
  const Settlement& settlement = *request.settlement;
  absl::StatusOr<OpenConflicts> open = FindOpen(settlement);
  if (!open.ok()) return open.status();
  std::vector<Conflict>& conflicts = open->conflicts;
  if (conflicts.empty() && !request.session.IsCoveredBy(state_.heads)) {
    return MakeRetryableError(absl::StatusCode::kUnavailable, "SESSION_AHEAD",
                              "the node has not heard of all that the session has seen", 100);
  }
  if (conflicts.empty()) {
    return MakeError(absl::StatusCode::kNotFound, "CONFLICT_UNKNOWN",
                     absl::StrCat("the ledger has no open conflict of key ", settlement.key,
                                  settlement.loser ? " with this loser" : ""));
  }
  if (settlement.keep == Resolution::kLoserKept && conflicts.size() > 1) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "CONFLICT_AMBIGUOUS",
                     absl::StrCat("key ", settlement.key,
                                  " has more than one open conflict: say which loser is to be kept"));
  }
  const absl::StatusOr<Version> kept = KeptBy(settlement, conflicts);
  if (!kept.ok()) return kept.status();
  Proposal proposal;
  proposal.session = request.session;
  proposal.operations.push_back(AsItIs(settlement.key, *kept, unix_ms_));
  for (Conflict& conflict : conflicts) {
    proposal.session = RaisedBy(conflict.winner, RaisedBy(conflict.loser, std::move(proposal.session)));
    conflict.resolution = settlement.keep;
    proposal.operations.push_back(LedgerWrite(ConflictKey(conflict.loser.timestamp, conflict.key),
                                              EncodeConflict(conflict), ledger_.limits().age_max_ms));
  }
  absl::StatusOr<WriteResult> result = WriteUnchecked(proposal, std::move(tag));
  if (!result.ok()) return result;
  result->settled = conflicts.size();
  result->has_more = open->has_more;
  return result;
}

// By the first of the members that are about, or each of them would delete the same; should that one not do
// it, by others after a while. What goes is deleted as anything else is: only so do all nodes have the same
// entries, in whatever order things come to them.
void Replica::BoundLedger() {
  if (!life_decided_ || state_.removed || write_refusal_ || state_.refilling) return;
  if (!ledger_.IsOver()) ledger_over_since_ms_.reset();
  if (ledger_.IsOver() && !ledger_over_since_ms_) ledger_over_since_ms_ = now_ms_;
  const bool is_due =
      ledger_over_since_ms_ && (IsFirstAbout() || now_ms_ - *ledger_over_since_ms_ >= kOthersBoundAfterMs);
  uint64_t dropped = std::exchange(conflicts_left_out_, 0);
  if (is_due && !LAMPPOST_MUTATION(kLedgerUnbounded)) dropped += DropEntries(ledger_.Surplus());
  if (dropped == 0) return;
  const std::string key = LedgerDroppedKey(options_.node_id);
  const uint64_t sum = ledger_.DroppedBy(options_.node_id) + dropped;
  const absl::Status status = WriteLedger({LedgerWrite(key, EncodeLedgerDropped(sum), 0)});
  if (!status.ok()) Note(absl::StrCat("cannot count what the ledger drops: ", status.message()));
  FollowRecords();
}

// How many have been deleted. One that cannot be read is left, and holds up no other.
size_t Replica::DropEntries(const std::vector<std::string>& keys) {
  size_t dropped = 0;
  for (size_t begin = 0; begin < keys.size(); begin += kDroppedAtOnce) {
    const size_t end = std::min(keys.size(), begin + kDroppedAtOnce);
    std::vector<Operation> deletions;
    for (size_t i = begin; i < end; ++i) deletions.push_back({keys[i]});
    if (WriteLedger(deletions).ok()) {
      dropped += deletions.size();
      continue;
    }
    for (const Operation& deletion : deletions) dropped += WriteLedger({deletion}).ok() ? 1 : 0;
  }
  return dropped;
}

absl::Status Replica::WriteLedger(std::vector<Operation> operations) {
  Proposal proposal;
  proposal.operations = std::move(operations);
  return WriteUnchecked(proposal, RequestTag()).status();
}

}  // namespace lamppost::kv
