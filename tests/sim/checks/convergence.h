// I4 and I14: once all has healed, everything pending ends and all nodes hold the same, in bounded time.
#ifndef LAMPPOST_TESTS_SIM_CHECKS_CONVERGENCE_H_
#define LAMPPOST_TESTS_SIM_CHECKS_CONVERGENCE_H_

#include <string>

#include "tests/sim/check.h"

namespace lamppost::sim {

// I4: equal contents, equal hashes, and records that agree with the contents.
class ContentsAreEqual : public Check {
 public:
  ContentsAreEqual(const Facts* facts, Findings* findings) : Check("I4", facts, findings) {}
  void OnEnd() override;
  // Nodes that have had the same and hold something else will never come to rest.
  void OnNotSettled(const std::string& what) override;
};

// I14: the world waits no longer than that (see World).
class EverythingEnds : public Check {
 public:
  EverythingEnds(const Facts* facts, Findings* findings) : Check("I14", facts, findings) {}
  void OnHealed() override { Looked(); }
  void OnNotSettled(const std::string& what) override { Violated(what); }
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_CHECKS_CONVERGENCE_H_
