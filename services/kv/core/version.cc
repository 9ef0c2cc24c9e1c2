#include "services/kv/core/version.h"

#include "services/common/mutation.h"

namespace lamppost::kv {

Seen::Seen(const Heads& heads, uint64_t counter) {
  lags_.reserve(heads.size());
  for (const auto& [origin, head] : heads) {
    if (head == 0 || head > counter) continue;
    lags_.emplace_back(origin, LAMPPOST_MUTATION(kSeenTooMuch) ? 0 : counter - head);
  }
}

bool Seen::Includes(uint64_t own_counter, const Timestamp& other) const {
  for (const auto& [origin, lag] : lags_) {
    if (origin == other.origin) return lag <= own_counter && own_counter - lag >= other.counter;
  }
  return false;
}

bool IsWithin(const Heads& heads, const Version& version) {
  if (!heads.Covers(version.timestamp)) return false;
  const uint64_t counter = version.timestamp.counter;
  for (const auto& [origin, lag] : version.seen.lags()) {
    if (lag < counter && heads.At(origin) < counter - lag) return false;
  }
  return true;
}

Heads RaisedBy(const Version& version, Heads heads) {
  const uint64_t counter = version.timestamp.counter;
  for (const auto& [origin, lag] : version.seen.lags()) {
    if (lag < counter) heads.Raise(origin, counter - lag);
  }
  heads.Raise(version.timestamp.origin, counter);
  return heads;
}

bool Version::IsVisible(uint64_t now_unix_ms) const {
  return !IsTombstone() && (!IsExpired(now_unix_ms) || LAMPPOST_MUTATION(kExpiredRead));
}

Merge Decide(const Version& incoming, const Version* current) {
  if (current == nullptr) return Merge::kReplaces;
  if (incoming.timestamp == current->timestamp) return Merge::kSame;
  bool wins = current->timestamp < incoming.timestamp;
  if (LAMPPOST_MUTATION(kNoTieBreak)) wins = current->timestamp.counter < incoming.timestamp.counter;
  if (LAMPPOST_MUTATION(kMergeOnEqual)) wins = current->timestamp.counter <= incoming.timestamp.counter;
  if (LAMPPOST_MUTATION(kExpiryDecides) && incoming.expires_unix_ms != current->expires_unix_ms) {
    wins = current->expires_unix_ms < incoming.expires_unix_ms;
  }
  const Version& winner = wins ? incoming : *current;
  const Version& loser = wins ? *current : incoming;
  // A higher counter alone does not mean that the writer knew of the other write: only `seen` tells.
  const bool knowingly = winner.seen.Includes(winner.timestamp.counter, loser.timestamp);
  if (wins) return knowingly ? Merge::kReplaces : Merge::kReplacesConcurrent;
  return knowingly ? Merge::kLoses : Merge::kLosesConcurrent;
}

}  // namespace lamppost::kv
