#include "services/kv/core/ledger.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace lamppost::kv {

void Ledger::Put(const std::string& stored_key, const Version& stored, const Conflict& conflict) {
  Erase(stored_key);
  Entry entry;
  entry.timestamp = stored.timestamp;
  entry.bytes = stored_key.size() + (stored.value ? stored.value->bytes.size() : 0);
  entry.is_open = conflict.resolution == Resolution::kOpen;
  if (floor_.heads.Covers(entry.timestamp)) below_floor_.insert(stored_key);
  by_counter_.emplace(entry.timestamp.counter, stored_key);
  bytes_ += entry.bytes;
  open_ += entry.is_open ? 1 : 0;
  entries_[stored_key] = std::move(entry);
}

void Ledger::Erase(const std::string& stored_key) {
  below_floor_.erase(stored_key);
  const auto it = entries_.find(stored_key);
  if (it == entries_.end()) return;
  by_counter_.erase({it->second.timestamp.counter, stored_key});
  bytes_ -= it->second.bytes;
  open_ -= it->second.is_open ? 1 : 0;
  entries_.erase(it);
}

void Ledger::RaiseFloor(const LedgerFloor& floor) {
  floor_.dropped = std::max(floor_.dropped, floor.dropped);
  if (floor.heads.IsCoveredBy(floor_.heads)) return;
  floor_.heads.RaiseAll(floor.heads);
  const uint64_t highest = floor_.heads.Max();
  for (const auto& [counter, key] : by_counter_) {
    if (counter > highest) break;
    if (floor_.heads.Covers(entries_.at(key).timestamp)) below_floor_.insert(key);
  }
}

std::vector<std::string> Ledger::BelowFloor() const {
  return {below_floor_.begin(), below_floor_.end()};
}

std::vector<std::string> Ledger::OpenAbout(absl::string_view key) const {
  const std::string end = ConflictKeyEnd(key);
  std::vector<std::string> keys;
  for (const auto& [counter, stored_key] : by_counter_) {
    if (absl::EndsWith(stored_key, end) && entries_.at(stored_key).is_open) keys.push_back(stored_key);
  }
  return keys;
}

std::optional<LedgerFloor> Ledger::WantedFloor(const Heads& heads, uint64_t left_out) const {
  const bool is_full = entries_.size() > limits_.entries_max || bytes_ > limits_.bytes_max;
  const size_t entries_kept = limits_.entries_max - limits_.entries_max / 8;
  const uint64_t bytes_kept = limits_.bytes_max - limits_.bytes_max / 8;
  LedgerFloor floor = floor_;
  floor.dropped += left_out;
  size_t entries_left = entries_.size();
  uint64_t bytes_left = bytes_;
  uint64_t up_to = 0;  // counter
  for (auto it = by_counter_.begin(); is_full && it != by_counter_.end(); ++it) {
    // Entries of one counter go together.
    if (entries_left <= entries_kept && bytes_left <= bytes_kept && it->first != up_to) break;
    const Entry& entry = entries_.at(it->second);
    if (!heads.Covers(entry.timestamp)) continue;  // of a Sync that has not ended
    up_to = it->first;
    ++floor.dropped;
    --entries_left;
    bytes_left -= entry.bytes;
  }
  if (floor == floor_) return std::nullopt;
  for (const auto& [origin, head] : heads) floor.heads.Raise(origin, std::min(head, up_to));
  return floor;
}

}  // namespace lamppost::kv
