// Tools that are not part of the project and may not be there: their paths come in environment variables.
#ifndef LAMPPOST_TESTS_INTEGRATION_TESTING_OUTSIDE_TOOL_H_
#define LAMPPOST_TESTS_INTEGRATION_TESTING_OUTSIDE_TOOL_H_

#include <cstdlib>
#include <string>

#include "gtest/gtest.h"

namespace lamppost::testing {

// The variable's value; empty if the tool cannot be had.
inline std::string ToolPath(const char* variable) {
  const char* path = std::getenv(variable);
  return path == nullptr ? "" : path;
}

}  // namespace lamppost::testing

// Ends the test as skipped if the tool is missing; ./run finds the tools, and in CI fails without them.
#define SKIP_WITHOUT_TOOL(variable)                                                          \
  if (::lamppost::testing::ToolPath(variable).empty()) {                                     \
    GTEST_SKIP() << "$" variable " does not name the tool; ./run test finds or installs it"; \
  }                                                                                          \
  static_assert(true, "takes the semicolon")

#endif  // LAMPPOST_TESTS_INTEGRATION_TESTING_OUTSIDE_TOOL_H_
