// A run: a cluster and its clients living through a plan, watched by checks.
//
// First the faults (safety), then everything is healed and must come to rest within kSettleMs or a little
// more (liveness); then copies of messages that had been held back all this time arrive, and must change
// nothing.
//
// The same plan always gives the same run. Not thread-safe; any number of worlds may run beside each other.
#ifndef LAMPPOST_TESTS_SIM_WORLD_H_
#define LAMPPOST_TESTS_SIM_WORLD_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/check.h"
#include "tests/sim/client.h"
#include "tests/sim/facts.h"
#include "tests/sim/network.h"
#include "tests/sim/node.h"
#include "tests/sim/observers.h"
#include "tests/sim/plan.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/tally.h"

namespace lamppost::sim {

struct Result {
  std::vector<history::Violation> violations;
  std::vector<std::string> idle_faults;  // of the plan, that never struck
  Tally tally;
  uint64_t events = 0;
  uint64_t settle_ms = 0;  // from the healing to rest
  history::History history;
};

class World {
 public:
  // Everything pending must end, and all nodes agree, this long after the healing: lives take 2 s to be
  // decided, a silent link 8 s to be given up, and both may happen one after the other.
  static constexpr uint64_t kSettleMs = 60000;
  // Clients that have no part in the plan; faults use them.
  static constexpr size_t kFlooders = 40;

  // Observers beside the checks must outlive the world.
  World(const Plan& plan, const std::vector<Observer*>& observers);
  ~World();

  Result Run();

  // ---- For the faults (faults.cc)
  const Plan& plan() const { return plan_; }
  Scheduler* scheduler() { return &scheduler_; }
  Network* network() { return network_.get(); }
  Node* node(NodeIndex index) { return nodes_[index].get(); }
  Client* client(ClientIndex index) { return clients_[index].get(); }
  Random* random() { return &random_; }
  Facts* facts() { return &facts_; }
  bool IsHealed() const { return healed_; }
  uint64_t acknowledged_deletes() const { return acknowledged_deletes_; }
  // The fault has really happened.
  void Struck(const std::string& fault);
  // The node's process will end by itself, because of this fault; it is started again after so long.
  void WillStop(NodeIndex node, const std::string& fault, uint64_t down_ms);
  // Kills the process now, and starts it again after so long.
  void Kill(NodeIndex node, Loss loss, uint64_t down_ms);
  void StartAfter(NodeIndex node, uint64_t down_ms);
  // Gives the node another disk, with or without a process on the present one, and starts it after so long.
  void ExchangeDisk(NodeIndex node, std::unique_ptr<Disk> disk, uint64_t down_ms);
  // Another node that can be asked to change what this one is: one that is up, and that the fewest refuse.
  NodeIndex MemberBeside(NodeIndex node) const;
  // Asks a node to make another a member, or to take it out, until its replica has done so: then the fault
  // has struck.
  void ChangeMembers(NodeIndex at, NodeIndex other, Node::Change change, const std::string& fault);
  // Somebody who has no part in the plan writes there, so that what waits for a commit gets one.
  void Busy(NodeIndex node);
  // How often the node has got another disk.
  uint64_t DiskExchanges(NodeIndex node) const { return nodes_[node]->disk_exchanges(); }
  // In words, for the trace.
  void Tell(const std::string& what);
  // From a client that has no part in the plan.
  void Deliver(NodeIndex node, Request request);

 private:
  class Bookkeeper;

  struct Stop {
    std::string fault;
    uint64_t down_ms = 500;
  };

  void StartNode(NodeIndex node);
  void SalvageDisk(NodeIndex node);
  void ReplaceDisk(NodeIndex node);
  void Strike(const sim::Strike& strike);
  void LiveThroughFaults();
  void Heal();
  uint64_t SettleUs() const;
  bool Settle();
  void AwaitChange(NodeIndex at, NodeIndex other, Node::Change change, const std::string& fault);
  void TendMembers();
  void EmptyIfItHoldsData(NodeIndex node);
  bool IsSettled() const;
  std::string WhatIsNotSettled() const;
  void Reply(sim::Reply reply);
  void OnSelfStop(NodeIndex node);
  std::vector<std::string> IdleFaults() const;
  history::History TakeHistory();

  const Plan& plan_;
  Random random_;
  Scheduler scheduler_;
  Tally tally_;
  Observers observers_;
  Findings findings_;
  Facts facts_;
  std::vector<std::unique_ptr<Check>> checks_;
  std::unique_ptr<Bookkeeper> bookkeeper_;
  std::unique_ptr<Network> network_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Client>> clients_;  // the plan's, then the flooders
  std::map<NodeIndex, Stop> stops_;
  bool healed_ = false;
  uint64_t acknowledged_deletes_ = 0;
  history::History history_;
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_WORLD_H_
