// A whole node: storage, replica, driver, links and gRPC server, put together in the right order and
// taken apart in the reverse.
#ifndef LAMPPOST_SERVICES_KV_SERVER_NODE_H_
#define LAMPPOST_SERVICES_KV_SERVER_NODE_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/common/server.h"
#include "services/kv/core/replica.h"
#include "services/kv/server/admin_service.h"
#include "services/kv/server/driver.h"
#include "services/kv/server/inbound_link.h"
#include "services/kv/server/kv_service.h"
#include "services/kv/server/peer_link.h"
#include "services/kv/server/settings.h"
#include "services/kv/server/status.h"
#include "services/kv/storage/rocksdb_storage.h"

namespace lamppost::kv {

class Node : private Outbox {
 public:
  // Opens the storage and the replica, and serves. Errors are those of RocksDbStorage::Open,
  // Replica::Open and Server::Start. on_fatal_error is called, from any thread, if the node can no
  // longer store anything; the process should end.
  static absl::StatusOr<std::unique_ptr<Node>> Start(const Settings& settings,
                                                     std::function<void(const absl::Status&)> on_fatal_error);

  ~Node() override;

  // Takes no new calls, finishes those under way within the settings' time, and closes the store.
  void Drain();

  int port() const { return server_->port(); }

 private:
  explicit Node(const Settings& settings) : settings_(settings) {}
  absl::Status Open(std::function<void(const absl::Status&)> on_fatal_error);
  absl::Status Serve();
  void UpdateHealth();

  void Send(PeerIndex peer, SyncMessage message) override;
  void SendAnswer(LinkId link, const SyncAnswer& answer) override;
  void Poll(uint64_t now_ms) override;

  const Settings settings_;
  NodeFacts facts_;
  std::unique_ptr<RocksDbStorage> storage_;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<Driver> driver_;
  std::unique_ptr<Shell> shell_;
  std::unique_ptr<KvServiceImpl> kv_service_;
  std::unique_ptr<ReplicationServiceImpl> replication_service_;
  std::unique_ptr<SnapshotCalls> snapshot_calls_;
  std::unique_ptr<AdminServiceImpl> admin_service_;
  std::unique_ptr<Server> server_;
  std::vector<std::unique_ptr<PeerLink>> links_;
  bool healthy_ = false;  // of the driver's thread
  bool drained_ = false;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_NODE_H_
