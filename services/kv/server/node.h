// A whole node: storage, replica, driver, links and gRPC server, put together in the right order and
// taken apart in the reverse.
#ifndef LAMPPOST_SERVICES_KV_SERVER_NODE_H_
#define LAMPPOST_SERVICES_KV_SERVER_NODE_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/common/metrics/metrics_server.h"
#include "services/common/metrics/request_metrics.h"
#include "services/common/server.h"
#include "services/kv/core/replica.h"
#include "services/kv/metrics/lag_watch.h"
#include "services/kv/metrics/node_metrics.h"
#include "services/kv/server/admin_service.h"
#include "services/kv/server/driver.h"
#include "services/kv/server/faulty_outbox.h"
#include "services/kv/server/inbound_link.h"
#include "services/kv/server/kv_service.h"
#include "services/kv/server/peer_links.h"
#include "services/kv/server/scrubber.h"
#include "services/kv/server/settings.h"
#include "services/kv/server/status.h"
#include "services/kv/server/trace_calls.h"
#include "services/kv/storage/rocksdb_storage.h"
#include "services/security/server_tls.h"

namespace lamppost::kv {

// What a node is about. It takes clients' calls while it serves.
enum class NodeState {
  kDecidingLife,  // asks the other members what they know of its life
  kRefilling,     // takes writes, and gets everything from a peer
  kServing,
  kRemoved,  // from the cluster, for good
};

// What a node takes from, and tells, whoever runs it. The functions are called from any thread and must not
// call back.
struct NodeEnvironment {
  // The driver's thread moves: called every few dozen milliseconds unless it is stuck. May be empty.
  std::function<void(NodeState, uint64_t now_ms)> on_alive;
  // The node can no longer store anything: it should end.
  std::function<void(const absl::Status&)> on_fatal_error;
  // Stored data has turned out to be damaged: DATA_LOSS, with DATA_CORRUPT or CONTENT_DAMAGED (scrubber.h).
  // May be called often.
  std::function<void(const absl::Status&)> on_damage;
  // Whose data directory it is, if that is known beforehand; see RunSalvage.
  std::optional<Identity> owner;
};

class Node : private Outbox {
 public:
  // Opens the storage, salvages it if it is marked (salvage_run.h), opens the replica, and serves. Errors are
  // those of RocksDbStorage::Open, RunSalvage, Replica::Open and Server::Start.
  static absl::StatusOr<std::unique_ptr<Node>> Start(const Settings& settings, NodeEnvironment environment);

  ~Node() override;

  // Takes no new calls, finishes those under way within the settings' time, and closes the store.
  void Drain();

  int port() const { return server_->port(); }
  const std::vector<int>& ports() const { return server_->ports(); }
  // Where metrics are served, if they are.
  int metrics_port() const { return metrics_server_ == nullptr ? 0 : metrics_server_->port(); }
  // Canonical.
  const std::string& data_directory() const { return storage_->directory(); }
  // Whether there are other members. Thread-safe.
  bool HasPeers() const { return has_peers_.load(std::memory_order_relaxed); }
  // As RocksDbStorage's. Thread-safe; not after Drain.
  absl::StatusOr<TablesReport> CheckTables(Pace* pace) const { return storage_->CheckTables(pace); }

 private:
  Node(const Settings& settings, NodeEnvironment environment)
      : settings_(settings), environment_(std::move(environment)) {}
  absl::Status Open();
  absl::Status OpenTls();
  absl::Status OpenStorage();
  absl::Status Serve();
  absl::Status ServeMetrics();
  NodeState State() const;
  void UpdateHealth(NodeState state);
  void SetHealth(absl::string_view service, bool serves);
  void UpdateRefilling();
  void FillStatus(const Replica& replica, v1::StatusResponse* response) const;

  void Send(PeerIndex peer, SyncMessage message) override;
  void SendAnswer(const OutgoingAnswer& outgoing) override;
  void Poll(uint64_t now_ms) override;

  const Settings settings_;
  const NodeEnvironment environment_;
  std::unique_ptr<security::ServerTls> tls_;  // null: plain text
  NodeFacts facts_;
  uint64_t boot_id_ = 0;
  std::unique_ptr<RocksDbStorage> storage_;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<FaultyOutbox> faults_;  // null unless they are enabled
  std::unique_ptr<Driver> driver_;
  std::unique_ptr<Shell> shell_;
  std::unique_ptr<KvServiceImpl> kv_service_;
  std::unique_ptr<ReplicationServiceImpl> replication_service_;
  std::unique_ptr<SnapshotCalls> snapshot_calls_;
  std::unique_ptr<TraceCalls> traces_;
  std::unique_ptr<AdminServiceImpl> admin_service_;
  std::unique_ptr<PeerLinks> links_;
  // Null unless metrics are served.
  std::shared_ptr<RequestMetrics> request_metrics_;
  std::shared_ptr<NodeMetrics> node_metrics_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Scrubber> scrubber_;
  std::unique_ptr<MetricsServer> metrics_server_;
  // Of the driver's thread.
  LagWatch lag_watch_;
  std::map<std::string, bool> serving_;  // by service
  int polls_refilled_ = 0;               // in a row
  bool drained_ = false;
  std::atomic<bool> has_peers_{false};
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_NODE_H_
