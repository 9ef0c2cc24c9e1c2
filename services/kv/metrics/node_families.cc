#include "services/kv/metrics/node_families.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace lamppost::kv {
namespace {

using prometheus::MetricType;

// Nodes of which heads are shown; there are as many as were ever members.
constexpr size_t kHeadsMax = 64;

// Whoever has not said who it is goes by its address.
std::string NameOf(const v1::PeerStatus& peer) {
  return peer.node_id().empty() ? peer.address() : peer.node_id();
}

std::string NameOf(v1::PeerState state) {
  switch (state) {
    case v1::PEER_STATE_PROBING:
      return "probing";
    case v1::PEER_STATE_LIVE:
      return "live";
    case v1::PEER_STATE_CATCHING_UP:
      return "catching_up";
    case v1::PEER_STATE_REFUSED:
      return "refused";
    default:
      return "down";
  }
}

std::string StateOf(const v1::StatusResponse& status) {
  if (status.removed()) return "removed";
  if (status.incarnation() == 0) return "deciding";
  return status.refilling() ? "refilling" : "serving";
}

double Seconds(uint64_t ms) {
  return static_cast<double>(ms) / 1000;
}

// A family with one series for each peer that `value` has a number for.
template <typename Value>
void AddOfPeers(const ReplicaFacts& replica, MetricType type, const char* name, const char* help, Value value,
                MetricFamilies* families) {
  FamilyOf family(type, name, help);
  for (int i = 0; i < replica.status.peers_size(); ++i) {
    const v1::PeerStatus& peer = replica.status.peers(i);
    const std::optional<double> number = value(peer, replica.peers[static_cast<size_t>(i)]);
    if (number) family.Add(*number, {{"peer", NameOf(peer)}});
  }
  family.MoveTo(families);
}

using Number = std::optional<double>;

void AddState(const v1::StatusResponse& status, MetricFamilies* families) {
  FamilyOf(MetricType::Gauge, "lamppost_kv_state", "1 for what the node is about.")
      .AddOneOf(StateOf(status), {"deciding", "refilling", "serving", "removed"}, "state")
      .MoveTo(families);
  FamilyOf(MetricType::Gauge, "lamppost_kv_writes_refused", "1 while all writes are refused for this reason.")
      .AddOneOf(status.write_refusal(), {"DISK_FULL", "NODE_REMOVED", "NOT_A_MEMBER", "DUPLICATE_NODE_ID"},
                "reason")
      .MoveTo(families);
  AddGauge(families, "lamppost_kv_converged", "1 if all members are connected and have the same contents.",
           status.converged() ? 1 : 0);
  AddGauge(families, "lamppost_kv_keys", "Keys with a value.", static_cast<double>(status.keys()));
  AddGauge(families, "lamppost_kv_tombstones", "Deleted keys that are still remembered.",
           static_cast<double>(status.tombstones()));
  AddGauge(families, "lamppost_kv_link_faults", "Links that somebody disturbs on purpose.",
           static_cast<double>(status.link_faults()));
}

void AddPeers(const ReplicaFacts& replica, MetricFamilies* families) {
  FamilyOf states(MetricType::Gauge, "lamppost_kv_peer_state",
                  "1 for how this node's link to the peer is doing.");
  for (const v1::PeerStatus& peer : replica.status.peers()) {
    states.AddOneOf(NameOf(peer.state()), {"down", "probing", "live", "catching_up", "refused"}, "state",
                    {{"peer", NameOf(peer)}});
  }
  states.MoveTo(families);
  AddOfPeers(
      replica, MetricType::Gauge, "lamppost_kv_peer_last_answer_seconds",
      "How long ago the peer answered last; missing if it never has.",
      [](const v1::PeerStatus& peer, const PeerFacts&) {
        return peer.has_last_answer_ms() ? Number(Seconds(peer.last_answer_ms())) : Number();
      },
      families);
  AddOfPeers(
      replica, MetricType::Gauge, "lamppost_kv_peer_lag_entries",
      "Keys here whose present version the peer lacks, up to 10,000; missing if it has never answered.",
      [](const v1::PeerStatus&, const PeerFacts& facts) {
        return facts.lag_entries ? Number(static_cast<double>(*facts.lag_entries)) : Number();
      },
      families);
  AddOfPeers(
      replica, MetricType::Gauge, "lamppost_kv_peer_lag_counters",
      "Counters by which the peer is behind, the most of any origin; missing if it has never answered.",
      [](const v1::PeerStatus& peer, const PeerFacts&) {
        return peer.has_last_answer_ms() ? Number(static_cast<double>(peer.lag())) : Number();
      },
      families);
  AddOfPeers(
      replica, MetricType::Gauge, "lamppost_kv_peer_lag_seconds",
      "For how long the peer has lacked something that is here.",
      [](const v1::PeerStatus&, const PeerFacts& facts) { return Number(Seconds(facts.lag_ms)); }, families);
  AddOfPeers(
      replica, MetricType::Gauge, "lamppost_kv_peer_window_used_bytes",
      "Sent to the peer and not answered yet.",
      [](const v1::PeerStatus&, const PeerFacts& facts) {
        return Number(static_cast<double>(facts.window_used_bytes));
      },
      families);
  AddGauge(families, "lamppost_kv_peer_window_bytes", "As much may be sent to a peer before it answers.",
           static_cast<double>(replica.window_bytes));
}

void AddRepairs(const ReplicaFacts& replica, MetricFamilies* families) {
  AddOfPeers(
      replica, MetricType::Counter, "lamppost_kv_catch_up_sent_bytes_total",
      "Keys and values sent to the peer to make up for what it missed.",
      [](const v1::PeerStatus& peer, const PeerFacts&) {
        return Number(static_cast<double>(peer.catch_up_bytes_sent()));
      },
      families);
  AddOfPeers(
      replica, MetricType::Counter, "lamppost_kv_full_syncs_sent_total",
      "Times that the peer was sent everything.",
      [](const v1::PeerStatus& peer, const PeerFacts&) {
        return Number(static_cast<double>(peer.full_syncs_sent()));
      },
      families);
  AddOfPeers(
      replica, MetricType::Gauge, "lamppost_kv_divergent_buckets",
      "Buckets of the content hash, of 64, that differ from the peer's at equal heads.",
      [](const v1::PeerStatus& peer, const PeerFacts&) {
        return Number(static_cast<double>(peer.divergent_buckets()));
      },
      families);
  AddOfPeers(
      replica, MetricType::Counter, "lamppost_kv_repaired_buckets_total",
      "Buckets sent to the peer for repair.",
      [](const v1::PeerStatus& peer, const PeerFacts&) {
        return Number(static_cast<double>(peer.repaired_buckets()));
      },
      families);
}

void AddHeads(const v1::StatusResponse& status, MetricFamilies* families) {
  std::map<std::string, std::pair<uint64_t, uint64_t>> newest;  // incarnation and counter, by node
  for (const auto& head : status.heads()) {
    auto& known = newest[head.origin().node_id()];
    known = std::max(known, {head.origin().incarnation(), head.counter()});
  }
  FamilyOf heads(MetricType::Gauge, "lamppost_kv_head",
                 "The counter up to which this node has the writes of a node's newest life.");
  size_t shown = 0;
  for (const auto& [node, head] : newest) {
    if (++shown > kHeadsMax) break;
    heads.Add(static_cast<double>(head.second), {{"node", node}});
  }
  heads.MoveTo(families);
}

void AddStability(const ReplicaFacts& replica, MetricFamilies* families) {
  const v1::StatusResponse& status = replica.status;
  const uint64_t behind = replica.max_write - std::min(replica.max_write, status.stable());
  AddGauge(families, "lamppost_kv_latest_write", "The greatest counter of a write that this node knows of.",
           static_cast<double>(replica.max_write));
  AddGauge(families, "lamppost_kv_stable", "All writes up to this counter are on disk at every member.",
           static_cast<double>(status.stable()));
  AddGauge(families, "lamppost_kv_stable_lag_seconds",
           "For how long a member's disk has lacked something that is here.", Seconds(replica.stable_lag_ms));
  FamilyOf held(
      MetricType::Gauge, "lamppost_kv_stable_held_up_by",
      "Counters by which what is stable is behind the latest write, for the node that holds it up.");
  for (const v1::StableHold& hold : status.stable_held_by()) {
    held.Add(static_cast<double>(behind),
             {{"node", hold.node_id().empty() ? hold.address() : hold.node_id()}});
  }
  held.MoveTo(families);
  AddGauge(families, "lamppost_kv_horizon", "The highest counter of a deletion that was forgotten.",
           static_cast<double>(status.horizon()));
}

void AddConflicts(const ReplicaFacts& replica, MetricFamilies* families) {
  const v1::StatusResponse& status = replica.status;
  AddCounter(families, "lamppost_kv_conflicts_total",
             "Times that concurrent writes of a key met here, and one had to win.",
             static_cast<double>(status.conflicts()));
  AddGauge(families, "lamppost_kv_ledger_entries", "Entries of the conflict ledger.",
           static_cast<double>(status.ledger_entries()));
  AddGauge(families, "lamppost_kv_ledger_entries_max", "As many entries may the ledger have.",
           static_cast<double>(replica.ledger_entries_max));
  AddGauge(families, "lamppost_kv_ledger_open", "Conflicts that nobody has settled.",
           static_cast<double>(status.ledger_open()));
  AddGauge(families, "lamppost_kv_ledger_dropped",
           "About how many entries the ledger has dropped for want of room.",
           static_cast<double>(status.ledger_dropped()));
  AddGauge(families, "lamppost_kv_ledger_bytes", "Keys and values in the conflict ledger.",
           static_cast<double>(replica.ledger_bytes));
  AddGauge(families, "lamppost_kv_ledger_max_bytes", "As many bytes may the ledger have.",
           static_cast<double>(replica.ledger_bytes_max));
}

void AddRocksDb(const RocksDbFacts& facts, MetricFamilies* families) {
  const auto add = [families](const char* name, const char* help, uint64_t value) {
    AddGauge(families, name, help, static_cast<double>(value));
  };
  add("lamppost_kv_rocksdb_block_cache_bytes", "In RocksDB's block cache.", facts.block_cache_bytes);
  add("lamppost_kv_rocksdb_block_cache_max_bytes", "As much may be in the block cache.",
      facts.block_cache_bytes_max);
  add("lamppost_kv_rocksdb_memtable_bytes", "In memtables.", facts.memtable_bytes);
  add("lamppost_kv_rocksdb_table_reader_bytes", "Memory for open tables beside the block cache.",
      facts.table_reader_bytes);
  add("lamppost_kv_rocksdb_table_file_bytes", "Table files on disk.", facts.table_file_bytes);
  add("lamppost_kv_rocksdb_pending_compaction_bytes", "About how much is to be compacted.",
      facts.pending_compaction_bytes);
  add("lamppost_kv_rocksdb_running_compactions", "Compactions under way.", facts.running_compactions);
  add("lamppost_kv_rocksdb_running_flushes", "Memtables on their way to disk.", facts.running_flushes);
  add("lamppost_kv_rocksdb_writes_stopped", "1 while writes wait for compactions.",
      facts.writes_stopped ? 1 : 0);
  add("lamppost_kv_rocksdb_delayed_write_bytes_per_second",
      "To what writes are slowed down; 0: they are not.", facts.delayed_write_bytes_per_second);
}

void AddReplica(const ReplicaFacts& replica, MetricFamilies* families) {
  AddState(replica.status, families);
  AddPeers(replica, families);
  AddRepairs(replica, families);
  AddHeads(replica.status, families);
  AddStability(replica, families);
  AddConflicts(replica, families);
  AddGauge(families, "lamppost_kv_held_replies", "Writes done here whose reply waits for other members.",
           static_cast<double>(replica.held_replies));
  AddGauge(families, "lamppost_kv_held_replies_max", "As many replies may wait.",
           static_cast<double>(replica.held_replies_max));
  AddRocksDb(replica.rocksdb, families);
}

void AddCommits(const ServerFacts& server, MetricFamilies* families) {
  FamilyOf(MetricType::Histogram, "lamppost_kv_commit_seconds",
           "How long storage commits take, with their fsync unless --durability is interval.")
      .Add(server.commit_seconds)
      .MoveTo(families);
  FamilyOf(MetricType::Histogram, "lamppost_kv_flush_seconds",
           "How long the fsync takes that --durability interval does every second.")
      .Add(server.flush_seconds)
      .MoveTo(families);
  FamilyOf(MetricType::Histogram, "lamppost_kv_commit_writes", "Writes of clients that share a commit.")
      .Add(server.commit_writes)
      .MoveTo(families);
  AddCounter(families, "lamppost_kv_committed_bytes_total", "Keys and values that were committed.",
             static_cast<double>(server.committed_bytes));
  AddGauge(families, "lamppost_kv_disk_free_bytes", "Free on the disk of the data directory.",
           static_cast<double>(server.disk_free_bytes));
  AddGauge(families, "lamppost_kv_disk_reserve_bytes", "Writes are refused while less is free.",
           static_cast<double>(server.disk_reserve_bytes));
}

void AddQueues(const ServerFacts& server, MetricFamilies* families) {
  const auto add = [families](const char* name, const char* help, uint64_t value) {
    AddGauge(families, name, help, static_cast<double>(value));
  };
  add("lamppost_kv_queued_writes", "Writes that wait for the next commit.", server.queued_writes);
  add("lamppost_kv_queued_writes_max", "As many writes may wait.", server.queued_writes_max);
  add("lamppost_kv_queued_bytes", "Keys and values of writes that wait for the next commit.",
      server.queued_bytes);
  add("lamppost_kv_queued_max_bytes", "As many bytes may wait.", server.queued_bytes_max);
  AddCounter(families, "lamppost_kv_overloaded_writes_total", "Writes refused because too many wait.",
             static_cast<double>(server.overloaded));
  add("lamppost_kv_watches", "Watches that are open.", server.watches);
  add("lamppost_kv_watches_max", "As many watches may be open.", server.watches_max);
  add("lamppost_kv_bulk_streams", "Bulk writes that are open.", server.bulk_streams);
  add("lamppost_kv_bulk_streams_max", "As many bulk writes may be open.", server.bulk_streams_max);
  add("lamppost_kv_bulk_bytes", "Batches of bulk writes that are not answered yet.", server.bulk_bytes);
  add("lamppost_kv_bulk_max_bytes", "As much of bulk writes may be under way.", server.bulk_bytes_max);
}

}  // namespace

MetricFamilies NodeFamilies(const ReplicaFacts* replica, const ServerFacts& server) {
  MetricFamilies families;
  AddGauge(&families, "lamppost_driver_up", "1 if the thread that does all the work answers.",
           replica != nullptr ? 1 : 0);
  AddCommits(server, &families);
  AddQueues(server, &families);
  if (replica != nullptr) AddReplica(*replica, &families);
  return families;
}

}  // namespace lamppost::kv
