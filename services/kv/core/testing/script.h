// Golden scripts: a cluster played by hand, and what it did, side by side in one file.
//
// A file is a row of blocks, parted by empty lines. A block is some commands, a line of four dashes, and
// what they gave. Lines that begin with # are for the reader.
//
//   cluster A B C             nodes with these ids, all down, each with the others as peers
//   node D id=B cluster=x peers=A,B    one more, at address D; must come before the first start
//   tuning chunk_bytes=1 window_bytes=1 relay_ms=1000 seed=1 requests_max=9 ledger_entries_max=9
//                             before the first start
//   tuning live_gather_ms=5 live_gather_bytes=100
//   start A | stop A | crash A | crash A unnoticed | restart A
//   wipe A | save A | restore A       its disk, while it is down: empty, kept aside, put back
//   salvage A                 while it is down: makes what is left of its disk usable
//   tamper A x 10 | tamper A -x       its disk behind its back: another value for the version that is there;
//                             a version that is gone, with all that the store knew of it
//   put A x 10 [ttl=500] [id=r1] | del A x [id=r1] | write A x=1 y=2 -z [id=r1]
//   member add A D | member remove A C [force]      asks A; the node's id and address are its spec's
//   ledger A | settle A x loser|winner|VALUE     what A's conflict ledger has; asks A to settle x's conflicts
//   dying A before commit|send: put A x 10       the process dies in the middle of the group
//   wire                      what is on its way, numbered from 1
//   deliver A->B [N] | drop A->B [N] | repeat A->B [N]      the first, or N of them, "all" for all
//   hold A->B | release       keeps the first aside; puts all those back, in front
//   last A->B                 moves the last one to the front: reorders
//   cut A->B | cut A B | mend [A B] | disconnect A B | connect
//   tick 250ms                advances time; every node runs a group, or more while it has work
//   stabilize                 delivers and ticks until all have converged; tells the essential only
//   status [A] | get A x | seen A x
//   quietly COMMAND           without telling what it did
#ifndef LAMPPOST_SERVICES_KV_CORE_TESTING_SCRIPT_H_
#define LAMPPOST_SERVICES_KV_CORE_TESTING_SCRIPT_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/kv/core/testing/cluster.h"
#include "services/kv/core/testing/trace.h"

namespace lamppost::kv::testing {

class Script : public Observer {
 public:
  // Plays all blocks of a file and gives the file back with what they really gave.
  static std::string Play(const std::string& text);

  void OnCommitted(NodeIndex node, const Output& output, CrashPoint crash) override;
  void OnReceived(NodeIndex node, const Packet& packet) override {}

 private:
  using Words = std::vector<std::string>;

  void Command(const std::string& line);
  bool SetUp(const Words& words);
  bool Process(const Words& words);
  bool Disk(const Words& words);
  void Tamper(NodeIndex node, const std::string& key, const std::string& text);
  bool Client(const Words& words, CrashPoint crash);
  bool Members(const Words& words);
  bool LedgerOf(const Words& words);
  bool Network(const Words& words);
  bool Wire(const Words& words);
  bool Look(const Words& words);
  void AddNode(const Words& words);
  void SetTuning(const Words& words);
  void Stabilize();
  bool IsSettled() const;
  bool IsReachable(NodeIndex node, const Peer& peer) const;
  void TickAll(uint64_t ms);
  // The cluster, made from the specs when it is first needed.
  Cluster& cluster();
  NodeIndex Node(const std::string& address) { return cluster().Find(address); }
  void Say(const std::string& line);

  std::vector<NodeSpec> specs_;
  Tuning tuning_;
  std::unique_ptr<Cluster> cluster_;
  std::map<NodeIndex, std::unique_ptr<MemoryStorage>> saved_;
  std::vector<Packet> held_;
  ProposalId next_proposal_ = 1;
  Detail detail_ = Detail::kAll;
  int quiet_ = 0;
  std::string said_;
};

}  // namespace lamppost::kv::testing

#endif  // LAMPPOST_SERVICES_KV_CORE_TESTING_SCRIPT_H_
