#include "services/kv/server/watch_request.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/clock_proto.h"
#include "services/common/error.h"
#include "services/kv/core/limits.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/conflict_page.h"

namespace lamppost::kv {
namespace {

absl::StatusOr<uint64_t> ReadProgressInterval(const google::protobuf::Duration& duration) {
  constexpr int64_t kMsPerSecond = 1000;
  constexpr int64_t kNanosPerMs = 1'000'000;
  const int64_t seconds = duration.seconds();
  const int64_t nanos = duration.nanos();
  const bool is_sane = seconds >= 0 && seconds <= kProgressIntervalMaxMs / kMsPerSecond && nanos >= 0 &&
                       nanos < kMsPerSecond * kNanosPerMs;
  const int64_t interval_ms = is_sane ? seconds * kMsPerSecond + nanos / kNanosPerMs : 0;
  if (interval_ms < kProgressIntervalMinMs || interval_ms > kProgressIntervalMaxMs) {
    return MakeError(absl::StatusCode::kInvalidArgument, "PROGRESS_INTERVAL_INVALID",
                     absl::StrCat("progress_interval is from ", kProgressIntervalMinMs, " ms to ",
                                  kProgressIntervalMaxMs / kMsPerSecond, " s"));
  }
  return static_cast<uint64_t>(interval_ms);
}

// Nothing of an entry that has expired.
void AddConflict(const std::string& stored_key, const Version& stored, WatchSpec::Content content,
                 v1::WatchResponse* response) {
  const absl::StatusOr<Conflict> conflict = ReadConflict(stored_key, stored);
  if (!conflict.ok()) return;
  v1::WatchEvent* event = response->add_events();
  event->set_key(conflict->key);
  lamppost::ToProto(stored.timestamp, event->mutable_version());
  ToProto(*conflict, event->mutable_conflict());
  if (content == WatchSpec::Content::kKeysAndValues) return;
  event->mutable_conflict()->mutable_loser()->clear_value();
  event->mutable_conflict()->mutable_winner()->clear_value();
}

}  // namespace

absl::StatusOr<WatchSpec> ReadWatch(const v1::WatchRequest& request) {
  WatchSpec spec;
  if (!request.prefix().empty() && (!request.key().empty() || request.conflicts())) {
    return MakeError(absl::StatusCode::kInvalidArgument, "WATCH_SCOPE_INVALID",
                     "a watch takes either a prefix or a key, and one of the conflicts no prefix");
  }
  if (request.conflicts()) {
    spec.scope.of = WatchScope::Of::kConflicts;
    if (!request.key().empty()) spec.scope.conflict_key_end = ConflictKeyEnd(request.key());
  }
  for (const std::string* text : {&request.prefix(), &request.key()}) {
    if (text->empty()) continue;
    if (absl::Status status = CheckKey(*text); !status.ok()) return status;
  }
  spec.scope.prefix = request.prefix();
  if (!request.key().empty()) spec.scope.key = request.key();
  if (request.has_session()) {
    absl::StatusOr<Heads> from = FromProto(request.session());
    if (!from.ok()) return from.status();
    spec.from = *std::move(from);
  }
  if (request.has_progress_interval()) {
    const absl::StatusOr<uint64_t> interval_ms = ReadProgressInterval(request.progress_interval());
    if (!interval_ms.ok()) return interval_ms.status();
    spec.progress_interval_ms = *interval_ms;
  }
  if (request.keys_only()) spec.content = WatchSpec::Content::kKeysOnly;
  return spec;
}

v1::WatchResponse WatchAnswer(const std::vector<KeyedVersion>& versions, const Heads& reached,
                              WatchSpec::Content content) {
  v1::WatchResponse response;
  response.mutable_events()->Reserve(static_cast<int>(versions.size()));
  for (const auto& [key, version] : versions) {
    if (IsConflictKey(key)) {
      AddConflict(key, version, content, &response);
      continue;
    }
    v1::WatchEvent* event = response.add_events();
    event->set_key(key);
    lamppost::ToProto(version.timestamp, event->mutable_version());
    if (version.IsTombstone()) {
      event->set_deleted(true);
      continue;
    }
    if (content == WatchSpec::Content::kKeysAndValues) ToProto(*version.value, event->mutable_value());
    if (version.expires_unix_ms == 0) continue;
    ToProto(version.expires_unix_ms, event->mutable_expires_at());
  }
  ToProto(reached, response.mutable_session());
  return response;
}

}  // namespace lamppost::kv
