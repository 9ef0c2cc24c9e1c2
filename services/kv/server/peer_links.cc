#include "services/kv/server/peer_links.h"

#include <utility>

#include "services/common/listen_address.h"

namespace lamppost::kv {

// A member that was removed and comes back gets its link once the replica has heard the last of the one
// before.
void PeerLinks::Follow(PeerIndex index, const Peer& peer) {
  std::unique_ptr<PeerLink>& link = links_[index];
  if (peer.retired) {
    if (link != nullptr) link->Shutdown();
    return;
  }
  if (link != nullptr && link->IsOver()) link.reset();
  if (link != nullptr) return;
  const absl::StatusOr<Address> address = ParseAddress(peer.address);
  if (address.ok()) link = std::make_unique<PeerLink>(index, address->Target(), shell_);
}

void PeerLinks::Poll(const std::vector<Peer>& peers, uint64_t now_ms) {
  absl::MutexLock lock(&mutex_);
  if (shutdown_) return;
  links_.resize(peers.size());
  for (PeerIndex i = 0; i < peers.size(); ++i) {
    Follow(i, peers[i]);
    if (links_[i] != nullptr) links_[i]->Poll(now_ms);
  }
}

void PeerLinks::Send(PeerIndex peer, SyncMessage message) {
  absl::MutexLock lock(&mutex_);
  if (peer < links_.size() && links_[peer] != nullptr) links_[peer]->Send(std::move(message));
}

void PeerLinks::Shutdown() {
  absl::MutexLock lock(&mutex_);
  shutdown_ = true;
  for (const std::unique_ptr<PeerLink>& link : links_) {
    if (link != nullptr) link->Shutdown();
  }
}

}  // namespace lamppost::kv
