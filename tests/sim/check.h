// What a check of an invariant is. Each is a class in checks/, with a row in AllChecks (checks/all.cc): that
// is all it takes to add one.
#ifndef LAMPPOST_TESTS_SIM_CHECK_H_
#define LAMPPOST_TESTS_SIM_CHECK_H_

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/history/history.h"
#include "tests/sim/facts.h"
#include "tests/sim/observer.h"
#include "tests/sim/tally.h"

namespace lamppost::sim {

// What the checks of one run have found.
class Findings {
 public:
  static constexpr size_t kViolationsMax = 10;

  Findings(Tally* tally, Observer* told) : tally_(tally), told_(told) {}

  void Violated(std::string invariant, std::string what) {
    told_->OnTold("VIOLATED " + invariant + ": " + what);
    if (violations_.size() < kViolationsMax || !Has(invariant)) {
      violations_.push_back({std::move(invariant), std::move(what)});
    }
  }
  // Something has been looked at; a check that never looks proves nothing.
  void Looked(const std::string& invariant, uint64_t times) { tally_->checked[invariant] += times; }

  bool Has(const std::string& invariant) const {
    return std::any_of(violations_.begin(), violations_.end(),
                       [&](const history::Violation& violation) { return violation.invariant == invariant; });
  }
  const std::vector<history::Violation>& violations() const { return violations_; }

 private:
  Tally* const tally_;
  Observer* const told_;
  std::vector<history::Violation> violations_;
};

class Check : public Observer {
 public:
  // invariant: its number in section 7 of the design.
  Check(std::string invariant, const Facts* facts, Findings* findings)
      : invariant_(std::move(invariant)), facts_(*facts), findings_(findings) {}
  ~Check() override { findings_->Looked(invariant_, looked_); }

 protected:
  const Facts& facts() const { return facts_; }
  void Looked(uint64_t times = 1) { looked_ += times; }
  void Violated(std::string what) { findings_->Violated(invariant_, std::move(what)); }

 private:
  const std::string invariant_;
  const Facts& facts_;
  Findings* const findings_;
  uint64_t looked_ = 0;
};

// One of each, told of things in this order, after the facts.
std::vector<std::unique_ptr<Check>> AllChecks(const Facts* facts, Findings* findings);

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_CHECK_H_
