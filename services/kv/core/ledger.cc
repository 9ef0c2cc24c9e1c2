#include "services/kv/core/ledger.h"

#include "absl/strings/match.h"

namespace lamppost::kv {

void Ledger::Put(const std::string& stored_key, const Version& stored, const Conflict& conflict) {
  Erase(stored_key);
  Entry entry;
  entry.counter = stored.timestamp.counter;
  entry.bytes = stored_key.size() + (stored.value ? stored.value->bytes.size() : 0);
  entry.is_open = conflict.resolution == Resolution::kOpen;
  by_counter_.emplace(entry.counter, stored_key);
  bytes_ += entry.bytes;
  open_ += entry.is_open ? 1 : 0;
  entries_[stored_key] = entry;
}

void Ledger::Erase(const std::string& stored_key) {
  const auto it = entries_.find(stored_key);
  if (it == entries_.end()) return;
  by_counter_.erase({it->second.counter, stored_key});
  bytes_ -= it->second.bytes;
  open_ -= it->second.is_open ? 1 : 0;
  entries_.erase(it);
}

std::vector<std::string> Ledger::Surplus() const {
  std::vector<std::string> keys;
  if (!IsOver()) return keys;
  const size_t entries_kept = limits_.entries_max - limits_.entries_max / 8;
  const uint64_t bytes_kept = limits_.bytes_max - limits_.bytes_max / 8;
  uint64_t bytes_left = bytes_;
  for (const auto& [counter, key] : by_counter_) {
    if (entries_.size() - keys.size() <= entries_kept && bytes_left <= bytes_kept) break;
    keys.push_back(key);
    bytes_left -= entries_.at(key).bytes;
  }
  return keys;
}

uint64_t Ledger::DroppedBy(const std::string& node_id) const {
  const auto it = dropped_.find(node_id);
  return it == dropped_.end() ? 0 : it->second;
}

uint64_t Ledger::dropped() const {
  uint64_t sum = 0;
  for (const auto& [node_id, dropped] : dropped_) sum += dropped;
  return sum;
}

std::vector<std::string> Ledger::OpenAbout(absl::string_view key) const {
  const std::string end = ConflictKeyEnd(key);
  std::vector<std::string> keys;
  for (const auto& [counter, stored_key] : by_counter_) {
    if (absl::EndsWith(stored_key, end) && entries_.at(stored_key).is_open) keys.push_back(stored_key);
  }
  return keys;
}

}  // namespace lamppost::kv
