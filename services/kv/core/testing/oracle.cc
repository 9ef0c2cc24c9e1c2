#include "services/kv/core/testing/oracle.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/kv/core/testing/store_audit.h"

namespace lamppost::kv::testing {

void Oracle::Watch(const Cluster* cluster) {
  cluster_ = cluster;
  views_.resize(cluster->size());
}

void Oracle::Violated(const std::string& what) {
  if (violation_.empty()) violation_ = what;
}

// FNV-1a over 64-bit words.
void Oracle::Trace(uint64_t number) {
  trace_hash_ = (trace_hash_ ^ number) * 0x100000001B3u;
}

void Oracle::OnReceived(NodeIndex node, const Packet& packet) {
  views_[node].floor = std::max(views_[node].floor, packet.clock().counter);
  received_.Raise(packet.clock().origin, packet.clock().counter);
}

void Oracle::OnProposed(NodeIndex node, const Proposal& proposal) {
  proposals_[proposal.id] = {node, proposal};
}

void Oracle::OnDiskLost(NodeIndex node) {
  lost_.insert(node);
  views_[node] = NodeView();
  for (auto it = issued_.begin(); it != issued_.end();) {
    const bool unheard = it->origin.node_id == cluster_->spec(node).node_id && !received_.Covers(*it);
    it = unheard ? issued_.erase(it) : std::next(it);
  }
  for (auto it = requests_.begin(); it != requests_.end();) {
    it = it->first.first == node ? requests_.erase(it) : std::next(it);
  }
}

void Oracle::OnCommitted(NodeIndex node, const Output& output, CrashPoint crash) {
  CheckReplies(node, output);
  CheckIssued(node, output);
  CheckStored(node, output);
  CheckHeads(node);
  Trace(static_cast<uint64_t>(crash));
}

void Oracle::Issue(NodeIndex node, const Timestamp& timestamp) {
  Trace(timestamp.counter);
  Trace(timestamp.origin.incarnation);
  if (timestamp.counter <= views_[node].floor) {
    Violated(absl::StrCat("clock condition: ", ToString(timestamp), " issued after ", views_[node].floor));
  }
  if (timestamp.origin.incarnation == 0) return;  // not a life yet
  if (!issued_.insert(timestamp).second) Violated(absl::StrCat(ToString(timestamp), " issued twice"));
}

void Oracle::CheckIssued(NodeIndex node, const Output& output) {
  uint64_t highest = views_[node].floor;
  for (const OutgoingMessage& outgoing : output.messages) {
    Issue(node, outgoing.message.clock);
    highest = std::max(highest, outgoing.message.clock.counter);
    if (!outgoing.message.entries) continue;
    for (const KeyedVersion& entry : *outgoing.message.entries) Trace(entry.version.timestamp.counter);
  }
  for (const OutgoingAnswer& outgoing : output.answers) {
    Issue(node, outgoing.answer.clock);
    highest = std::max(highest, outgoing.answer.clock.counter);
  }
  for (const Reply& reply : output.replies) {
    if (!reply.result.ok() || reply.result->replayed) continue;
    Issue(node, reply.result->version);
    highest = std::max(highest, reply.result->version.counter);
  }
  views_[node].floor = highest;
}

void Oracle::CheckReplies(NodeIndex node, const Output& output) {
  for (const Reply& reply : output.replies) {
    if (!reply.result.ok()) continue;
    const Proposal& proposal = proposals_.at(reply.id).second;
    const std::string& request_id = proposal.request_id;
    if (!request_id.empty()) CheckReplay(node, request_id, *reply.result);
    if (reply.result->replayed) continue;
    const Timestamp& timestamp = reply.result->version;
    std::vector<std::string> keys;
    for (const Operation& operation : proposal.operations) keys.push_back(operation.key);
    writes_[timestamp] = keys;
    by_origin_[timestamp.origin][timestamp.counter] = std::move(keys);
    coordinator_[timestamp] = node;
  }
}

void Oracle::CheckReplay(NodeIndex node, const std::string& request_id, const WriteResult& result) {
  const auto first = requests_.find({node, request_id});
  if (result.replayed && attempts_[request_id].count(result.version) == 0) {
    Violated(absl::StrCat("request ", request_id, " replays ", ToString(result.version),
                          ", which is none of its outcomes"));
  }
  if (first != requests_.end() && (!result.replayed || result.version != first->second)) {
    Violated(absl::StrCat("request ", request_id, " took effect twice at one node"));
  }
  if (!result.replayed) attempts_[request_id].insert(result.version);
  requests_.insert({{node, request_id}, result.version});
}

void Oracle::CheckStored(NodeIndex node, const Output& output) {
  for (const WriteBatch::Operation& operation : output.batch.operations()) {
    if (operation.space != Space::kData) continue;
    if (!operation.value) {
      Violated(absl::StrCat("key ", operation.key, " was removed without a tombstone"));
      continue;
    }
    const absl::StatusOr<Version> version = DecodeVersion(*operation.value);
    if (!version.ok()) {
      Violated("an unreadable version was stored");
      continue;
    }
    const auto [it, is_new] = views_[node].current.insert({operation.key, version->timestamp});
    if (!is_new && version->timestamp <= it->second && lost_.count(node) == 0) {
      Violated(absl::StrCat("key ", operation.key, " went from ", ToString(it->second), " to ",
                            ToString(version->timestamp)));
    }
    it->second = version->timestamp;
  }
}

void Oracle::CheckHeads(NodeIndex node) {
  if (AnyDiskLost()) return;
  NodeView& view = views_[node];
  for (const auto& [origin, counter] : cluster_->replica(node).heads()) {
    const uint64_t checked = view.heads.At(origin);
    if (counter <= checked) continue;
    const auto& written = by_origin_[origin];
    for (auto it = written.upper_bound(checked); it != written.end() && it->first <= counter; ++it) {
      for (const std::string& key : it->second) {
        const auto current = view.current.find(key);
        if (current == view.current.end() || current->second < Timestamp{it->first, origin}) {
          Violated(absl::StrCat("heads invariant: ", cluster_->spec(node).address, " covers ",
                                ToString(Timestamp{it->first, origin}), " and does not have it, key ", key));
        }
      }
    }
  }
  view.heads.RaiseAll(cluster_->replica(node).heads());
}

void Oracle::OnNotSettled() {
  std::string what = "not converged:";
  for (NodeIndex node = 0; node < cluster_->size(); ++node) {
    const Replica& replica = cluster_->replica(node);
    absl::StrAppend(&what, "\n  ", ToString(replica.me()), " heads {", ToString(replica.heads()), "} hash ",
                    ToHex(replica.state().hash.Total()).substr(24));
    for (const Peer& peer : replica.peers()) {
      absl::StrAppend(&what, "\n    ", peer.address, " state ", static_cast<int>(peer.state), " ",
                      peer.detail, " heads {", ToString(peer.heads), "} progress {", ToString(peer.progress),
                      "}");
    }
  }
  Violated(what);
}

void Oracle::CheckEnd() {
  const auto first = Dump(cluster_->disk(0), Tombstones::kLeftOut);
  for (NodeIndex node = 0; node < cluster_->size(); ++node) {
    const std::string& name = cluster_->spec(node).address;
    if (const std::string what = Audit(cluster_->disk(node)); !what.empty()) {
      Violated(absl::StrCat("store of ", name, ": ", what));
    }
    const auto contents = Dump(cluster_->disk(node), Tombstones::kLeftOut);
    for (const auto& [key, version] : first) {
      const auto it = contents.find(key);
      if (it == contents.end() || !(it->second == version)) {
        Violated(absl::StrCat("diverged: key ", key, " differs between the first node and ", name));
      }
    }
    if (contents.size() != first.size()) Violated(absl::StrCat("diverged: ", name, " has other keys"));
  }
  const auto all = Dump(cluster_->disk(0), Tombstones::kIncluded);
  for (const auto& [timestamp, keys] : writes_) {
    if (lost_.count(coordinator_[timestamp]) > 0) continue;
    for (const std::string& key : keys) {
      const auto it = all.find(key);
      if (it == all.end() || it->second.timestamp < timestamp) {
        Violated(absl::StrCat("write ", ToString(timestamp), " of key ", key, " is lost"));
      }
    }
  }
  for (const auto& [key, version] : all) {
    if (writes_.count(version.timestamp) == 0) {
      Violated(absl::StrCat("key ", key, " has a version that nobody wrote"));
    }
  }
}

}  // namespace lamppost::kv::testing
