// How often each kind of thing has really happened in a run: faults, and what the checks looked at.
#ifndef LAMPPOST_TESTS_SIM_TALLY_H_
#define LAMPPOST_TESTS_SIM_TALLY_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "tests/sim/plan.h"

namespace lamppost::sim {

struct Tally {
  std::array<uint64_t, kRates> rates = {};  // messages that a rate has struck
  std::map<std::string, uint64_t> strikes;  // faults by name
  std::map<std::string, uint64_t> checked;  // by invariant: what was compared
  std::map<std::string, uint64_t> other;

  void Hit(Rate rate) { ++rates[static_cast<size_t>(rate)]; }
  uint64_t HitsOf(Rate rate) const { return rates[static_cast<size_t>(rate)]; }
  void Add(const Tally& more) {
    for (size_t i = 0; i < kRates; ++i) rates[i] += more.rates[i];
    for (const auto& [name, count] : more.strikes) strikes[name] += count;
    for (const auto& [name, count] : more.checked) checked[name] += count;
    for (const auto& [name, count] : more.other) other[name] += count;
  }
  friend bool operator==(const Tally& a, const Tally& b) {
    return a.rates == b.rates && a.strikes == b.strikes && a.checked == b.checked && a.other == b.other;
  }
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_TALLY_H_
