#include "services/kv/core/heads.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace lamppost::kv {
namespace {

bool OriginBefore(const Heads::Entry& entry, const Origin& origin) {
  return entry.first < origin;
}

}  // namespace

Heads::Heads(std::initializer_list<Entry> entries) {
  for (const auto& [origin, counter] : entries) Raise(origin, counter);
}

Heads Heads::Of(std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end());
  Heads heads;
  heads.entries_.reserve(entries.size());
  for (Entry& entry : entries) {
    const bool again = !heads.entries_.empty() && heads.entries_.back().first == entry.first;
    if (again) heads.entries_.back() = std::move(entry);  // the higher one comes last
    if (!again) heads.entries_.push_back(std::move(entry));
  }
  return heads;
}

uint64_t Heads::At(const Origin& origin) const {
  const auto it = std::lower_bound(entries_.begin(), entries_.end(), origin, OriginBefore);
  return it != entries_.end() && it->first == origin ? it->second : 0;
}

bool Heads::IsCoveredBy(const Heads& other) const {
  auto there = other.begin();
  for (const auto& [origin, counter] : entries_) {
    while (there != other.end() && there->first < origin) ++there;
    const bool is_known = there != other.end() && there->first == origin;
    if (counter > (is_known ? there->second : 0)) return false;
  }
  return true;
}

void Heads::Raise(const Origin& origin, uint64_t counter) {
  const auto it = std::lower_bound(entries_.begin(), entries_.end(), origin, OriginBefore);
  if (it != entries_.end() && it->first == origin) {
    it->second = std::max(it->second, counter);
  } else {
    entries_.insert(it, {origin, counter});
  }
}

void Heads::RaiseAll(const Heads& other) {
  auto here = entries_.begin();
  for (const Entry& entry : other) {
    while (here != entries_.end() && here->first < entry.first) ++here;
    if (here != entries_.end() && here->first == entry.first) {
      here->second = std::max(here->second, entry.second);
    } else {
      here = entries_.insert(here, entry);
    }
  }
}

uint64_t Heads::NewestIncarnation(const std::string& node_id) const {
  const auto after =
      std::upper_bound(entries_.begin(), entries_.end(), node_id,
                       [](const std::string& id, const Entry& entry) { return id < entry.first.node_id; });
  if (after == entries_.begin()) return 0;
  const Origin& last = std::prev(after)->first;
  return last.node_id == node_id ? last.incarnation : 0;
}

uint64_t Heads::Max() const {
  uint64_t max = 0;
  for (const auto& [origin, counter] : entries_) max = std::max(max, counter);
  return max;
}

bool Agree(const Heads& a, const Heads& b) {
  return a.IsCoveredBy(b) && b.IsCoveredBy(a);
}

std::string ToString(const Heads& heads) {
  std::string text;
  for (const auto& [origin, counter] : heads) {
    absl::StrAppend(&text, text.empty() ? "" : " ", ToString(origin), ":", counter);
  }
  return text;
}

}  // namespace lamppost::kv
