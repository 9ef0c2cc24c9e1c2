// I10 and I11: what request ids promise.
#ifndef LAMPPOST_TESTS_SIM_CHECKS_REQUESTS_H_
#define LAMPPOST_TESTS_SIM_CHECKS_REQUESTS_H_

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/check.h"

namespace lamppost::sim {

// I10: a request id takes effect at most once at a node, and its replays are all the same.
class RequestsTakeEffectOnce : public Check {
 public:
  RequestsTakeEffectOnce(const Facts* facts, Findings* findings) : Check("I10", facts, findings) {}
  void OnCommitted(NodeIndex node, const kv::Output& output) override;
  void OnStopped(NodeIndex node, Loss loss, size_t lost) override;
  void OnDiskExchanged(NodeIndex node) override { Forget(node); }

 private:
  void Forget(NodeIndex node);

  std::map<std::pair<NodeIndex, std::string>, Timestamp> first_;  // what came of an id at a node
};

// I11: an id that a node has used for one write does not take effect there with another.
class ReusedIdsAreRefused : public Check {
 public:
  ReusedIdsAreRefused(const Facts* facts, Findings* findings) : Check("I11", facts, findings) {}
  void OnCommitted(NodeIndex node, const kv::Output& output) override;
  void OnStopped(NodeIndex node, Loss loss, size_t lost) override;
  void OnDiskExchanged(NodeIndex node) override { Forget(node); }

 private:
  void Forget(NodeIndex node);

  std::map<std::pair<NodeIndex, std::string>, std::vector<kv::Operation>> used_;
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_CHECKS_REQUESTS_H_
