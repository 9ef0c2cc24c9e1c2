// What really is the case in a run, as seen by somebody who sees everything: which writes there are, what
// their writers had, what each node has committed and what of it is on stable storage. The checks judge the
// replicas by it; the replicas never see it.
//
// It comes before the checks among the observers, so what it says of a node includes the event that is being
// told.
#ifndef LAMPPOST_TESTS_SIM_FACTS_H_
#define LAMPPOST_TESTS_SIM_FACTS_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/kv/core/version.h"
#include "tests/sim/node.h"
#include "tests/sim/timed_observer.h"

namespace lamppost::sim {

struct Write {
  struct Change {
    std::string key;
    std::optional<kv::Value> value;              // nothing: a deletion
    std::optional<Timestamp> replaced;           // what the coordinator's store showed then
    std::vector<Timestamp> maybe_replaced = {};  // or what came with its group, and may have been shown
    kv::Seen seen;                               // what the version says that its writer had seen
    uint64_t expires_unix_ms = 0;                // by its coordinator's wall clock; 0: never
  };

  Timestamp timestamp;
  NodeIndex coordinator = 0;
  std::vector<Change> changes;
  kv::Heads heads;    // the coordinator's when the write was handed to it, and what its session has seen
  kv::Heads told;     // what only the session had; not all of it counts if the node did not know whose it was
  bool exact = true;  // false if it then waited, or its keys came in with its group: not known what it had
  bool committed = false;  // as durable as the mode promises, at its coordinator
  bool gone = false;       // with a disk; nobody else had it
  std::string request_id;  // its client's name for it; may be empty
  uint64_t number = 0;     // all writes of the run, in the order in which they were made
  bool unasked = false;    // the coordinator's own: what had expired, or a record of members

  const Change* Find(const std::string& key) const {
    for (const Change& change : changes) {
      if (change.key == key) return &change;
    }
    return nullptr;
  }
};

class Facts : public TimedObserver {
 public:
  using TimedObserver::Watch;

  // A version that the group being told has put into the node's store.
  struct Stored {
    std::string key;
    kv::Version version;
    std::optional<Timestamp> previous;  // of the node, for the key
  };
  // A version that the group being told has taken out of the node's store.
  struct Removed {
    std::string key;
    Timestamp version;
    bool is_tombstone = false;
    bool was_forgotten = false;  // some node had forgotten this deletion, or a higher one, before
  };
  // A write that the group being told has acknowledged, or acknowledged again.
  struct Answered {
    kv::Proposal proposal;
    kv::WriteResult result;
  };
  // What a node holds: the version of each key.
  using Holding = absl::flat_hash_map<std::string, Timestamp>;

  // The nodes must outlive this.
  explicit Facts(const Plan& plan) : plan_(plan), views_(plan.machines()) {}
  void Watch(std::vector<std::unique_ptr<Node>>* nodes) { nodes_ = nodes; }

  const Plan& plan() const { return plan_; }
  size_t size() const { return views_.size(); }
  const Node& node(NodeIndex index) const { return *(*nodes_)[index]; }

  // All writes, each life's in the order of their counters.
  using Writes = std::vector<std::unique_ptr<Write>>;
  const std::map<Origin, Writes>& writes() const { return writes_; }
  Write* Find(const Timestamp& timestamp) const;

  // As of the latest commit, and of the latest flush.
  const Holding& HeldBy(NodeIndex node) const { return views_[node].current; }
  const Holding& DurablyHeldBy(NodeIndex node) const {
    return plan_.durability == kv::Durability::kSync ? views_[node].current : views_[node].durable;
  }
  bool Holds(NodeIndex node, const std::string& key, const Timestamp& at_least) const;
  const std::vector<Stored>& stored() const { return stored_; }
  const std::vector<Removed>& removed() const { return removed_; }
  // A disk has lost a version of the key and nobody knows: it may be missing elsewhere, too, until it is
  // repaired.
  void NoteRot(const std::string& key) { rotten_.insert(key); }
  bool IsRotten(const std::string& key) const { return rotten_.count(key) > 0; }
  // Whether some node has dropped a deletion of the key at least as high; and whether this node knows that it
  // has been forgotten.
  bool IsForgotten(const std::string& key, const Timestamp& at_least) const;
  bool IsForgottenBy(NodeIndex node, const std::string& key, const Timestamp& at_least) const;
  // A deletion that has been forgotten, is above `version`, and came after it in time; only those that the
  // node knows of, if a node is named. Null if there is none.
  const Write* ForgottenAfter(const std::string& key, const Timestamp& version,
                              std::optional<NodeIndex> node) const;
  const std::vector<Answered>& answered() const { return answered_; }
  // The writes of the group that has been put together; their replies may come with a later one.
  const std::vector<Timestamp>& issued() const { return issued_; }
  // Writes in the group being told that no client had asked for, at most.
  uint64_t unasked() const { return unasked_; }
  // What a restart found less of than was committed; of the node that has just started.
  const std::vector<std::string>& missing() const { return missing_; }

  // Whether the writer of `later` had `earlier`, a write of the same key, when it wrote: its heads covered
  // it, or its store showed it, or what its store showed had been written by one who had. Nothing if that
  // hangs on a write of which it is not known what its writer had.
  std::optional<bool> Knew(const Write& later, const Timestamp& earlier, const std::string& key) const;

  // A node has lost its disk in this run, or part of what it had acknowledged.
  bool AnyDiskLost() const { return !losses_.empty(); }
  bool DiskLost(NodeIndex node) const { return views_[node].lost; }
  const std::vector<history::DiskLoss>& losses() const { return losses_; }

  void OnStarted(NodeIndex node) override;
  void OnStopped(NodeIndex node, Loss loss, size_t lost) override;
  void OnDiskExchanged(NodeIndex node) override;
  void OnReceived(NodeIndex node, const Packet& packet, uint64_t now) override;
  void OnProposed(NodeIndex node, const kv::Proposal& proposal, const kv::Heads& heads) override;
  void OnAttempted(NodeIndex node, const kv::Output& output, uint64_t now) override;
  void OnCommitted(NodeIndex node, const kv::Output& output) override;
  void OnFlushed(NodeIndex node, const kv::Heads& heads) override;

 private:
  struct Proposed {
    kv::Proposal proposal;
    kv::Heads heads;
    kv::Heads told;
    bool waits = false;       // it was handed in with an earlier group
    bool exact = true;        // all that its session has seen counts
    bool registered = false;  // it is done; its reply may wait for other nodes
  };
  struct View {
    Holding current;
    Holding durable;
    Holding promised;  // what its commits have promised to keep
    // By batch; nothing: the key has no version any more.
    std::deque<std::vector<std::pair<std::string, std::optional<Timestamp>>>> unflushed;
    std::map<kv::ProposalId, Proposed> proposed;  // not answered yet
    std::map<std::string, std::vector<Timestamp>>
        arriving;                  // in messages that have come since the last group
    std::set<std::string> rotten;  // keys
    bool lost = false;
    uint64_t conflicts = 0;  // that its process has met
  };

  void Register(NodeIndex node, kv::ProposalId id, const Timestamp& version);
  bool Expires(const Timestamp& timestamp, const std::string& key) const;
  void RegisterUnasked(NodeIndex node, const kv::Output& output);
  void Add(std::unique_ptr<Write> write);
  void NoteSeen(const Stored& stored);
  void Remove(NodeIndex node, const std::string& key);
  // Takes what the disk has flushed into what is durably held.
  void NoteFlushed(NodeIndex node);
  // Reads the node's disk again.
  void Rebuild(NodeIndex node);
  void NoteUntold(NodeIndex node, const Holding& found);
  // Marks the writes that nobody holds any more.
  bool IsMemberForOthers(NodeIndex node) const;
  void Mourn(NodeIndex node);

  const Plan& plan_;
  std::vector<std::unique_ptr<Node>>* nodes_ = nullptr;
  std::vector<View> views_;
  std::map<Origin, Writes> writes_;
  std::vector<Stored> stored_;
  std::vector<Removed> removed_;
  std::map<std::string, std::set<Timestamp>> forgotten_;  // deletions that some node has dropped, by key
  std::set<std::string> rotten_;                          // keys
  uint64_t next_number_ = 0;
  std::vector<Answered> answered_;
  std::vector<Timestamp> issued_;
  std::vector<std::string> missing_;
  uint64_t unasked_ = 0;
  std::vector<history::DiskLoss> losses_;
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_FACTS_H_
