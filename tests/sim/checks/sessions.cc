#include "tests/sim/checks/sessions.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/kv/core/limits.h"

namespace lamppost::sim {
namespace {

bool IsAsked(const Request& request, const std::string& key) {
  return request.keys.empty() ||
         std::find(request.keys.begin(), request.keys.end(), key) != request.keys.end();
}

}  // namespace

bool SessionsAreKept::Shows(NodeIndex node, const Reply& reply, const Write& write,
                            const Write::Change& change) const {
  for (const history::Item& item : reply.items) {
    if (item.key == change.key) return item.version >= write.timestamp;
  }
  // Nothing is shown: there must be a deletion, here or forgotten; in a full Sync that is under way, too.
  if (facts().Holds(node, change.key, write.timestamp)) return true;
  if (facts().IsForgottenBy(node, change.key, write.timestamp)) return true;
  for (const auto& [origin, writes] : facts().writes()) {
    for (const std::unique_ptr<Write>& other : writes) {
      const Write::Change* later = other->Find(change.key);
      const bool may_be_forgotten = later != nullptr && !later->value && other->timestamp >= write.timestamp;
      if (may_be_forgotten && reply.session.Covers(other->timestamp)) return true;
    }
  }
  return false;
}

void SessionsAreKept::CheckRead(NodeIndex node, const Request& request, const Reply& reply) {
  kv::Heads covered = reply.session;
  covered.RaiseAll(request.session);
  for (const auto& [origin, writes] : facts().writes()) {
    const uint64_t counter = covered.At(origin);
    for (const std::unique_ptr<Write>& write : writes) {
      if (write->timestamp.counter > counter) break;
      if (!write->committed || write->gone) continue;
      for (const Write::Change& change : write->changes) {
        if (!IsAsked(request, change.key) || facts().IsRotten(change.key)) continue;
        if (kv::IsSystemKey(change.key)) continue;  // no client reads those
        Looked();
        if (Shows(node, reply, *write, change)) continue;
        Violated(absl::StrCat("a read of ", change.key, " at node ", NodeId(node), " is older than ",
                              ToString(write->timestamp), ", which its session covers"));
      }
    }
  }
}

void SessionsAreKept::OnReply(NodeIndex node, const Request& request, const Reply& reply) {
  if (!reply.status.ok()) return;
  Looked();
  if (request.IsWrite()) {
    if (reply.session.Covers(reply.written.version)) return;
    return Violated(absl::StrCat("node ", NodeId(node), " acknowledges ", ToString(reply.written.version),
                                 " with a session that does not cover it"));
  }
  if (request.session.empty()) return;  // enough is looked at without
  if (!request.session.IsCoveredBy(reply.session)) {
    Violated(absl::StrCat("node ", NodeId(node), " answers with a session behind the one it was asked with"));
  }
  CheckRead(node, request, reply);
}

bool WritesAreWhereTheyAreSaid::Holds(NodeIndex node, const Facts::Answered& answered) const {
  if (facts().DiskLost(node)) return true;
  const Timestamp& version = answered.result.version;
  for (const kv::Operation& operation : answered.proposal.operations) {
    const Facts::Holding& holding = facts().DurablyHeldBy(node);
    const auto held = holding.find(operation.key);
    if (held != holding.end()) {
      if (held->second < version) return false;
      continue;
    }
    // It may have been a deletion, or have been deleted since, and that is forgotten already.
    if (!facts().IsForgotten(operation.key, version)) return false;
  }
  return true;
}

void WritesAreWhereTheyAreSaid::OnCommitted(NodeIndex node, const kv::Output&) {
  for (const Facts::Answered& answered : facts().answered()) {
    Looked();
    const size_t said = std::max(answered.result.replicas, answered.proposal.replicas);
    if (said == 1 && facts().plan().durability == kv::Durability::kInterval) continue;  // not flushed yet
    size_t holders = 0;
    for (NodeIndex other = 0; other < facts().size(); ++other) holders += Holds(other, answered) ? 1 : 0;
    if (holders >= said) continue;
    Violated(absl::StrCat("node ", NodeId(node), " says that ", said, " nodes have ",
                          ToString(answered.result.version), " on stable storage, and ", holders, " have"));
  }
}

}  // namespace lamppost::sim
