#include "tests/sim/checks/members.h"

#include "absl/strings/str_cat.h"
#include "services/kv/core/membership.h"

namespace lamppost::sim {

void ExpiredIsAbsent::OnReply(NodeIndex node, const Request&, const Reply& reply) {
  const uint64_t now_ms = facts().node(node).WallMs();
  for (const history::Item& item : reply.items) {
    const Write* write = facts().Find(item.version);
    const Write::Change* change = write == nullptr ? nullptr : write->Find(item.key);
    if (change == nullptr || change->expires_unix_ms == 0) continue;
    Looked();
    if (change->expires_unix_ms > now_ms) continue;
    Violated(absl::StrCat("node ", NodeId(node), " shows ", ToString(item.version), " of ", item.key, " ",
                          now_ms - change->expires_unix_ms, " ms after it has expired"));
  }
}

bool TheRemovedAreRefused::IsBarred(NodeIndex node, const kv::SyncMessage& message) const {
  const auto it = barred_[node].find(message.clock.origin.node_id);
  if (it == barred_[node].end()) return false;
  return it->second.state == kv::MemberState::kRemoved || kv::IsBarred(it->second, message.birth);
}

void TheRemovedAreRefused::OnReceived(NodeIndex node, const Packet& packet, uint64_t) {
  if (packet.IsAnswer()) return;
  const auto& message = std::get<kv::SyncMessage>(packet.body);
  bool& acceptable = waiting_[{node, packet.link}];
  // A group under way may just be making it a member again.
  const kv::MemberRecord* record = facts().node(node).replica().RecordOf(message.clock.origin.node_id);
  const bool welcome =
      record != nullptr && record->state == kv::MemberState::kMember && !kv::IsBarred(*record, message.birth);
  acceptable |= welcome || !IsBarred(node, message);
}

void TheRemovedAreRefused::OnStopped(NodeIndex node, Loss, size_t) {
  waiting_.erase(waiting_.lower_bound({node, 0}), waiting_.lower_bound({node + 1, 0}));
}

// Records that came with this group count from the next one on.
void TheRemovedAreRefused::OnCommitted(NodeIndex node, const kv::Output& output) {
  for (const kv::OutgoingAnswer& outgoing : output.answers) {
    const auto it = waiting_.find({node, outgoing.link});
    if (it == waiting_.end()) continue;
    if (!it->second) {
      Looked();
      if (outgoing.answer.refusal == kv::Refusal::kNone) {
        Violated(absl::StrCat("node ", NodeId(node), " accepts what a removed node has sent, on link ",
                              outgoing.link));
      }
    }
  }
  for (const kv::OutgoingAnswer& outgoing : output.answers) waiting_.erase({node, outgoing.link});
  for (const auto& [node_id, recorded] : facts().node(node).replica().member_records()) {
    barred_[node][node_id] = recorded.record;
  }
}

}  // namespace lamppost::sim
