// A node's metrics, gathered whenever they are asked for.
#ifndef LAMPPOST_SERVICES_KV_METRICS_NODE_METRICS_H_
#define LAMPPOST_SERVICES_KV_METRICS_NODE_METRICS_H_

#include <prometheus/collectable.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "services/common/metrics/families.h"
#include "services/common/metrics/question.h"
#include "services/kv/core/heads.h"
#include "services/kv/core/replica.h"
#include "services/kv/core/store.h"
#include "services/kv/metrics/lag_watch.h"
#include "services/kv/metrics/node_families.h"
#include "services/kv/server/driver.h"

namespace lamppost::kv {

struct NodeMetricsOptions {
  // How long the driver's thread has to answer. Prometheus itself waits ten seconds by default.
  absl::Duration patience = absl::Seconds(1);
  size_t lag_entries_max = 10'000;  // of a peer
};

// All must outlive the metrics.
struct NodeMetricsParts {
  Driver* driver = nullptr;
  const Store* store = nullptr;
  const LagWatch* lag = nullptr;  // of the driver's thread
  // On the driver's thread: what KvService.Status says, and how the store is doing.
  std::function<void(const Replica&, v1::StatusResponse*)> status;
  std::function<RocksDbFacts()> rocksdb;
  // On any thread: fills in watches and bulk writes.
  std::function<void(ServerFacts*)> services;
};

// Thread-safe. Asks the driver's thread, and goes on without it if it is stuck. Must live until the driver
// has stopped: a question may be in its queue.
class NodeMetrics : public prometheus::Collectable {
 public:
  explicit NodeMetrics(NodeMetricsParts parts, NodeMetricsOptions options = {});

  MetricFamilies Collect() const override;

 private:
  struct Answer {
    ReplicaFacts facts;
    Heads written;
    std::vector<std::optional<Heads>> heads;  // of the peers that have answered
  };

  Answer AnswerOf(const Replica& replica) const;
  ServerFacts Server() const;
  // By the store, on the calling thread: the driver has better things to do.
  void CountLag(Answer* answer) const;

  const NodeMetricsParts parts_;
  const NodeMetricsOptions options_;
  mutable Question<Answer> question_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_METRICS_NODE_METRICS_H_
