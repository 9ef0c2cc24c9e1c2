#include "tests/sim/facts.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/common/error.h"
#include "services/kv/core/check.h"
#include "services/kv/core/conflict.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/record.h"

namespace lamppost::sim {
namespace {

// The version of a write that the reply says is done, be it with as many nodes as were asked for or not.
std::optional<Timestamp> DoneBy(const kv::Reply& reply) {
  if (reply.result.ok()) return reply.result->version;
  if (ErrorReason(reply.result.status()) != "REPLICAS_PENDING") return std::nullopt;
  const std::vector<std::string> parts = absl::StrSplit(ErrorMetadata(reply.result.status())["version"], '/');
  Timestamp version;
  LAMPPOST_CHECK(parts.size() == 3 && absl::SimpleAtoi(parts[0], &version.counter) &&
                     absl::SimpleAtoi(parts[2], &version.origin.incarnation),
                 "a pending write has no version");
  version.origin.node_id = parts[1];
  return version;
}

}  // namespace

Write* Facts::Find(const Timestamp& timestamp) const {
  const auto life = writes_.find(timestamp.origin);
  if (life == writes_.end()) return nullptr;
  const auto it = std::lower_bound(life->second.begin(), life->second.end(), timestamp.counter,
                                   [](const std::unique_ptr<Write>& write, uint64_t counter) {
                                     return write->timestamp.counter < counter;
                                   });
  return it != life->second.end() && (*it)->timestamp == timestamp ? it->get() : nullptr;
}

bool Facts::Holds(NodeIndex node, const std::string& key, const Timestamp& at_least) const {
  const auto it = views_[node].current.find(key);
  return it != views_[node].current.end() && !(it->second < at_least);
}

bool Facts::IsForgotten(const std::string& key, const Timestamp& at_least) const {
  const auto of_key = forgotten_.find(key);
  return of_key != forgotten_.end() && !(*of_key->second.rbegin() < at_least);
}

bool Facts::IsForgottenBy(NodeIndex node, const std::string& key, const Timestamp& at_least) const {
  const auto of_key = forgotten_.find(key);
  if (of_key == forgotten_.end()) return false;
  const kv::Heads& forgotten = this->node(node).replica().state().forgotten;
  return std::any_of(of_key->second.lower_bound(at_least), of_key->second.end(),
                     [&](const Timestamp& deletion) { return forgotten.Covers(deletion); });
}

const Write* Facts::ForgottenAfter(const std::string& key, const Timestamp& version,
                                   std::optional<NodeIndex> node) const {
  const auto of_key = forgotten_.find(key);
  const Write* const write = Find(version);
  if (of_key == forgotten_.end() || write == nullptr) return nullptr;
  for (auto it = of_key->second.upper_bound(version); it != of_key->second.end(); ++it) {
    if (node && !this->node(*node).replica().state().forgotten.Covers(*it)) continue;
    const Write* const deletion = Find(*it);
    if (deletion != nullptr && deletion->number > write->number) return deletion;
  }
  return nullptr;
}

std::optional<bool> Facts::Knew(const Write& later, const Timestamp& earlier, const std::string& key) const {
  for (const Write* write = &later; write != nullptr;) {
    if (write->heads.Covers(earlier)) return true;
    if (!write->exact) return std::nullopt;
    if (write->timestamp.origin == earlier.origin) {
      // A life that went on after its power was lost has its earlier writes, but not those that are gone.
      const Write* const other = Find(earlier);
      if (other != nullptr && other->gone) return std::nullopt;
      return earlier.counter < write->timestamp.counter;
    }
    const Write::Change* change = write->Find(key);
    if (change == nullptr || !change->replaced) return false;
    if (*change->replaced == earlier) return true;
    write = Find(*change->replaced);
  }
  return false;
}

void Facts::OnProposed(NodeIndex node, const kv::Proposal& proposal, const kv::Heads& heads) {
  Proposed proposed{proposal, heads, {}};
  // What the writer's client has seen counts as seen by the writer, where the node knows whose it is.
  const kv::Replica& replica = this->node(node).replica();
  for (const auto& [origin, counter] : proposal.session) {
    if (heads.At(origin) >= counter) continue;
    proposed.told.Raise(origin, counter);
    const std::string& id = origin.node_id;
    const bool is_known = id == NodeId(node) || heads.NewestIncarnation(id) != 0 ||
                          std::any_of(replica.peers().begin(), replica.peers().end(),
                                      [&](const kv::Peer& peer) { return peer.node_id == id; });
    proposed.exact &= is_known;
    if (!is_known) continue;
    proposed.heads.Raise(origin, counter);
  }
  views_[node].proposed[proposal.id] = std::move(proposed);
}

void Facts::OnReceived(NodeIndex node, const Packet& packet, uint64_t) {
  if (packet.IsAnswer()) return;
  const auto& message = std::get<kv::SyncMessage>(packet.body);
  if (message.entries == nullptr) return;
  for (const kv::KeyedVersion& entry : *message.entries) {
    views_[node].arriving[entry.key].push_back(entry.version.timestamp);
  }
}

bool Facts::Expires(const Timestamp& timestamp, const std::string& key) const {
  const Write* write = Find(timestamp);
  const Write::Change* change = write == nullptr ? nullptr : write->Find(key);
  return change != nullptr && change->expires_unix_ms != 0;
}

void Facts::Register(NodeIndex node, kv::ProposalId id, const Timestamp& version) {
  const auto proposed = views_[node].proposed.find(id);
  if (proposed == views_[node].proposed.end() || proposed->second.registered) return;
  proposed->second.registered = true;
  issued_.push_back(version);
  auto write = std::make_unique<Write>();
  write->timestamp = version;
  write->number = next_number_++;
  write->coordinator = node;
  write->heads = proposed->second.heads;
  write->told = proposed->second.told;
  write->request_id = proposed->second.proposal.request_id;
  // A settlement has seen what it settles, which only the node knows.
  write->exact = proposed->second.exact && !proposed->second.waits && !proposed->second.proposal.settlement;
  for (const kv::Operation& operation : proposed->second.proposal.operations) {
    Write::Change change{operation.key, operation.value, std::nullopt, {}, {}, 0};
    const auto shown = views_[node].current.find(operation.key);
    if (shown != views_[node].current.end()) {
      change.replaced = shown->second;
      if (Expires(shown->second, operation.key)) ++unasked_;  // it may have done so in this group, before
    }
    // Or a write of the same group, which may have seen more.
    for (const Timestamp& before : issued_) {
      if (before == version || Find(before)->Find(operation.key) == nullptr) continue;
      if (!change.replaced || *change.replaced < before) change.replaced = before;
    }
    const auto arriving = views_[node].arriving.find(operation.key);
    if (arriving != views_[node].arriving.end()) {
      write->exact = false;
      change.maybe_replaced = arriving->second;
    }
    write->changes.push_back(std::move(change));
  }
  Add(std::move(write));
}

void Facts::Add(std::unique_ptr<Write> write) {
  Writes& of_life = writes_[write->timestamp.origin];
  const auto at = std::upper_bound(of_life.begin(), of_life.end(), write->timestamp.counter,
                                   [](uint64_t counter, const std::unique_ptr<Write>& other) {
                                     return counter < other->timestamp.counter;
                                   });
  of_life.insert(at, std::move(write));
}

// What the node had when it wrote is not known exactly: it did so in the middle of a group.
void Facts::RegisterUnasked(NodeIndex node, const kv::Output& output) {
  // An entry of the ledger may have been written and left out again at once.
  const uint64_t conflicts = this->node(node).replica().conflicts();
  unasked_ += conflicts - std::exchange(views_[node].conflicts, conflicts);
  const Origin me = this->node(node).replica().me();
  for (const kv::WriteBatch::Operation& operation : output.batch.operations()) {
    if (operation.space != kv::Space::kData || !operation.value) continue;
    if (kv::IsSystemKey(operation.key)) ++unasked_;  // it may have been written more than once
    absl::StatusOr<kv::Version> version = kv::DecodeVersion(*operation.value);
    if (!version.ok() || version->timestamp.origin != me) continue;
    Write* known = Find(version->timestamp);
    if (known == nullptr) {
      auto write = std::make_unique<Write>();
      write->timestamp = version->timestamp;
      write->number = next_number_++;
      write->coordinator = node;
      write->exact = false;
      write->unasked = true;
      known = write.get();
      Add(std::move(write));
      ++unasked_;
    }
    if ((known->unasked || kv::IsSystemKey(operation.key)) && known->Find(operation.key) == nullptr) {
      Write::Change change{operation.key, version->value, std::nullopt, {}, {}, 0};
      const auto shown = views_[node].current.find(operation.key);
      if (shown != views_[node].current.end()) change.replaced = shown->second;
      const auto arriving = views_[node].arriving.find(operation.key);
      if (arriving != views_[node].arriving.end()) change.maybe_replaced = arriving->second;
      for (const Timestamp& before : issued_) {
        if (before < version->timestamp) change.maybe_replaced.push_back(before);
      }
      known->changes.push_back(std::move(change));
    }
  }
}

void Facts::OnAttempted(NodeIndex node, const kv::Output& output, uint64_t) {
  issued_.clear();
  unasked_ = 0;
  std::vector<std::pair<Timestamp, kv::ProposalId>> done;
  for (const kv::Reply& reply : output.replies) {
    const std::optional<Timestamp> version = DoneBy(reply);
    const bool replayed = reply.result.ok() ? reply.result->replayed : version && Find(*version) != nullptr;
    if (version && !replayed) done.emplace_back(*version, reply.id);
  }
  for (const auto& held : this->node(node).replica().held_replies()) {
    if (!held.result.replayed) done.emplace_back(held.result.version, held.id);
  }
  std::sort(done.begin(), done.end());
  for (const auto& [version, id] : done) Register(node, id, version);
  RegisterUnasked(node, output);
  for (auto& [id, proposed] : views_[node].proposed) proposed.waits = true;
  views_[node].arriving.clear();
}

void Facts::OnCommitted(NodeIndex node, const kv::Output& output) {
  View& view = views_[node];
  stored_.clear();
  removed_.clear();
  for (const kv::WriteBatch::Operation& operation : output.batch.operations()) {
    if (operation.space != kv::Space::kData) continue;
    if (!operation.value) {
      Remove(node, operation.key);
      continue;
    }
    absl::StatusOr<kv::Version> version = kv::DecodeVersion(*operation.value);
    if (!version.ok()) continue;  // it will be found when it is read
    Stored stored{operation.key, *std::move(version), std::nullopt};
    const auto [it, is_new] = view.current.insert({operation.key, stored.version.timestamp});
    if (!is_new) stored.previous = std::exchange(it->second, stored.version.timestamp);
    view.promised[operation.key] = stored.version.timestamp;
    NoteSeen(stored);
    Write* write = Find(stored.version.timestamp);
    if (write != nullptr && write->unasked && write->coordinator == node) write->committed = true;
    stored_.push_back(std::move(stored));
  }
  for (const auto& held : this->node(node).replica().held_replies()) {
    Write* write = Find(held.result.version);
    if (write != nullptr && !held.result.replayed) write->committed = true;
  }
  answered_.clear();
  for (const kv::Reply& reply : output.replies) {
    const auto proposed = view.proposed.find(reply.id);
    if (proposed == view.proposed.end()) continue;
    if (const std::optional<Timestamp> version = DoneBy(reply)) {
      Write* write = Find(*version);
      if (write != nullptr && !(reply.result.ok() && reply.result->replayed)) write->committed = true;
    }
    if (reply.result.ok()) {
      answered_.push_back({std::move(proposed->second.proposal), *reply.result});
    }
    view.proposed.erase(proposed);
  }
  if (plan_.durability == kv::Durability::kSync) return;
  if (!output.batch.empty()) {
    view.unflushed.emplace_back();
    for (const Stored& stored : stored_) {
      view.unflushed.back().emplace_back(stored.key, stored.version.timestamp);
    }
    for (const Removed& removed : removed_) view.unflushed.back().emplace_back(removed.key, std::nullopt);
  }
  NoteFlushed(node);
}

void Facts::Remove(NodeIndex node, const std::string& key) {
  View& view = views_[node];
  const auto held = view.current.find(key);
  if (held == view.current.end()) return;
  Removed removed{key, held->second, false, IsForgotten(key, held->second)};
  const Write* const write = Find(held->second);
  const Write::Change* const change = write == nullptr ? nullptr : write->Find(key);
  removed.is_tombstone = change != nullptr && !change->value;
  // Its own doing, or that of a full Sync, by which it takes over what others have forgotten.
  if (removed.is_tombstone && this->node(node).replica().state().forgotten.Covers(removed.version)) {
    forgotten_[key].insert(removed.version);
  }
  view.current.erase(held);
  view.promised.erase(key);
  removed_.push_back(std::move(removed));
}

void Facts::NoteSeen(const Stored& stored) {
  Write* write = Find(stored.version.timestamp);
  if (write == nullptr) return;
  for (Write::Change& change : write->changes) {
    if (change.key == stored.key && change.seen.lags().empty()) change.seen = stored.version.seen;
    if (change.key == stored.key) change.expires_unix_ms = stored.version.expires_unix_ms;
  }
}

void Facts::NoteFlushed(NodeIndex node) {
  View& view = views_[node];
  while (view.unflushed.size() > this->node(node).disk().unflushed()) {
    for (auto& [key, timestamp] : view.unflushed.front()) {
      if (timestamp) view.durable[key] = *timestamp;
      if (!timestamp) view.durable.erase(key);
    }
    view.unflushed.pop_front();
  }
}

void Facts::OnFlushed(NodeIndex node, const kv::Heads&) {
  NoteFlushed(node);
}

// A group that has reached the disk and was never told of may have dropped something.
void Facts::NoteUntold(NodeIndex node, const Holding& found) {
  const auto bytes = this->node(node).disk().Get(kv::Space::kMeta, kv::kStateKey);
  if (!bytes.ok() || !*bytes) return;
  const absl::StatusOr<kv::State> state = kv::DecodeState(**bytes);
  if (!state.ok()) return;
  View& view = views_[node];
  for (const auto& [key, timestamp] : view.current) {
    if (found.contains(key) || !state->forgotten.Covers(timestamp)) continue;
    const Write* const write = Find(timestamp);
    const Write::Change* const change = write == nullptr ? nullptr : write->Find(key);
    if (change == nullptr || change->value) continue;
    forgotten_[key].insert(timestamp);
    view.promised.erase(key);
  }
}

void Facts::Rebuild(NodeIndex node) {
  View& view = views_[node];
  const Disk& disk = this->node(node).disk();
  Holding found;
  const auto cursor = disk.ScanUndamaged(kv::Space::kData);
  for (; cursor->Valid(); cursor->Next()) {
    absl::StatusOr<kv::Version> version = kv::DecodeVersion(cursor->value());
    if (!version.ok()) continue;
    const std::string key(cursor->key());
    found[key] = version->timestamp;
    NoteSeen({key, *std::move(version), std::nullopt});  // a group may have got here that was never told of
  }
  NoteUntold(node, found);
  view.current = std::move(found);
  view.unflushed.clear();
  if (disk.unflushed() == 0) {
    view.durable = view.current;
    return;
  }
  // Which batch brought what is not known any more: all of it counts with the last.
  view.unflushed.resize(disk.unflushed());
  for (const auto& [key, timestamp] : view.current) view.unflushed.back().emplace_back(key, timestamp);
}

// Whether others would take anything from this node: a spare is a member once it is recorded.
bool Facts::IsMemberForOthers(NodeIndex node) const {
  if (node < plan_.nodes) return true;
  for (NodeIndex other = 0; other < size(); ++other) {
    if (other != node && RecordsMember(this->node(other).disk(), node)) return true;
  }
  return false;
}

// A write is still somewhere if it is a key's version there, or if the heads there cover it.
void Facts::Mourn(NodeIndex node) {
  history::DiskLoss loss;
  loss.node = NodeId(node);
  loss.at_us = now_us();
  std::vector<const View*> members;
  for (NodeIndex other = 0; other < views_.size(); ++other) {
    if (!IsMemberForOthers(other)) continue;
    members.push_back(&views_[other]);
    const auto bytes = this->node(other).disk().Get(kv::Space::kMeta, kv::kStateKey);
    if (!bytes.ok() || !*bytes) continue;
    const absl::StatusOr<kv::State> state = kv::DecodeState(**bytes);
    if (state.ok()) loss.kept.RaiseAll(state->heads);
  }
  for (auto& [origin, of_life] : writes_) {
    for (const std::unique_ptr<Write>& write : of_life) {
      if (loss.kept.Covers(write->timestamp)) continue;
      bool all_there = true;
      for (const Write::Change& change : write->changes) {
        all_there &= std::any_of(members.begin(), members.end(), [&](const View* view) {
          const auto it = view->current.find(change.key);
          return it != view->current.end() && it->second == write->timestamp;
        });
      }
      write->gone |= !all_there;
    }
  }
  losses_.push_back(std::move(loss));
}

void Facts::OnStopped(NodeIndex node, Loss, size_t lost) {
  views_[node].proposed.clear();
  if (lost == 0 || plan_.durability == kv::Durability::kSync) return;
  Rebuild(node);
  views_[node].promised = views_[node].current;
  Mourn(node);
}

void Facts::OnDiskExchanged(NodeIndex node) {
  views_[node].lost = true;
  views_[node].current.clear();
  Rebuild(node);
  views_[node].promised = views_[node].current;
  Mourn(node);
}

void Facts::OnStarted(NodeIndex node) {
  Rebuild(node);
  views_[node].conflicts = 0;
  missing_.clear();
  const Holding& now = views_[node].current;
  for (const auto& [key, timestamp] : views_[node].promised) {
    const auto it = now.find(key);
    if (it == now.end() || it->second < timestamp) missing_.push_back(key);
  }
  std::sort(missing_.begin(), missing_.end());
}

}  // namespace lamppost::sim
