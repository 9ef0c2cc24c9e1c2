#include "services/kv/server/conflict_page.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "services/common/clock_proto.h"
#include "services/common/error.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/record.h"
#include "services/kv/server/codec.h"

namespace lamppost::kv {
namespace {

v1::ConflictRule RuleToProto(DecidedBy rule) {
  switch (rule) {
    case DecidedBy::kCounter:
      return v1::CONFLICT_RULE_COUNTER;
    case DecidedBy::kNodeId:
      return v1::CONFLICT_RULE_NODE_ID;
    case DecidedBy::kIncarnation:
      return v1::CONFLICT_RULE_INCARNATION;
  }
  return v1::CONFLICT_RULE_UNSPECIFIED;
}

v1::ConflictResolution ResolutionToProto(Resolution resolution) {
  switch (resolution) {
    case Resolution::kOpen:
      return v1::CONFLICT_RESOLUTION_OPEN;
    case Resolution::kLoserKept:
      return v1::CONFLICT_RESOLUTION_LOSER;
    case Resolution::kWinnerKept:
      return v1::CONFLICT_RESOLUTION_WINNER;
    case Resolution::kOtherValue:
      return v1::CONFLICT_RESOLUTION_VALUE;
  }
  return v1::CONFLICT_RESOLUTION_UNSPECIFIED;
}

uint32_t Bound(uint32_t asked) {
  return asked == 0 ? kConflictsDefault : std::min(asked, kConflictsMax);
}

// Where the page begins: behind the entry that the token names, the last one that was looked at.
absl::StatusOr<std::string> StartOf(const v1::ListConflictsRequest& request) {
  if (request.page_token().empty()) return std::string(kConflictKeyPrefix);
  std::string last;
  if (!absl::WebSafeBase64Unescape(request.page_token(), &last) || !IsConflictKey(last)) {
    return MakeError(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID",
                     "the page token does not belong to a list of conflicts");
  }
  return last + '\0';
}

absl::Status ReadDropped(const Store& store, v1::ListConflictsResponse* response) {
  std::string end(kLedgerDroppedPrefix);
  ++end.back();
  uint64_t sum = 0;
  const std::unique_ptr<Cursor> cursor = store.Scan(Space::kData, kLedgerDroppedPrefix, end);
  for (; cursor->Valid(); cursor->Next()) {
    const absl::StatusOr<Version> version = DecodeVersion(cursor->value());
    if (!version.ok()) return version.status();
    if (!version->value) continue;
    const absl::StatusOr<uint64_t> dropped = DecodeLedgerDropped(version->value->bytes);
    if (!dropped.ok()) return dropped.status();
    sum += *dropped;
  }
  response->set_dropped(sum);
  return cursor->status();
}

bool IsWanted(const v1::ListConflictsRequest& request, const Conflict& conflict) {
  if (!request.key().empty() && conflict.key != request.key()) return false;
  return !request.open_only() || conflict.resolution == Resolution::kOpen;
}

}  // namespace

void ToProto(const Version& version, v1::DetailedVersion* message) {
  lamppost::ToProto(version.timestamp, message->mutable_version());
  message->set_deleted(version.IsTombstone());
  message->set_lapsed(version.lapsed);
  if (version.value) ToProto(*version.value, message->mutable_value());
  if (version.expires_unix_ms != 0) ToProto(version.expires_unix_ms, message->mutable_expires_at());
  Heads seen;
  for (const auto& [origin, lag] : version.seen.lags()) {
    if (lag < version.timestamp.counter) seen.Raise(origin, version.timestamp.counter - lag);
  }
  ToProto(seen, message->mutable_seen());
}

void ToProto(const Conflict& conflict, v1::Conflict* message) {
  message->set_key(conflict.key);
  ToProto(conflict.loser, message->mutable_loser());
  ToProto(conflict.winner, message->mutable_winner());
  message->set_decided_by(RuleToProto(RuleOf(conflict)));
  ToProto(conflict.found_unix_ms, message->mutable_found_at());
  message->set_resolution(ResolutionToProto(conflict.resolution));
}

absl::Status ConflictPage(const Store& store, const v1::ListConflictsRequest& request,
                          v1::ListConflictsResponse* response) {
  if (!request.key().empty()) {
    if (absl::Status status = CheckKey(request.key()); !status.ok()) return status;
  }
  const absl::StatusOr<std::string> start = StartOf(request);
  if (!start.ok()) return start.status();
  std::string end(kConflictKeyPrefix);
  ++end.back();
  const std::unique_ptr<Cursor> cursor = store.Scan(Space::kData, *start, end);
  const std::string of_key = request.key().empty() ? "" : ConflictKeyEnd(request.key());
  uint64_t bytes = 0;  // listed, or looked at: other keys' entries, and those that have been dropped
  std::string last;
  for (; cursor->Valid(); cursor->Next()) {
    if (response->conflicts_size() >= static_cast<int>(Bound(request.page_size())) ||
        bytes >= kConflictBytesMax) {
      response->set_next_page_token(absl::WebSafeBase64Escape(last));
      break;
    }
    last = std::string(cursor->key());
    bytes += last.size();
    if (!absl::EndsWith(last, of_key)) continue;
    bytes += cursor->value().size();
    const absl::StatusOr<Version> version = DecodeVersion(cursor->value());
    if (!version.ok()) return version.status();
    if (version->IsTombstone()) continue;
    const absl::StatusOr<Conflict> conflict = ReadConflict(last, *version);
    if (!conflict.ok()) return conflict.status();
    if (IsWanted(request, *conflict)) ToProto(*conflict, response->add_conflicts());
  }
  if (!cursor->status().ok()) return cursor->status();
  return ReadDropped(store, response);
}

}  // namespace lamppost::kv
