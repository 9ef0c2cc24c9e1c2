// The sending end of a replication link: one stream to one peer, opened again with back-off whenever it
// breaks. What is on its way is bounded by the replica's window, so the queue here is too.
#ifndef LAMPPOST_SERVICES_KV_SERVER_PEER_LINK_H_
#define LAMPPOST_SERVICES_KV_SERVER_PEER_LINK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "grpcpp/grpcpp.h"
#include "lamppost/kv/v1/replication_service.grpc.pb.h"
#include "services/kv/core/messages.h"
#include "services/kv/server/shell.h"

namespace lamppost::kv {

class OutboundStream;

// How many streams there are that gRPC is not done with. Thread-safe.
class StreamCount {
 public:
  void Add() {
    absl::MutexLock lock(&mutex_);
    ++count_;
  }
  void Remove() {
    absl::MutexLock lock(&mutex_);
    --count_;
  }
  void AwaitNone() {
    const auto none = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return count_ == 0; };
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&none));
  }

 private:
  absl::Mutex mutex_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Who the other end has to be.
enum class PeerCheck {
  kNone,      // whoever it says that it is: plain text
  kCertified  // who its certificate names
};

// Used on the driver's thread only, but for Shutdown.
class PeerLink {
 public:
  // A peer that has vanished without a word is noticed after the sum of the two.
  static constexpr int kKeepaliveTimeMs = 5000;
  static constexpr int kKeepaliveTimeoutMs = 3000;
  static constexpr uint64_t kBackoffMinMs = 100;
  static constexpr uint64_t kBackoffMaxMs = 2000;

  // target: for grpc::CreateChannel. credentials: null for plain text; with them the peer has to be the node
  // whose certificate it shows. The shell and the count must outlive the link, and its streams, which are
  // counted.
  PeerLink(PeerIndex peer, const std::string& target,
           const std::shared_ptr<grpc::ChannelCredentials>& credentials, Shell* shell, StreamCount* streams);
  ~PeerLink();

  // Opens a stream if there is none and it is time to.
  void Poll(uint64_t now_ms);
  // Sends on the present stream; without one the message is lost, as the replica expects.
  void Send(SyncMessage message);
  // Ends the stream and opens no more. Thread-safe.
  void Shutdown();
  // Shut down, and the replica has been told that the stream is gone: another link to the peer may begin.
  bool IsOver();

 private:
  friend class OutboundStream;

  const PeerIndex peer_;
  const PeerCheck check_;
  Shell* const shell_;
  StreamCount* const streams_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::ReplicationService::Stub> stub_;

  absl::Mutex mutex_;
  bool shutdown_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<OutboundStream> stream_ ABSL_GUARDED_BY(mutex_);

  uint64_t next_attempt_ms_ = 0;
  uint64_t backoff_ms_ = kBackoffMinMs;
  uint64_t jitter_ = 0;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_PEER_LINK_H_
