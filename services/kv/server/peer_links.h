// The links to all peers: one opens when a node becomes a member, and ends when it is one no more.
#ifndef LAMPPOST_SERVICES_KV_SERVER_PEER_LINKS_H_
#define LAMPPOST_SERVICES_KV_SERVER_PEER_LINKS_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "services/kv/core/peer.h"
#include "services/kv/server/peer_link.h"
#include "services/kv/server/shell.h"

namespace lamppost::kv {

// Used on the driver's thread only, but for Shutdown and AwaitEnd.
class PeerLinks {
 public:
  // credentials: see PeerLink. The shell must outlive the links.
  PeerLinks(Shell* shell, std::shared_ptr<grpc::ChannelCredentials> credentials)
      : shell_(shell), credentials_(std::move(credentials)) {}
  ~PeerLinks() {
    Shutdown();
    AwaitEnd();
  }

  // Follows the peers, whose places never change: opens links to new ones, ends those to retired ones.
  void Poll(const std::vector<Peer>& peers, uint64_t now_ms);
  // Without a link to the peer the message is lost, as the replica expects.
  void Send(PeerIndex peer, SyncMessage message);
  // Ends all links and opens no more. Thread-safe.
  void Shutdown();
  // After Shutdown: waits until gRPC is done with all of them, and nothing comes in here any more.
  void AwaitEnd() { streams_.AwaitNone(); }

 private:
  void Follow(PeerIndex index, const Peer& peer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Shell* const shell_;
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  StreamCount streams_;  // goes after the links
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
