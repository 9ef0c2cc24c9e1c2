#include "tests/sim/checks/fences.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace lamppost::sim {

void OtherLivesAreFencedOff::OnStopped(NodeIndex node, Loss, size_t) {
  waiting_.erase(waiting_.lower_bound({node, 0}), waiting_.lower_bound({node + 1, 0}));
}

void OtherLivesAreFencedOff::OnReceived(NodeIndex node, const Packet& packet, uint64_t) {
  if (packet.IsAnswer()) return;
  const auto& message = std::get<kv::SyncMessage>(packet.body);
  const kv::Replica& replica = facts().node(node).replica();
  const Origin& sender = message.clock.origin;
  const bool is_old =
      sender.incarnation != 0 && sender.incarnation < replica.heads().NewestIncarnation(sender.node_id);
  const bool is_for_another =
      message.receiver_incarnation != 0 && message.receiver_incarnation != replica.me().incarnation;
  Waiting& waiting = waiting_[{node, packet.link}];
  waiting.life = replica.me().incarnation;
  ++(is_old || is_for_another ? waiting.misdirected : waiting.others);
}

void OtherLivesAreFencedOff::OnAttempted(NodeIndex node, const kv::Output& output, uint64_t) {
  for (const kv::OutgoingAnswer& outgoing : output.answers) {
    const auto it = waiting_.find({node, outgoing.link});
    if (it == waiting_.end()) continue;
    const Waiting& waiting = it->second;
    Looked();
    // A life that has only just been decided may be the one that was meant.
    const bool same_life = waiting.life == facts().node(node).replica().me().incarnation;
    if (waiting.misdirected > 0 && waiting.others == 0 && same_life &&
        outgoing.answer.refusal == kv::Refusal::kNone) {
      Violated(absl::StrCat("node ", NodeId(node),
                            " accepts what another life has sent or was to get, on link ", outgoing.link));
    }
  }
  for (const kv::OutgoingAnswer& outgoing : output.answers) waiting_.erase({node, outgoing.link});
}

void NoConflictIsSeenTwice::OnReceived(NodeIndex node, const Packet& packet, uint64_t) {
  if (packet.IsAnswer()) return;
  const auto& message = std::get<kv::SyncMessage>(packet.body);
  if (message.entries == nullptr) return;
  const kv::Heads& heads = facts().node(node).replica().heads();
  nodes_[node].uncovered += static_cast<uint64_t>(
      std::count_if(message.entries->begin(), message.entries->end(),
                    [&](const kv::KeyedVersion& entry) { return !heads.Covers(entry.version.timestamp); }));
}

void NoConflictIsSeenTwice::OnAttempted(NodeIndex node, const kv::Output&, uint64_t) {
  Seen& seen = nodes_[node];
  const uint64_t conflicts = facts().node(node).replica().conflicts();
  const uint64_t more = conflicts - std::exchange(seen.conflicts, conflicts);
  const uint64_t uncovered = std::exchange(seen.uncovered, 0);
  Looked();
  if (more <= uncovered) return;
  Violated(
      absl::StrCat("node ", NodeId(node), " counts ", more, " conflicts among ", uncovered, " new versions"));
}

}  // namespace lamppost::sim
