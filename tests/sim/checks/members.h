// What has expired, and who was removed: what nobody may see any more, and whom nobody may hear.
#ifndef LAMPPOST_TESTS_SIM_CHECKS_MEMBERS_H_
#define LAMPPOST_TESTS_SIM_CHECKS_MEMBERS_H_

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/check.h"

namespace lamppost::sim {

// No read shows a value that has expired by the wall clock of the node that is asked.
class ExpiredIsAbsent : public Check {
 public:
  ExpiredIsAbsent(const Facts* facts, Findings* findings) : Check("expiry", facts, findings) {}
  void OnReply(NodeIndex node, const Request& request, const Reply& reply) override;
};

// A node that knows of another's removal accepts nothing that the other sends, but from a disk that was begun
// after it, once it is a member again.
class TheRemovedAreRefused : public Check {
 public:
  TheRemovedAreRefused(const Facts* facts, Findings* findings)
      : Check("members", facts, findings), barred_(facts->size()) {}
  void OnReceived(NodeIndex node, const Packet& packet, uint64_t now) override;
  void OnStarted(NodeIndex node) override { barred_[node].clear(); }
  void OnStopped(NodeIndex node, Loss loss, size_t lost) override;
  void OnCommitted(NodeIndex node, const kv::Output& output) override;

 private:
  // Whether the message comes from one of those that the node knew to be removed when its last group ended.
  bool IsBarred(NodeIndex node, const kv::SyncMessage& message) const;

  std::vector<std::map<std::string, kv::MemberRecord>> barred_;  // by node: by node id
  // Messages that wait to be answered, by node and link: whether any of them may be accepted.
  std::map<std::pair<NodeIndex, kv::LinkId>, bool> waiting_;
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_CHECKS_MEMBERS_H_
