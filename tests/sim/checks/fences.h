// The fences of section 4 of the design: what is meant for another life of the receiver, or comes from an old
// life of its sender, is refused; and what the heads cover is skipped, so that no conflict is seen twice.
#ifndef LAMPPOST_TESTS_SIM_CHECKS_FENCES_H_
#define LAMPPOST_TESTS_SIM_CHECKS_FENCES_H_

#include <map>
#include <utility>
#include <vector>

#include "tests/sim/check.h"

namespace lamppost::sim {

// An answer that accepts answers at least one message that may be accepted.
class OtherLivesAreFencedOff : public Check {
 public:
  OtherLivesAreFencedOff(const Facts* facts, Findings* findings) : Check("fences", facts, findings) {}
  void OnStopped(NodeIndex node, Loss loss, size_t lost) override;
  void OnReceived(NodeIndex node, const Packet& packet, uint64_t now) override;
  void OnAttempted(NodeIndex node, const kv::Output& output, uint64_t now) override;

 private:
  struct Waiting {
    uint64_t misdirected = 0;  // messages for another life than the receiver's when they came
    uint64_t others = 0;
    uint64_t life = 0;  // the receiver's, then
  };
  std::map<std::pair<NodeIndex, kv::LinkId>, Waiting> waiting_;  // for an answer
};

// I17: a node counts no more conflicts than versions have come to it that its heads did not cover.
class NoConflictIsSeenTwice : public Check {
 public:
  NoConflictIsSeenTwice(const Facts* facts, Findings* findings)
      : Check("I17", facts, findings), nodes_(facts->size()) {}
  void OnStarted(NodeIndex node) override { nodes_[node] = Seen(); }
  void OnReceived(NodeIndex node, const Packet& packet, uint64_t now) override;
  void OnAttempted(NodeIndex node, const kv::Output& output, uint64_t now) override;

 private:
  struct Seen {
    uint64_t uncovered = 0;  // versions that have come since the last group
    uint64_t conflicts = 0;  // counted by the node so far
  };
  std::vector<Seen> nodes_;
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_CHECKS_FENCES_H_
