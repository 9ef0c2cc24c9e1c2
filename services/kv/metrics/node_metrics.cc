#include "services/kv/metrics/node_metrics.h"

#include <memory>
#include <utility>

#include "services/kv/metrics/missing_entries.h"

namespace lamppost::kv {

NodeMetrics::NodeMetrics(NodeMetricsParts parts, NodeMetricsOptions options)
    : parts_(std::move(parts)), options_(options), question_([this](Question<Answer>::AnswerFn answer) {
        parts_.driver->Post(
            [this, answer = std::move(answer)](Replica* replica) { answer(AnswerOf(*replica)); });
      }) {}

NodeMetrics::Answer NodeMetrics::AnswerOf(const Replica& replica) const {
  Answer answer;
  ReplicaFacts& facts = answer.facts;
  parts_.status(replica, &facts.status);
  facts.window_bytes = replica.options().window_bytes;
  facts.max_write = replica.state().max_write;
  facts.stable_lag_ms = parts_.lag->StableLagMs();
  facts.held_replies = replica.held_replies().size();
  facts.held_replies_max = replica.options().held_replies_max;
  facts.ledger_bytes = replica.ledger().bytes();
  facts.ledger_bytes_max = replica.ledger().limits().bytes_max;
  facts.ledger_entries_max = replica.ledger().limits().entries_max;
  facts.rocksdb = parts_.rocksdb();
  answer.written = replica.WrittenHeads();
  const std::vector<Peer>& peers = replica.peers();
  for (PeerIndex i = 0; i < peers.size(); ++i) {
    if (peers[i].retired) continue;
    facts.peers.push_back({parts_.lag->PeerLagMs(i), std::nullopt, peers[i].in_flight_bytes});
    answer.heads.push_back(peers[i].answered ? std::make_optional(peers[i].heads) : std::nullopt);
  }
  return answer;
}

ServerFacts NodeMetrics::Server() const {
  const DriverOptions& options = parts_.driver->options();
  const DriverMeter& meter = parts_.driver->meter();
  const Driver::Queued queued = parts_.driver->queued();
  ServerFacts facts;
  facts.queued_writes = queued.writes;
  facts.queued_writes_max = options.queued_writes_max;
  facts.queued_bytes = queued.bytes;
  facts.queued_bytes_max = options.queued_bytes_max;
  facts.overloaded = meter.overloaded.load(std::memory_order_relaxed);
  facts.commit_seconds = meter.commit_seconds.Read();
  facts.flush_seconds = meter.flush_seconds.Read();
  facts.commit_writes = meter.commit_writes.Read();
  facts.committed_bytes = meter.committed_bytes.load(std::memory_order_relaxed);
  facts.disk_free_bytes = meter.disk_free_bytes.load(std::memory_order_relaxed);
  facts.disk_reserve_bytes = options.disk_reserve_bytes;
  parts_.services(&facts);
  return facts;
}

void NodeMetrics::CountLag(Answer* answer) const {
  for (size_t i = 0; i < answer->heads.size(); ++i) {
    if (!answer->heads[i]) continue;
    const absl::StatusOr<size_t> missing =
        CountMissing(*parts_.store, *answer->heads[i], answer->written, options_.lag_entries_max);
    if (missing.ok()) answer->facts.peers[i].lag_entries = *missing;
  }
}

MetricFamilies NodeMetrics::Collect() const {
  std::optional<Answer> answer = question_.Ask(options_.patience);
  if (!answer) return NodeFamilies(nullptr, Server());
  CountLag(&*answer);
  return NodeFamilies(&answer->facts, Server());
}

}  // namespace lamppost::kv
