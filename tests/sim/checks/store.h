// What the replicas' stores promise: I5, I6, I7, I12, I13 and the replication invariant that they rest on.
#ifndef LAMPPOST_TESTS_SIM_CHECKS_STORE_H_
#define LAMPPOST_TESTS_SIM_CHECKS_STORE_H_

#include <map>
#include <string>
#include <vector>

#include "tests/sim/check.h"

namespace lamppost::sim {

// The replication invariant (DESIGN, section 1): a node whose heads cover a write has that write or a higher
// version of its key. I5 follows from it once all heads are equal.
class HeadsInvariant : public Check {
 public:
  HeadsInvariant(const Facts* facts, Findings* findings)
      : Check("I5", facts, findings), checked_(facts->size()) {}
  void OnStarted(NodeIndex node) override { checked_[node] = kv::Heads(); }
  void OnCommitted(NodeIndex node, const kv::Output& output) override;

 private:
  std::vector<kv::Heads> checked_;  // up to where, by node
};

// I5: what a node has acknowledged is there after a restart, and in the end every node's version of its key
// is it or a higher one.
class NothingAcknowledgedIsLost : public Check {
 public:
  NothingAcknowledgedIsLost(const Facts* facts, Findings* findings) : Check("I5", facts, findings) {}
  void OnStarted(NodeIndex node) override;
  void OnEnd() override;
};

// I7: what a delete has removed does not come back. At a node a key's version never goes down, and a
// tombstone's place is taken by nothing but a later write. A deletion is first forgotten when it is on stable
// storage everywhere; nothing is dropped but what was forgotten, and a node that has forgotten a deletion
// takes nothing of what it removed. In the end nobody holds what a forgotten deletion had removed, whose disk
// ever it was on.
class NothingDeletedComesBack : public Check {
 public:
  NothingDeletedComesBack(const Facts* facts, Findings* findings) : Check("I7", facts, findings) {}
  void OnCommitted(NodeIndex node, const kv::Output& output) override;
  void OnEnd() override;

 private:
  bool Counts(NodeIndex node, NodeIndex other) const;
  void MustBeStable(NodeIndex node, const Facts::Removed& removed);
};

// I6 and I12: whatever version a store holds, or a message carries, is what its writer wrote, to the letter.
// What is damaged on the disk or on the wire is refused, not passed on.
class ContentIsWhatWasWritten : public Check {
 public:
  ContentIsWhatWasWritten(const Facts* facts, Findings* findings) : Check("I12", facts, findings) {}
  void OnCommitted(NodeIndex node, const kv::Output& output) override;
};

// I6: every value read was written.
class ReadsWereWritten : public Check {
 public:
  ReadsWereWritten(const Facts* facts, Findings* findings) : Check("I6", facts, findings) {}
  void OnReply(NodeIndex node, const Request& request, const Reply& reply) override;
};

// I13: nothing is acknowledged or sent that stands on a batch which the disk has refused.
class NothingStandsOnAFailedCommit : public Check {
 public:
  NothingStandsOnAFailedCommit(const Facts* facts, Findings* findings) : Check("I13", facts, findings) {}
  // Nor does a replica break the rules of its store.
  void OnCommitFailed(NodeIndex node, const kv::Output& output) override;
  void OnSentAfterFailure(NodeIndex node) override;
};

// What is below a node's stable counter is durable everywhere (I7 rests on it: tombstones up to there may be
// forgotten). Given up once a disk is lost: a full Sync then takes its place.
class StableIsDurableEverywhere : public Check {
 public:
  StableIsDurableEverywhere(const Facts* facts, Findings* findings)
      : Check("I7", facts, findings), checked_(facts->size()) {}
  void OnStarted(NodeIndex node) override { checked_[node] = 0; }
  void OnCommitted(NodeIndex node, const kv::Output& output) override;

 private:
  std::vector<uint64_t> checked_;  // the stable counter, by node
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_CHECKS_STORE_H_
