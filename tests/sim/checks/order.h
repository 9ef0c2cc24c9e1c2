// I3 and I17: how versions are compared, and who knew of whom.
#ifndef LAMPPOST_TESTS_SIM_CHECKS_ORDER_H_
#define LAMPPOST_TESTS_SIM_CHECKS_ORDER_H_

#include <map>
#include <string>
#include <vector>

#include "tests/sim/check.h"

namespace lamppost::sim {

// I3: merge is commutative, associative and idempotent: versions of one key that the run has brought forth,
// merged in any order and grouping, give the same.
class MergeLaws : public Check {
 public:
  MergeLaws(const Facts* facts, Findings* findings) : Check("I3", facts, findings) {}
  void OnCommitted(NodeIndex node, const kv::Output& output) override;
  void OnEnd() override;

 private:
  static constexpr size_t kVersionsMax = 6;  // of a key

  std::map<std::string, std::vector<kv::Version>> versions_;
};

// I17: a version's `seen` says that its writer had another write of the key if, and only if, it had. The
// conflict ledger stands on it: what is called concurrent wrongly would be a conflict that was none, and
// what is called known wrongly would be a write lost without a word. Judged wherever two versions meet.
class SeenIsExact : public Check {
 public:
  SeenIsExact(const Facts* facts, Findings* findings) : Check("I17", facts, findings) {}
  void OnReceived(NodeIndex node, const Packet& packet, uint64_t now) override;
  void OnCommitted(NodeIndex node, const kv::Output& output) override;

 private:
  // The versions of a key meet; `earlier` is the one with the lower timestamp.
  void Meet(const Timestamp& later, const Timestamp& earlier, const std::string& key);
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_CHECKS_ORDER_H_
