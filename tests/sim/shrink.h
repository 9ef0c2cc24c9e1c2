// Makes a plan that violates an invariant smaller, as long as it still does: fewer nodes, clients, errands,
// strikes and rates, and an earlier end of the faults. What is left is a script that a person can read.
//
// Delta debugging (A. Zeller, R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002), on
// the lists; the rest by plain trial.
#ifndef LAMPPOST_TESTS_SIM_SHRINK_H_
#define LAMPPOST_TESTS_SIM_SHRINK_H_

#include <cstdint>
#include <functional>

#include "tests/sim/plan.h"

namespace lamppost::sim {

// Whether a plan still shows what is looked for.
using StillBad = std::function<bool(const Plan&)>;

// The smallest plan found with at most `plays_max` calls of still_bad, which must hold for the plan given.
Plan Shrink(Plan plan, const StillBad& still_bad, uint64_t plays_max);

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_SHRINK_H_
