// What a run came to: counts, and what is to be held against it.
//
// Pure.
#ifndef LAMPPOST_TESTS_INTEGRATION_CHAOS_SUMMARY_H_
#define LAMPPOST_TESTS_INTEGRATION_CHAOS_SUMMARY_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/history/history.h"
#include "tests/integration/chaos/schedule.h"

namespace lamppost::chaos {

struct Facts {
  const history::History* history = nullptr;  // its operations in the order of their ends
  double seconds = 0;
  int64_t floor_per_s = 0;
  std::set<StrikeKind> configured;
  std::map<StrikeKind, int> struck;
};

// Lines for people: operations by outcome, rates, strikes by kind.
std::string Summary(const Facts& facts);

// What is missing, so that a run in which little happened does not pass for a good one: a kind that never
// struck, a rate below the floor, a long silence, an outcome or an answer that clients are sure to meet and
// never met.
std::vector<std::string> Shortcomings(const Facts& facts);

}  // namespace lamppost::chaos

#endif  // LAMPPOST_TESTS_INTEGRATION_CHAOS_SUMMARY_H_
