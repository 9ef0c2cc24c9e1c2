#include "services/kv/server/peer_links.h"

#include <utility>

#include "services/common/listen_address.h"

namespace lamppost::kv {

// A member that was removed and comes back gets its link once the replica has heard the last of the one
// before. Both may have happened since the last look.
void PeerLinks::Follow(PeerIndex index, const Peer& peer) {
  Place& place = places_[index];
  if (place.link != nullptr && place.retirements != peer.retirements) {
    place.link->Shutdown();
    if (place.link->IsOver()) place.link.reset();
  }
  if (peer.retired || place.link != nullptr) return;
  const absl::StatusOr<Address> address = ParseAddress(peer.address);
  if (!address.ok()) return;
  place.link = std::make_unique<PeerLink>(index, address->Target(), credentials_, shell_, &streams_);
  place.retirements = peer.retirements;
}

void PeerLinks::Poll(const std::vector<Peer>& peers, uint64_t now_ms) {
  absl::MutexLock lock(&mutex_);
  if (shutdown_) return;
  places_.resize(peers.size());
  for (PeerIndex i = 0; i < peers.size(); ++i) {
    Follow(i, peers[i]);
    if (places_[i].link != nullptr) places_[i].link->Poll(now_ms);
  }
}

void PeerLinks::Send(PeerIndex peer, SyncMessage message) {
  absl::MutexLock lock(&mutex_);
  if (peer < places_.size() && places_[peer].link != nullptr) places_[peer].link->Send(std::move(message));
}

void PeerLinks::Shutdown() {
  absl::MutexLock lock(&mutex_);
  shutdown_ = true;
  for (const Place& place : places_) {
    if (place.link != nullptr) place.link->Shutdown();
  }
}

}  // namespace lamppost::kv
