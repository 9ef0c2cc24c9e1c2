// One random life of a cluster, drawn from a seed: writes and deletes on any node; messages lost,
// repeated, reordered, delivered an epoch late; links cut, noticed or not; processes that die at any
// point of a group and come back; disks wiped or put back from an old copy; time that leaps. After each
// epoch all heals. The oracle watches throughout.
#ifndef LAMPPOST_SERVICES_KV_CORE_TESTING_RANDOM_SCHEDULE_H_
#define LAMPPOST_SERVICES_KV_CORE_TESTING_RANDOM_SCHEDULE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "services/kv/core/testing/cluster.h"
#include "services/kv/core/testing/oracle.h"

namespace lamppost::kv::testing {

// How often each kind of thing has happened.
using Tally = std::map<std::string, uint64_t>;

class RandomSchedule : public Observer {
 public:
  // Disks are lost only under odd seeds, of a minority of the nodes.
  // `trace`, if not null, is told what happens, and must outlive the schedule.
  explicit RandomSchedule(uint64_t seed, std::ostream* trace = nullptr);

  // What was violated; empty if nothing was.
  std::string Run();

  const Tally& tally() const { return tally_; }
  uint64_t trace_hash() const { return oracle_.trace_hash(); }

 private:
  void OnCommitted(NodeIndex node, const Output& output, CrashPoint crash) override;
  void OnReceived(NodeIndex node, const Packet& packet) override;
  void Say(const std::string& what);

  void Epoch();
  void Step();
  void Write();
  Proposal NewProposal();
  void Deliver();
  void Pass();
  void ToggleCut();
  void CrashOrStart();
  void LoseDisk();
  NodeIndex NodeWithBadDisk();
  void LeapOrDeliverAll();
  void Quiet();
  bool Settle();
  bool IsSettled() const;

  uint64_t Below(uint64_t bound);
  bool Chance(uint64_t percent) { return Below(100) < percent; }
  CrashPoint DrawCrash();
  NodeIndex AnyNode() { return Below(cluster_->size()); }
  void Hit(const char* what) { ++tally_[what]; }

  std::ostream* const trace_;
  uint64_t random_;
  const bool loses_disks_;
  Oracle oracle_;
  std::unique_ptr<Cluster> cluster_;
  std::vector<std::string> keys_;
  std::deque<Packet> limbo_;  // for the next epoch
  std::map<NodeIndex, std::unique_ptr<MemoryStorage>> copies_;
  std::vector<Proposal> named_;  // with a request id, to be repeated
  ProposalId next_proposal_ = 1;
  uint64_t drop_percent_ = 0;
  uint64_t repeat_percent_ = 0;
  uint64_t late_percent_ = 0;
  bool reorders_ = false;
  Tally tally_;
};

}  // namespace lamppost::kv::testing

#endif  // LAMPPOST_SERVICES_KV_CORE_TESTING_RANDOM_SCHEDULE_H_
