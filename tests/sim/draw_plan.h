// A plan from a seed: the cluster's size, the mix of work, how skewed its keys are, and which faults at what
// rates, each drawn anew for each seed, so that some seeds are calm and others are terrible in one way only.
#ifndef LAMPPOST_TESTS_SIM_DRAW_PLAN_H_
#define LAMPPOST_TESTS_SIM_DRAW_PLAN_H_

#include <cstdint>

#include "tests/sim/plan.h"

namespace lamppost::sim {

Plan DrawPlan(uint64_t seed);

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_DRAW_PLAN_H_
