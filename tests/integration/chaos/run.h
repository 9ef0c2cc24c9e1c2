// A run of chaos from its beginning to its verdict.
#ifndef LAMPPOST_TESTS_INTEGRATION_CHAOS_RUN_H_
#define LAMPPOST_TESTS_INTEGRATION_CHAOS_RUN_H_

#include <string>
#include <vector>

#include "tests/integration/chaos/options.h"

namespace lamppost::chaos {

enum class RunResult {
  kPassed,
  kFailed,
  kNotPossible,  // the network that was asked for cannot be had here
};

// To be called once in a process, while it has one thread. Tells what happens on standard output.
RunResult Run(const Options& options);

}  // namespace lamppost::chaos

#endif  // LAMPPOST_TESTS_INTEGRATION_CHAOS_RUN_H_
