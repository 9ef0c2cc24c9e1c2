// The nodes of a run, on its network and its disks. Not thread-safe; for the thread that starts processes.
#ifndef LAMPPOST_TESTS_INTEGRATION_CHAOS_ARENA_H_
#define LAMPPOST_TESTS_INTEGRATION_CHAOS_ARENA_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/history/history.h"
#include "tests/integration/chaos/client.h"
#include "tests/integration/chaos/network.h"
#include "tests/integration/chaos/options.h"
#include "tests/integration/chaos/schedule.h"
#include "tests/integration/testing/cluster.h"

namespace lamppost::chaos {

enum class SmallDisk { kNone, kMounted };

class Arena {
 public:
  // With SmallDisk::kMounted the last node's disk is a small one; it takes private mounts.
  static absl::StatusOr<std::unique_ptr<Arena>> Make(const Options& options, std::unique_ptr<Network> network,
                                                     SmallDisk small_disk);
  ~Arena();

  // All nodes serve and are converged.
  absl::Status Start();

  int size() const { return static_cast<int>(nodes_.size()); }
  testing::Node* node(int index) { return nodes_[index].get(); }
  Network* network() { return network_.get(); }
  std::vector<Target> targets() const;

  int small_disk_node() const { return size() - 1; }
  // Of the small disk.
  absl::Status TakeRoom(Manner manner);
  void GiveRoom();

  // Asks the node, which should be able to answer, for its heads.
  void LookAtHeads(int node);
  // What the nodes but this one have on their disks, as far as they can be asked or have said before.
  kv::Heads KeptWithout(int node);
  // Wipes the disk of a node that does not run.
  void WipeDisk(int node);

  // After a heal: until every node serves and takes a write, and all are converged.
  absl::Status WaitHealthy();
  // All keys of all nodes at one moment of rest. If they do not come to rest or are not converged, what
  // each has now: the checks will say what is wrong with it.
  absl::StatusOr<std::map<std::string, history::Contents>> ReadContents();

 private:
  // What a node has said of its heads. It may answer just before it commits; so what it said is on its disk
  // for certain only when the same process has answered again.
  struct HeadsSeen {
    std::unique_ptr<testing::KvClient> client;
    kv::Heads said;
    int said_by = 0;  // the process
    kv::Heads durable;
  };

  Arena() = default;

  std::vector<testing::Node*> AllNodes();
  std::string BallastPath() const { return small_disk_path_ + "/ballast"; }

  std::string small_disk_path_;  // empty: there is none
  std::unique_ptr<Network> network_;
  std::vector<HeadsSeen> heads_;                       // by node
  std::vector<std::unique_ptr<testing::Node>> nodes_;  // they end before the network does
};

}  // namespace lamppost::chaos

#endif  // LAMPPOST_TESTS_INTEGRATION_CHAOS_ARENA_H_
