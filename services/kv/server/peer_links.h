// The links to all peers: one opens when a node becomes a member, and ends when it is one no more.
#ifndef LAMPPOST_SERVICES_KV_SERVER_PEER_LINKS_H_
#define LAMPPOST_SERVICES_KV_SERVER_PEER_LINKS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "services/kv/core/peer.h"
#include "services/kv/server/peer_link.h"
#include "services/kv/server/shell.h"

namespace lamppost::kv {

// Used on the driver's thread only, but for Shutdown.
class PeerLinks {
 public:
  // The shell must outlive the links and all that they have posted.
  explicit PeerLinks(Shell* shell) : shell_(shell) {}

  // Follows the peers, whose places never change: opens links to new ones, ends those to retired ones.
  void Poll(const std::vector<Peer>& peers, uint64_t now_ms);
  // Without a link to the peer the message is lost, as the replica expects.
  void Send(PeerIndex peer, SyncMessage message);
  // Ends all links and opens no more. Thread-safe.
  void Shutdown();

 private:
  void Follow(PeerIndex index, const Peer& peer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Shell* const shell_;
  absl::Mutex mutex_;
  bool shutdown_ ABSL_GUARDED_BY(mutex_) = false;
  struct Place {
    std::unique_ptr<PeerLink> link;  // null: there is none, or the address leads nowhere
    uint64_t retirements = 0;        // of the peer when the link was made
  };
  std::vector<Place> places_ ABSL_GUARDED_BY(mutex_);  // by peer
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_PEER_LINKS_H_
