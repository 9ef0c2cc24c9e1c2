#include "tests/sim/plan.h"

namespace lamppost::sim {

const char* NameOf(Rate rate) {
  static constexpr const char* kNames[kRates] = {"drop", "duplicate",  "reorder", "late",
                                                 "flip", "lose-reply", "recode"};
  return kNames[static_cast<size_t>(rate)];
}

const char* NameOf(Act act) {
  static constexpr const char* kNames[kActs] = {"put", "delete", "write", "get", "scan", "reuse", "settle"};
  return kNames[static_cast<size_t>(act)];
}

std::string NodeId(NodeIndex node) {
  return std::string(1, static_cast<char>('A' + node));
}

NodeIndex NodeOfId(const std::string& id) {
  return static_cast<NodeIndex>(id[0] - 'A');
}

}  // namespace lamppost::sim
