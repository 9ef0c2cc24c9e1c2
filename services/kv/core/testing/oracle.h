// Watches a cluster from outside and knows what the nodes do not: every write that was ever committed,
// and what every node has been told. Says what of the design's invariants has been broken.
//
// Checked after every group, each on what the group changed:
//  - no timestamp of a decided life is issued twice (I2), unless nobody had received it when the disk that
//    it was issued on was lost: nothing that is left in the world tells of it;
//  - what a node issues is above all it has issued or received before (I1);
//  - a key's version on a node never goes down;
//  - the heads invariant: a node whose heads cover a write has that write or a higher version of its key;
//  - a write that a request id names takes effect at most once at a node (I10).
// The last three are given up for a node whose disk was lost, the heads invariant for the whole run.
#ifndef LAMPPOST_SERVICES_KV_CORE_TESTING_ORACLE_H_
#define LAMPPOST_SERVICES_KV_CORE_TESTING_ORACLE_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "services/kv/core/testing/cluster.h"

namespace lamppost::kv::testing {

class Oracle : public Observer {
 public:
  // The cluster it is going to watch, before anything happens.
  void Watch(const Cluster* cluster);

  void OnCommitted(NodeIndex node, const Output& output, CrashPoint crash) override;
  void OnReceived(NodeIndex node, const Packet& packet) override;

  // A proposal is about to be handed in; its writes are known to the oracle by its id.
  void OnProposed(NodeIndex node, const Proposal& proposal);
  // The node's disk is being replaced by an empty or an older one.
  void OnDiskLost(NodeIndex node);

  // The nodes do not converge although all is healed (I4, I14).
  void OnNotSettled();
  // After heal and quiet, with all nodes up: contents, winners, hashes, records.
  void CheckEnd();

  // The first thing that was wrong; empty if nothing was.
  const std::string& violation() const { return violation_; }
  bool AnyDiskLost() const { return !lost_.empty(); }
  // A digest of all that was sent and committed, to compare two runs.
  uint64_t trace_hash() const { return trace_hash_; }

 private:
  struct NodeView {
    uint64_t floor = 0;  // the greatest counter issued or received
    Heads heads;         // up to which the heads invariant has been checked
    std::map<std::string, Timestamp> current;
  };

  void Violated(const std::string& what);
  void Trace(uint64_t number);
  void CheckIssued(NodeIndex node, const Output& output);
  void Issue(NodeIndex node, const Timestamp& timestamp);
  void CheckReplies(NodeIndex node, const Output& output);
  void CheckReplay(NodeIndex node, const std::string& request_id, const WriteResult& result);
  void CheckStored(NodeIndex node, const Output& output);
  void CheckHeads(NodeIndex node);

  const Cluster* cluster_ = nullptr;
  std::vector<NodeView> views_;
  std::set<NodeIndex> lost_;
  std::map<ProposalId, std::pair<NodeIndex, Proposal>> proposals_;
  std::map<Timestamp, std::vector<std::string>> writes_;  // committed: keys
  std::map<Origin, std::map<uint64_t, std::vector<std::string>>> by_origin_;
  std::set<Timestamp> issued_;
  Heads received_;  // of each life, the latest that any other node has received
  std::map<Timestamp, NodeIndex> coordinator_;
  std::map<std::pair<NodeIndex, std::string>, Timestamp> requests_;  // first outcome at a node
  std::map<std::string, std::set<Timestamp>> attempts_;              // of a request id, anywhere
  std::string violation_;
  uint64_t trace_hash_ = 0;
};

}  // namespace lamppost::kv::testing

#endif  // LAMPPOST_SERVICES_KV_CORE_TESTING_ORACLE_H_
