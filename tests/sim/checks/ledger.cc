#include "tests/sim/checks/ledger.h"

#include <algorithm>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/record.h"

namespace lamppost::sim {
namespace {

// The entries in the node's store; those that cannot be read are left out.
std::map<std::string, kv::Conflict> EntriesOf(const Node& node) {
  std::map<std::string, kv::Conflict> entries;
  const auto cursor = node.disk().ScanUndamaged(kv::Space::kData);
  for (; cursor->Valid(); cursor->Next()) {
    if (!kv::IsConflictKey(cursor->key())) continue;
    const absl::StatusOr<kv::Version> version = kv::DecodeVersion(cursor->value());
    if (!version.ok()) continue;
    absl::StatusOr<kv::Conflict> conflict = kv::ReadConflict(cursor->key(), *version);
    if (conflict.ok()) entries[std::string(cursor->key())] = *std::move(conflict);
  }
  return entries;
}

}  // namespace

void LedgerIsTrue::JudgeSize() {
  const size_t entries_max = facts().plan().ledger_entries_max;
  for (NodeIndex node = 0; node < facts().size(); ++node) {
    const size_t entries = facts().node(node).replica().ledger().size();
    if (entries <= entries_max) continue;
    Violated(absl::StrCat("the ledger of node ", NodeId(node), " has ", entries, " entries"));
  }
  std::set<std::string> recorded;
  const Write* drops = nullptr;
  for (const auto& [origin, writes] : facts().writes()) {
    for (const std::unique_ptr<Write>& write : writes) {
      for (const Write::Change& change : write->changes) {
        if (kv::IsConflictKey(change.key)) recorded.insert(change.key);
        if (absl::StartsWith(change.key, kv::kLedgerDroppedPrefix) && write->committed) drops = write.get();
      }
    }
  }
  if (drops == nullptr || recorded.size() >= entries_max)
    return;  // what one group has no room for is never recorded
  Violated(absl::StrCat("entries are dropped by ", ToString(drops->timestamp),
                        ", though there never were more than ", recorded.size()));
}

void LedgerIsTrue::OnEnd() {
  JudgeSize();
  const std::map<std::string, kv::Conflict> entries = EntriesOf(facts().node(0));
  for (const auto& [key, conflict] : entries) {
    Looked();
    Judge(conflict);
  }
  std::set<std::string> dropped;
  for (const auto& [origin, writes] : facts().writes()) {
    for (const std::unique_ptr<Write>& write : writes) {
      for (const Write::Change& change : write->changes) {
        if (!change.value) dropped.insert(change.key);
      }
    }
  }
  for (const auto& [origin, writes] : facts().writes()) {
    for (const std::unique_ptr<Write>& write : writes) {
      if (!write->unasked && write->committed && !write->gone) JudgeSettled(*write, entries, dropped);
    }
  }
}

// Entries that have been dropped or have expired are nobody's business any more; one of them may have been
// found anew, by a node that did not know of all this.
void LedgerIsTrue::JudgeSettled(const Write& write, const std::map<std::string, kv::Conflict>& entries,
                                const std::set<std::string>& dropped) {
  for (const Write::Change& change : write.changes) {
    const auto entry = entries.find(change.key);
    if (entry == entries.end() || facts().IsRotten(change.key) || dropped.count(change.key) > 0) continue;
    Looked();
    if (entry->second.resolution != kv::Resolution::kOpen) continue;
    Violated(absl::StrCat("the conflict about ", ToString(entry->second.loser.timestamp), " of ",
                          entry->second.key, " was settled by ", ToString(write.timestamp),
                          " and is open again"));
  }
}

bool LedgerIsTrue::WasWritten(const std::string& key, const kv::Version& version) const {
  const Write* write = facts().Find(version.timestamp);
  // Of what had expired and was written again in one group, nobody has told of the deletion between.
  if (write == nullptr && version.IsTombstone()) return true;
  const Write::Change* change = write == nullptr ? nullptr : write->Find(key);
  return change != nullptr && change->value == version.value;
}

void LedgerIsTrue::Judge(const kv::Conflict& conflict) {
  const std::string what =
      absl::StrCat("the ledger has ", ToString(conflict.loser.timestamp), " of ", conflict.key,
                   ", which lost to ", ToString(conflict.winner.timestamp));
  for (const kv::Version* version : {&conflict.loser, &conflict.winner}) {
    if (facts().IsRotten(conflict.key) || WasWritten(conflict.key, *version)) continue;
    Violated(absl::StrCat(what, ": there was no such write as ", ToString(version->timestamp)));
    return;
  }
  const Write* winner = facts().Find(conflict.winner.timestamp);
  if (winner == nullptr) return;
  const std::optional<bool> knew = facts().Knew(*winner, conflict.loser.timestamp, conflict.key);
  if (knew.value_or(false)) Violated(absl::StrCat(what, ", whose writer had seen it"));
}

void NothingLosesSilently::Collect() {
  // One of a group that reached the disk while its node died is in the stores, and its write was never told.
  for (const auto& [key, conflict] : EntriesOf(facts().node(0))) recorded_.insert(key);
  for (const auto& [origin, writes] : facts().writes()) {
    for (const std::unique_ptr<Write>& write : writes) {
      for (const Write::Change& change : write->changes) {
        // One that has gone with its disk is lost like any other write that nobody else had.
        if (kv::IsConflictKey(change.key) && write->committed) recorded_.insert(change.key);
        if (change.replaced) replaced_.insert({change.key, *change.replaced});
        for (const Timestamp& maybe : change.maybe_replaced) replaced_.insert({change.key, maybe});
        of_key_[change.key].push_back(write.get());
        CollectSettled(change);
      }
    }
  }
}

// Whoever settles a conflict has been shown both versions, wherever the winner may still be on its way.
void NothingLosesSilently::CollectSettled(const Write::Change& change) {
  if (!kv::IsConflictKey(change.key) || !change.value) return;
  const absl::StatusOr<kv::Conflict> conflict = kv::DecodeConflict(change.value->bytes);
  if (!conflict.ok() || conflict->resolution == kv::Resolution::kOpen) return;
  replaced_.insert({conflict->key, conflict->winner.timestamp});
}

bool NothingLosesSilently::WasReplacedKnowingly(const Place& place) const {
  if (replaced_.count(place) > 0) return true;
  const auto of_key = of_key_.find(place.first);
  return std::any_of(of_key->second.begin(), of_key->second.end(), [&](const Write* later) {
    return place.second < later->timestamp && later->told.Covers(place.second);
  });
}

// A client's second attempt at what it had not heard to be done.
bool NothingLosesSilently::WasWrittenAgain(const Write& write, const std::string& key) const {
  const auto of_key = of_key_.find(key);
  return std::any_of(of_key->second.begin(), of_key->second.end(), [&](const Write* other) {
    return other != &write && !write.request_id.empty() && other->request_id == write.request_id;
  });
}

void NothingLosesSilently::Judge(const Write& write, const Write::Change& change) {
  const auto held = facts().HeldBy(0).find(change.key);
  if (held != facts().HeldBy(0).end() && held->second == write.timestamp) return;
  if (!change.value && facts().IsForgotten(change.key, write.timestamp)) return;
  Looked();
  if (recorded_.count(kv::ConflictKey(write.timestamp, change.key)) > 0) return;
  if (WasReplacedKnowingly({change.key, write.timestamp}) || WasWrittenAgain(write, change.key)) return;
  Violated(absl::StrCat(ToString(write.timestamp), " of ", change.key, " was acknowledged, is ",
                        held == facts().HeldBy(0).end() ? "absent" : ToString(held->second),
                        " in the end, and is not in the ledger"));
}

// What a ledger that is full has no room for need never have been an entry: then its number is all that is
// told.
void NothingLosesSilently::OnEnd() {
  if (facts().node(0).replica().ledger().dropped() > 0) return;
  Collect();
  for (const auto& [origin, writes] : facts().writes()) {
    for (const std::unique_ptr<Write>& write : writes) {
      if (!write->committed || write->gone || write->unasked) continue;
      for (const Write::Change& change : write->changes) {
        if (!kv::IsSystemKey(change.key) && !facts().IsRotten(change.key)) Judge(*write, change);
      }
    }
  }
}

}  // namespace lamppost::sim
