// Which checks each deliberate bug of the function service (services/common/mutation.h) must be seen to
// break.
#ifndef LAMPPOST_TESTS_RPC_SIM_MUTATION_TABLE_H_
#define LAMPPOST_TESTS_RPC_SIM_MUTATION_TABLE_H_

#include <cstddef>
#include <ostream>
#include <string>

namespace lamppost::rpc::sim {

// Plays seeds under each mutation, or the one named, until all that is expected of it has turned red, and
// prints a line for each. True if every mutation was caught in time, every check has its mutation, and
// without any mutation as many seeds as the slowest took are good. Only in a build with mutations.
bool CatchMutations(const std::string& name, size_t threads, std::ostream* out);

}  // namespace lamppost::rpc::sim

#endif  // LAMPPOST_TESTS_RPC_SIM_MUTATION_TABLE_H_
