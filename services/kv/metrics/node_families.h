// What is known of a node, as metrics. docs/metrics.md lists them.
//
// A pure function: whoever calls it has gathered the facts (node_metrics.h).
#ifndef LAMPPOST_SERVICES_KV_METRICS_NODE_FAMILIES_H_
#define LAMPPOST_SERVICES_KV_METRICS_NODE_FAMILIES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "lamppost/kv/v1/kv_service.pb.h"
#include "services/common/metrics/families.h"
#include "services/common/metrics/histogram.h"
#include "services/kv/storage/rocksdb_storage.h"

namespace lamppost::kv {

struct PeerFacts {
  uint64_t lag_ms = 0;
  std::optional<size_t> lag_entries;  // nothing: not known
  uint64_t window_used_bytes = 0;     // sent and not answered
};

// Of the driver's thread.
struct ReplicaFacts {
  v1::StatusResponse status;
  std::vector<PeerFacts> peers;  // of each in status, in its order
  uint64_t window_bytes = 0;     // of each peer
  uint64_t max_write = 0;        // the greatest counter of any write known
  uint64_t stable_lag_ms = 0;
  size_t held_replies = 0;
  size_t held_replies_max = 0;
  uint64_t ledger_bytes = 0;
  uint64_t ledger_bytes_max = 0;
  size_t ledger_entries_max = 0;
  RocksDbFacts rocksdb;
};

// What is known without asking the driver's thread.
struct ServerFacts {
  size_t queued_writes = 0;
  size_t queued_writes_max = 0;
  uint64_t queued_bytes = 0;
  uint64_t queued_bytes_max = 0;
  uint64_t overloaded = 0;
  Histogram::Reading commit_seconds;
  Histogram::Reading flush_seconds;
  Histogram::Reading commit_writes;
  uint64_t committed_bytes = 0;
  uint64_t disk_free_bytes = 0;
  uint64_t disk_reserve_bytes = 0;
  size_t watches = 0;
  size_t watches_max = 0;
  size_t bulk_streams = 0;
  size_t bulk_streams_max = 0;
  uint64_t bulk_bytes = 0;
  uint64_t bulk_bytes_max = 0;
};

// null: the driver's thread has not answered; then what it would have told is left out.
MetricFamilies NodeFamilies(const ReplicaFacts* replica, const ServerFacts& server);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_METRICS_NODE_FAMILIES_H_
