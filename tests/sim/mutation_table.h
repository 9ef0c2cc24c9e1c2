// Which invariants each deliberate bug (services/common/mutation.h) must be seen to break.
#ifndef LAMPPOST_TESTS_SIM_MUTATION_TABLE_H_
#define LAMPPOST_TESTS_SIM_MUTATION_TABLE_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace lamppost::sim {

struct Expectation {
  const char* mutation = nullptr;
  std::vector<std::string> invariants;  // each of them must turn red
  // One that only one seed in some thousands shows is shown by a plan besides, in the folder of regressions.
  const char* plan = nullptr;
};

const std::vector<Expectation>& Expectations();

// Plays seeds, and plans from the folder `plans`, under each mutation, or those named, until all that is
// expected of it has turned red, and prints a line for each. True if every mutation was caught within
// `seeds_max`, every invariant has its mutation, and without any mutation the same number of seeds as the
// slowest took is good. Only in a build with mutations.
bool CatchMutations(const std::vector<std::string>& names, const std::string& plans, uint64_t seeds_max,
                    size_t threads, std::ostream* out);

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_MUTATION_TABLE_H_
