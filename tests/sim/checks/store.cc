#include "tests/sim/checks/store.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace lamppost::sim {
namespace {

// The first of a life's writes with a counter above this.
Facts::Writes::const_iterator After(const Facts::Writes& writes, uint64_t counter) {
  return std::upper_bound(
      writes.begin(), writes.end(), counter,
      [](uint64_t bound, const std::unique_ptr<Write>& write) { return bound < write->timestamp.counter; });
}

bool MustBeKept(const Write& write) {
  return write.committed && !write.gone;
}

std::string Quoted(const std::optional<kv::Value>& value) {
  return value ? absl::StrCat("\"", value->bytes, "\"") : "a deletion";
}

}  // namespace

void HeadsInvariant::OnCommitted(NodeIndex node, const kv::Output&) {
  const kv::Heads& heads = facts().node(node).replica().heads();
  kv::Heads& checked = checked_[node];
  for (const auto& [origin, counter] : heads) {
    const uint64_t from = checked.At(origin);
    if (counter <= from) continue;
    const auto life = facts().writes().find(origin);
    if (life == facts().writes().end()) continue;
    for (auto it = After(life->second, from); it != life->second.end(); ++it) {
      const Write& write = **it;
      if (write.timestamp.counter > counter) break;
      if (!MustBeKept(write)) continue;
      for (const Write::Change& change : write.changes) {
        Looked();
        if (facts().Holds(node, change.key, write.timestamp)) continue;
        if (facts().IsForgottenBy(node, change.key, write.timestamp)) continue;
        if (facts().IsRotten(change.key)) continue;
        Violated(absl::StrCat("node ", NodeId(node), " covers ", ToString(write.timestamp), " of ",
                              change.key, " and has nothing as high"));
      }
    }
  }
  checked = heads;
}

void NothingAcknowledgedIsLost::OnStarted(NodeIndex node) {
  Looked();
  // With kInterval a loss of power may take what was acknowledged in the last second.
  if (facts().missing().empty() || facts().plan().durability != kv::Durability::kSync) return;
  Violated(
      absl::StrCat("node ", NodeId(node), " has lost what it had committed of ", facts().missing().front()));
}

void NothingAcknowledgedIsLost::OnEnd() {
  for (const auto& [origin, writes] : facts().writes()) {
    for (const std::unique_ptr<Write>& write : writes) {
      if (!MustBeKept(*write)) continue;
      for (const Write::Change& change : write->changes) {
        for (NodeIndex node = 0; node < facts().size(); ++node) {
          Looked();
          if (facts().Holds(node, change.key, write->timestamp)) continue;
          if (facts().IsForgottenBy(node, change.key, write->timestamp)) continue;
          // Who has lost it without a sign may have given others everything, and they hold it for deleted.
          if (facts().IsRotten(change.key)) continue;
          Violated(absl::StrCat("write ", ToString(write->timestamp), " of ", change.key, " is lost at node ",
                                NodeId(node)));
        }
      }
    }
  }
}

void NothingDeletedComesBack::OnCommitted(NodeIndex node, const kv::Output&) {
  for (const Facts::Stored& stored : facts().stored()) {
    Looked();
    const Timestamp& version = stored.version.timestamp;
    if (stored.previous && version < *stored.previous && !facts().IsForgotten(stored.key, *stored.previous)) {
      Violated(absl::StrCat("at node ", NodeId(node), " key ", stored.key, " goes from ",
                            ToString(*stored.previous), " to ", ToString(version)));
    }
    const Write* const deletion = facts().ForgottenAfter(stored.key, version, node);
    if (deletion == nullptr) continue;
    Violated(absl::StrCat("node ", NodeId(node), " takes back ", ToString(version), " of ", stored.key,
                          ", though ", ToString(deletion->timestamp),
                          " has deleted it and been forgotten there"));
  }
  for (const Facts::Removed& removed : facts().removed()) {
    Looked();
    // A node whose disk has lost a version without a sign tells others by a full Sync that it was deleted.
    if (removed.was_forgotten || facts().IsRotten(removed.key)) continue;
    if (!removed.is_tombstone) {
      Violated(absl::StrCat("node ", NodeId(node), " drops ", ToString(removed.version), " of ", removed.key,
                            ", of which nobody has forgotten a deletion"));
      continue;
    }
    MustBeStable(node, removed);
  }
}

// Whether the node waits for the other before it forgets. One that became a member in this very group, later,
// it had not to wait for; that one has not answered yet.
bool NothingDeletedComesBack::Counts(NodeIndex node, NodeIndex other) const {
  const std::vector<kv::Peer>& peers = facts().node(node).replica().peers();
  return std::any_of(peers.begin(), peers.end(), [&](const kv::Peer& peer) {
    return !peer.retired && peer.answered && peer.node_id == NodeId(other);
  });
}

// The first to forget a deletion may do so only once it is on stable storage everywhere. Where a disk has
// been lost since, a full Sync takes its place.
void NothingDeletedComesBack::MustBeStable(NodeIndex node, const Facts::Removed& removed) {
  for (NodeIndex other = 0; other < facts().size(); ++other) {
    if (other == node || facts().DiskLost(other) || !Counts(node, other)) continue;
    Looked();
    const auto held = facts().DurablyHeldBy(other).find(removed.key);
    if (held != facts().DurablyHeldBy(other).end() && !(held->second < removed.version)) continue;
    Violated(absl::StrCat(
        "node ", NodeId(node), " forgets ", ToString(removed.version), " of ", removed.key, ", which node ",
        NodeId(other), " has not got",
        held == facts().DurablyHeldBy(other).end() ? "" : absl::StrCat(": it has ", ToString(held->second))));
  }
}

void NothingDeletedComesBack::OnEnd() {
  for (NodeIndex node = 0; node < facts().size(); ++node) {
    for (const auto& [key, timestamp] : facts().HeldBy(node)) {
      Looked();
      const Write* write = facts().Find(timestamp);
      if (write == nullptr || write->Find(key) == nullptr) {
        Violated(absl::StrCat("node ", NodeId(node), " holds ", ToString(timestamp), " of ", key,
                              ", which nobody wrote"));
        continue;
      }
      const Write* const deletion = facts().ForgottenAfter(key, timestamp, std::nullopt);
      if (deletion == nullptr) continue;
      Violated(absl::StrCat("in the end node ", NodeId(node), " holds ", ToString(timestamp), " of ", key,
                            ", though ", ToString(deletion->timestamp),
                            " has deleted it and been forgotten"));
    }
  }
}

void ContentIsWhatWasWritten::OnCommitted(NodeIndex node, const kv::Output&) {
  for (const Facts::Stored& stored : facts().stored()) {
    Looked();
    const Write* write = facts().Find(stored.version.timestamp);
    const Write::Change* change = write == nullptr ? nullptr : write->Find(stored.key);
    if (change == nullptr) {
      Violated(absl::StrCat("node ", NodeId(node), " stores ", ToString(stored.version.timestamp), " of ",
                            stored.key, ", which nobody wrote"));
    } else if (!(change->value == stored.version.value)) {
      Violated(absl::StrCat("node ", NodeId(node), " stores ", Quoted(stored.version.value), " as ",
                            ToString(stored.version.timestamp), " of ", stored.key, ", which is ",
                            Quoted(change->value)));
    }
  }
}

void ReadsWereWritten::OnReply(NodeIndex node, const Request&, const Reply& reply) {
  for (const history::Item& item : reply.items) {
    Looked();
    const Write* write = facts().Find(item.version);
    const Write::Change* change = write == nullptr ? nullptr : write->Find(item.key);
    const bool same = change != nullptr && item.value.has_value() == change->value.has_value() &&
                      (!item.value || *item.value == change->value->bytes);
    if (same) continue;
    Violated(absl::StrCat("a read of ", item.key, " at node ", NodeId(node), " gives ",
                          item.value.value_or("nothing"), " as ", ToString(item.version),
                          ", which nobody wrote"));
  }
}

void NothingStandsOnAFailedCommit::OnCommitFailed(NodeIndex node, const kv::Output&) {
  Looked();
  if (facts().node(node).disk().batches_refused() == 0) return;
  Violated(absl::StrCat("node ", NodeId(node), " has put together a batch that its store refuses"));
}

void NothingStandsOnAFailedCommit::OnSentAfterFailure(NodeIndex node) {
  Violated(absl::StrCat("node ", NodeId(node), " goes on although its disk has refused a batch"));
}

void StableIsDurableEverywhere::OnCommitted(NodeIndex node, const kv::Output&) {
  if (facts().AnyDiskLost()) return;
  const uint64_t stable = facts().node(node).replica().Stable();
  const uint64_t from = std::exchange(checked_[node], std::max(checked_[node], stable));
  if (stable <= from) return;
  for (const auto& [origin, writes] : facts().writes()) {
    for (auto it = After(writes, from); it != writes.end() && (*it)->timestamp.counter <= stable; ++it) {
      const Write& write = **it;
      if (!MustBeKept(write)) continue;
      // What a removed node had not sent is lost with it.
      if (!facts().node(node).HasMember(write.coordinator)) continue;
      for (const Write::Change& change : write.changes) {
        for (NodeIndex other = 0; other < facts().size(); ++other) {
          if (!facts().node(node).HasMember(other)) continue;
          Looked();
          const auto held = facts().DurablyHeldBy(other).find(change.key);
          if (held != facts().DurablyHeldBy(other).end() && !(held->second < write.timestamp)) continue;
          if (facts().IsForgotten(change.key, write.timestamp)) continue;
          Violated(absl::StrCat("node ", NodeId(node), " calls ", stable, " stable, and node ", NodeId(other),
                                " has not ", ToString(write.timestamp), " of ", change.key));
        }
      }
    }
  }
}

}  // namespace lamppost::sim
