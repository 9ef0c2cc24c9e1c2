// A whole cluster of replicas in one thread, on stores in memory and a virtual clock, for tests.
//
// Nothing happens by itself: what a node sends lies on the wire until the test delivers, drops or
// repeats it; time stands still until the test advances it. Each input is a group of its own unless
// the test puts several into one. Two runs with the same calls do exactly the same.
//
// Not thread-safe.
#ifndef LAMPPOST_SERVICES_KV_CORE_TESTING_CLUSTER_H_
#define LAMPPOST_SERVICES_KV_CORE_TESTING_CLUSTER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "services/kv/core/replica.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::kv::testing {

using NodeIndex = size_t;

// One node: its address, and how its process is started. Peers are addresses.
struct NodeSpec {
  std::string address;
  std::string node_id;
  std::string cluster = "test";
  std::vector<std::string> peers;
};

// What all nodes of the cluster have in common.
struct Tuning {
  uint64_t seed = 1;
  uint64_t life_wait_ms = 2000;
  uint64_t heartbeat_ms = 250;
  uint64_t relay_ms = 1000;
  uint64_t repair_after_ms = 2000;
  uint64_t window_bytes = 4u << 20;
  uint64_t chunk_bytes = 128u << 10;
  uint64_t live_gather_ms = 0;
  uint64_t live_gather_bytes = 128u << 10;
  size_t requests_max = 1000;
  size_t ledger_entries_max = 10000;
  Stability stability = Stability::kAtFlushes;
  size_t held_replies_max = 10000;
};

// On its way from one node to another. `link` is the connection it was sent on; an answer goes back on
// the link of the message it answers.
struct Packet {
  NodeIndex from = 0;
  NodeIndex to = 0;
  LinkId link = 0;
  std::variant<SyncMessage, SyncAnswer> body;

  bool IsAnswer() const { return std::holds_alternative<SyncAnswer>(body); }
  const Timestamp& clock() const {
    return IsAnswer() ? std::get<SyncAnswer>(body).clock : std::get<SyncMessage>(body).clock;
  }
};

// Where in a group the process dies, if it does.
enum class CrashPoint {
  kNone,
  kBeforeCommit,  // nothing of the group has happened
  kBeforeSend,    // the batch is durable, but nobody hears of it
};

// Whether the other nodes find out at once that a link or a process is gone.
enum class Notice { kAtOnce, kLater };

// Sees each group of each node, once its batch is committed.
class Observer {
 public:
  virtual ~Observer() = default;
  // The node is about to send what is in the output, or has crashed instead (kBeforeSend).
  virtual void OnCommitted(NodeIndex node, const Output& output, CrashPoint crash) = 0;
  // A packet has moved the node's clock and is about to be taken in.
  virtual void OnReceived(NodeIndex node, const Packet& packet) = 0;
};

class Cluster {
 public:
  // All nodes are down. `observer` must outlive the cluster.
  Cluster(std::vector<NodeSpec> specs, const Tuning& tuning, Observer* observer);

  size_t size() const { return nodes_.size(); }
  const NodeSpec& spec(NodeIndex node) const { return nodes_[node].spec; }
  NodeIndex Find(const std::string& address) const;  // ends the process if there is none

  // Time. Advancing it lets no node notice; Run does.
  uint64_t now_ms() const { return now_ms_; }
  void Advance(uint64_t ms) { now_ms_ += ms; }

  // Processes. A start connects the node with all that are up; it fails as Replica::Open does.
  bool IsUp(NodeIndex node) const { return nodes_[node].replica != nullptr; }
  const Replica& replica(NodeIndex node) const { return *nodes_[node].replica; }
  absl::Status Start(NodeIndex node);
  void Crash(NodeIndex node, Notice notice);
  // An orderly end: counters that were reserved and not issued are given back.
  void Stop(NodeIndex node);

  // Disks. A disk may be exchanged only while its node is down.
  const MemoryStorage& disk(NodeIndex node) const { return *nodes_[node].disk; }
  std::unique_ptr<MemoryStorage> CopyDisk(NodeIndex node) const;
  void ExchangeDisk(NodeIndex node, std::unique_ptr<MemoryStorage> disk);
  // Its node is down and finds part of the disk gone.
  void SalvageDisk(NodeIndex node);
  // Changes what is on it behind the node's back, as a fault of the disk that nobody notices.
  void Tamper(NodeIndex node, const WriteBatch& batch);

  // One group with these inputs. Does nothing if the node is down.
  using Inputs = std::function<void(Replica*)>;
  void Run(NodeIndex node, const Inputs& inputs, CrashPoint crash = CrashPoint::kNone);
  // Takes in packets addressed to the node, all in one group. Messages may come at any time, as from a
  // queue of the receiver's; answers are lost with their link.
  void Receive(NodeIndex node, const std::vector<Packet>& packets, CrashPoint crash = CrashPoint::kNone);
  // Groups without inputs as long as the node has work, and one in any case.
  void RunUntilIdle(NodeIndex node);

  // What is on its way, oldest first; the test takes packets out and puts them in as it likes.
  std::deque<Packet>& wire() { return wire_; }

  // The network. A cut loses what is sent from now on in that direction.
  void Cut(NodeIndex from, NodeIndex to) { cut_.insert({from, to}); }
  bool IsCut(NodeIndex from, NodeIndex to) const { return cut_.count({from, to}) > 0; }
  void Mend(NodeIndex from, NodeIndex to) { cut_.erase({from, to}); }
  void MendAll() { cut_.clear(); }
  // Breaks the links between two nodes, in both directions.
  void Disconnect(NodeIndex a, NodeIndex b);
  // Opens the links that are missing between nodes that are up and not cut off from each other, and closes
  // those to nodes that are no members any more.
  void Connect();
  // Who opened a link, whether or not it is still there.
  NodeIndex OpenerOf(LinkId link) const { return opener_.at(link); }
  // The link that `from` has opened to `to`; there must be one.
  LinkId LinkOf(NodeIndex from, NodeIndex to) const { return links_.at({from, to}); }
  bool HasLink(NodeIndex from, NodeIndex to) const { return links_.count({from, to}) > 0; }

 private:
  struct Node {
    NodeSpec spec;
    std::unique_ptr<MemoryStorage> disk;
    std::unique_ptr<Replica> replica;  // null: down; goes before the disk
  };

  std::optional<PeerIndex> PeerOf(NodeIndex node, NodeIndex peer) const;
  void OpenLink(NodeIndex from, NodeIndex to);
  void CloseLink(NodeIndex from, NodeIndex to);
  // Moves the node's clock above the packet's; false if the packet has to be refused.
  bool Observe(NodeIndex node, const Packet& packet);
  bool IsOnPresentLink(const Packet& answer) const;
  void SendAll(NodeIndex node, const Output& output);
  uint64_t Random();

  const Tuning tuning_;
  Observer* const observer_;
  std::vector<Node> nodes_;
  uint64_t now_ms_ = 1000;
  uint64_t random_;
  std::deque<Packet> wire_;
  std::set<std::pair<NodeIndex, NodeIndex>> cut_;
  std::map<std::pair<NodeIndex, NodeIndex>, LinkId> links_;  // by who opened it and to whom
  std::map<LinkId, NodeIndex> opener_;                       // also of links that are gone
  LinkId next_link_ = 1;
};

// N nodes by these ids, each with all others as peers.
std::vector<NodeSpec> FullMesh(const std::vector<std::string>& node_ids);

}  // namespace lamppost::kv::testing

#endif  // LAMPPOST_SERVICES_KV_CORE_TESTING_CLUSTER_H_
