#include "services/kv/core/change_feed.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/mutation.h"
#include "services/kv/core/conflict.h"

namespace lamppost::kv {

bool WatchScope::Includes(absl::string_view candidate) const {
  if (of == Of::kConflicts) return IsConflictKey(candidate) && absl::EndsWith(candidate, conflict_key_end);
  if (key) return candidate == *key;
  const bool is_own = !candidate.empty() && candidate[0] == '\0';
  return !is_own && absl::StartsWith(candidate, prefix);
}

ChangeFeed::ChangeFeed(WatchScope scope, Heads from, const Heads& heads, const Heads& forgotten,
                       ChangeFeedOptions options)
    : scope_(std::move(scope)), options_(options), reached_(std::move(from)) {
  if (!reached_.empty()) return;
  is_filling_ = !forgotten.IsCoveredBy(heads);
  forgotten_before_ = forgotten;
}

absl::Status ChangeFeed::CheckForgotten(const Heads& forgotten) const {
  if (is_filling_) {
    return MakeRetryableError(absl::StatusCode::kUnavailable, "REFILLING",
                              "a peer is giving this node everything, and has not come to the end", 1000);
  }
  for (const auto& [origin, counter] : forgotten) {
    if (counter <= reached_.At(origin) || counter <= forgotten_before_.At(origin)) continue;
    return MakeError(
        absl::StatusCode::kOutOfRange, "WATCH_TOO_OLD",
        absl::StrCat("the watch has been told of ", ToString(origin), " up to ", reached_.At(origin),
                     ", and deletions up to ", counter,
                     " have been forgotten; scan, and watch from the session of the scan's first page"));
  }
  return absl::OkStatus();
}

absl::Status ChangeFeed::Begin(std::unique_ptr<StoreReader> snapshot, const Heads& to,
                               const Heads& forgotten) {
  if (absl::Status status = CheckForgotten(forgotten); !status.ok()) return status;
  CatchUpOptions options;
  options.wants = [this](absl::string_view key) { return scope_.Includes(key); };
  options.uncovered = CatchUpOptions::Uncovered::kLeftOut;
  options.entries_max = options_.events_max;
  options.visits_max = options_.visits_max;
  scan_ = std::make_unique<CatchUp>(std::move(snapshot), reached_, to, std::move(options));
  if (LAMPPOST_MUTATION(kWatchAhead)) reached_.RaiseAll(to);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<KeyedVersion>> ChangeFeed::Next() {
  absl::StatusOr<CatchUp::Chunk> chunk = scan_->Next(options_.bytes_max);
  if (!chunk.ok()) {
    scan_ = nullptr;
    return chunk.status();
  }
  // By counters of writes alone: nobody may ever have a head in between, if its origin has gone meanwhile.
  reached_.RaiseAll(chunk->last ? scan_->to() : chunk->visited);
  if (chunk->last) scan_ = nullptr;
  return std::move(chunk->entries);
}

}  // namespace lamppost::kv
