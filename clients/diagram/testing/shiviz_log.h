// A reader of ShiViz logs that takes nothing that ShiViz would refuse, and less: it also wants each clock to
// hold all that the clocks it names hold.
#ifndef LAMPPOST_CLIENTS_DIAGRAM_TESTING_SHIVIZ_LOG_H_
#define LAMPPOST_CLIENTS_DIAGRAM_TESTING_SHIVIZ_LOG_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace lamppost::diagram::testing {

struct ShivizEvent {
  std::string host;
  std::map<std::string, uint64_t> clock;
  std::string text;
};

// In the log's order. INVALID_ARGUMENT says which line is wrong, and how.
absl::StatusOr<std::vector<ShivizEvent>> ParseShiviz(const std::string& log);

// Whether a has happened before b or is it, by their clocks.
bool IsAtMost(const ShivizEvent& a, const ShivizEvent& b);

}  // namespace lamppost::diagram::testing

#endif  // LAMPPOST_CLIENTS_DIAGRAM_TESTING_SHIVIZ_LOG_H_
