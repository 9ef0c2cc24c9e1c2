#include "tests/sim/checks/order.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace lamppost::sim {
namespace {

bool Wins(const kv::Version& incoming, const kv::Version& current) {
  const kv::Merge merge = kv::Decide(incoming, &current);
  return merge == kv::Merge::kReplaces || merge == kv::Merge::kReplacesConcurrent;
}

const kv::Version& Merged(const kv::Version& current, const kv::Version& incoming) {
  return Wins(incoming, current) ? incoming : current;
}

}  // namespace

void MergeLaws::OnCommitted(NodeIndex, const kv::Output&) {
  for (const Facts::Stored& stored : facts().stored()) {
    std::vector<kv::Version>& of_key = versions_[stored.key];
    if (of_key.size() < kVersionsMax) of_key.push_back(stored.version);
  }
}

void MergeLaws::OnEnd() {
  for (const auto& [key, versions] : versions_) {
    for (const kv::Version& a : versions) {
      Looked();
      if (Wins(a, a)) Violated(absl::StrCat(ToString(a.timestamp), " of ", key, " replaces itself"));
      for (const kv::Version& b : versions) {
        const kv::Version& ab = Merged(a, b);
        if (ab.timestamp != Merged(b, a).timestamp) {
          Violated(absl::StrCat("which of ", ToString(a.timestamp), " and ", ToString(b.timestamp), " of ",
                                key, " wins depends on which comes first"));
        }
        for (const kv::Version& c : versions) {
          Looked();
          if (Merged(ab, c).timestamp == Merged(a, Merged(b, c)).timestamp) continue;
          Violated(absl::StrCat("merging versions of ", key, " depends on the grouping"));
        }
      }
    }
  }
}

void SeenIsExact::Meet(const Timestamp& later, const Timestamp& earlier, const std::string& key) {
  const Write* write = facts().Find(later);
  if (write == nullptr || facts().Find(earlier) == nullptr) return;
  const Write::Change* change = write->Find(key);
  if (change == nullptr) return;
  const std::optional<bool> knew = facts().Knew(*write, earlier, key);
  if (!knew) return;
  Looked();
  const bool says = change->seen.Includes(later.counter, earlier);
  if (says == *knew) return;
  Violated(absl::StrCat("the writer of ", ToString(later), " of ", key,
                        says ? " had not seen " : " had seen ", ToString(earlier),
                        says ? ", and its version says that it had" : ", and its version does not say so"));
}

void SeenIsExact::OnCommitted(NodeIndex, const kv::Output&) {
  for (const Facts::Stored& stored : facts().stored()) {
    if (stored.previous && *stored.previous < stored.version.timestamp) {
      Meet(stored.version.timestamp, *stored.previous, stored.key);
    }
  }
}

// Entries that lose.
void SeenIsExact::OnReceived(NodeIndex node, const Packet& packet, uint64_t) {
  if (packet.IsAnswer()) return;
  const auto& message = std::get<kv::SyncMessage>(packet.body);
  if (message.entries == nullptr) return;
  for (const kv::KeyedVersion& entry : *message.entries) {
    const auto held = facts().HeldBy(node).find(entry.key);
    if (held == facts().HeldBy(node).end() || held->second <= entry.version.timestamp) continue;
    Meet(held->second, entry.version.timestamp, entry.key);
  }
}

}  // namespace lamppost::sim
