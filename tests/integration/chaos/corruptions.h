// Ways to spoil a history that a real run has recorded, each against one invariant: checks that do not see
// them would not see a bug either.
#ifndef LAMPPOST_TESTS_INTEGRATION_CHAOS_CORRUPTIONS_H_
#define LAMPPOST_TESTS_INTEGRATION_CHAOS_CORRUPTIONS_H_

#include <functional>
#include <string>
#include <vector>

#include "tests/history/history.h"

namespace lamppost::chaos {

struct Corruption {
  std::string name;
  std::string invariant;  // that must be found broken
  // False if the history has no place for it.
  std::function<bool(history::History*)> spoil;
};

// Pure.
std::vector<Corruption> AllCorruptions();

}  // namespace lamppost::chaos

#endif  // LAMPPOST_TESTS_INTEGRATION_CHAOS_CORRUPTIONS_H_
