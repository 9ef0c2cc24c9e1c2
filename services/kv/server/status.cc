#include "services/kv/server/status.h"

#include "services/common/error.h"
#include "services/kv/server/codec.h"

namespace lamppost::kv {
namespace {

v1::PeerState ToProto(LinkState state) {
  switch (state) {
    case LinkState::kDown:
      return v1::PEER_STATE_DOWN;
    case LinkState::kProbing:
      return v1::PEER_STATE_PROBING;
    case LinkState::kLive:
      return v1::PEER_STATE_LIVE;
    case LinkState::kCatchingUp:
      return v1::PEER_STATE_CATCHING_UP;
    case LinkState::kRefused:
      return v1::PEER_STATE_REFUSED;
  }
  return v1::PEER_STATE_UNSPECIFIED;
}

void FillPeer(const Replica& replica, const Peer& peer, uint64_t now_ms, v1::PeerStatus* status) {
  status->set_node_id(peer.node_id);
  status->set_address(peer.address);
  status->set_state(ToProto(peer.state));
  status->set_detail(peer.detail);
  status->set_lag(replica.LagOf(peer));
  status->set_catch_up_bytes_sent(peer.catch_up_bytes_sent);
  status->set_full_syncs_sent(peer.full_syncs_sent);
  status->set_divergent_buckets(peer.divergent_buckets);
  status->set_repaired_buckets(peer.repaired_buckets);
  if (!peer.answered) return;
  ToProto(peer.heads, status->mutable_heads());
  status->set_incarnation(peer.incarnation);
  status->set_content_hash(ToHex(peer.content_hash));
  status->set_last_answer_ms(now_ms - peer.last_answer_ms);
}

}  // namespace

void FillStatus(const NodeFacts& facts, uint64_t now_ms, const Replica& replica,
                v1::StatusResponse* response) {
  const Origin self = replica.me();
  response->set_node_id(self.node_id);
  response->set_incarnation(self.incarnation);
  response->set_cluster(facts.cluster);
  response->set_version(facts.version);
  ToProto(replica.heads(), response->mutable_heads());
  response->set_keys(replica.state().keys);
  response->set_tombstones(replica.state().tombstones);
  response->set_content_hash(ToHex(replica.state().hash.Total()));
  response->set_stable(replica.Stable());
  for (const Peer& peer : replica.peers()) {
    if (!peer.retired) FillPeer(replica, peer, now_ms, response->add_peers());
  }
  response->set_converged(replica.Converged());
  response->set_conflicts(replica.conflicts());
  response->set_durability(facts.durability);
  response->set_uptime_ms(now_ms - facts.started_ms);
  response->set_horizon(replica.state().forgotten.Max());
  for (const StableHold& hold : replica.StableHeldBy()) {
    v1::StableHold* const holder = response->add_stable_held_by();
    holder->set_node_id(hold.node_id);
    holder->set_address(hold.address);
    holder->set_detail(hold.detail);
  }
  response->set_refilling(replica.state().refilling);
  response->set_removed(replica.state().removed);
  response->set_ledger_entries(replica.ledger().size());
  response->set_ledger_open(replica.ledger().open());
  response->set_ledger_dropped(replica.ledger().dropped());
  if (const auto refusal = replica.WriteRefusal()) response->set_write_refusal(ErrorReason(*refusal));
}

}  // namespace lamppost::kv
