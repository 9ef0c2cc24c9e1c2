// The receiving end of the replication links: one stream for each peer that has connected.
//
// A stream reads its next message only when the driver has taken the one before, so a peer cannot fill
// this node's memory; what it may have on its way is bounded by HTTP/2's flow control.
#ifndef LAMPPOST_SERVICES_KV_SERVER_INBOUND_LINK_H_
#define LAMPPOST_SERVICES_KV_SERVER_INBOUND_LINK_H_

#include <cstddef>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "lamppost/kv/v1/replication_service.grpc.pb.h"
#include "services/kv/core/messages.h"
#include "services/kv/server/shell.h"

namespace lamppost::kv {

class InboundStream;

// ReplicationService. Thread-safe.
class ReplicationServiceImpl : public v1::ReplicationService::CallbackService {
 public:
  static constexpr size_t kStreamsMax = 256;
  // An answer is owed for each message at most; a peer that reads none of them is cut off.
  static constexpr size_t kQueuedAnswersMax = 4096;

  // The shell must outlive the service.
  explicit ReplicationServiceImpl(Shell* shell) : shell_(shell) {}

  grpc::ServerBidiReactor<v1::SyncRequest, v1::SyncResponse>* Sync(
      grpc::CallbackServerContext* context) override;

  // Sends an answer on a link, if it is still there.
  void SendAnswer(LinkId link, const SyncAnswer& answer);
  // Takes no further streams, and ends each as soon as its peer sends something.
  void Drain();

 private:
  friend class InboundStream;
  void Remove(LinkId link);

  Shell* const shell_;
  absl::Mutex mutex_;
  absl::flat_hash_map<LinkId, std::shared_ptr<InboundStream>> streams_ ABSL_GUARDED_BY(mutex_);
  LinkId next_link_ ABSL_GUARDED_BY(mutex_) = 1;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_INBOUND_LINK_H_
