// The lamppost command, run to its end.
#ifndef LAMPPOST_TESTS_INTEGRATION_TESTING_LAMPPOST_COMMAND_H_
#define LAMPPOST_TESTS_INTEGRATION_TESTING_LAMPPOST_COMMAND_H_

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/integration/testing/process.h"

namespace lamppost::testing {

struct CommandSurroundings {
  std::map<std::string, std::string> environment = {{"LAMPPOST_NODE", ""}};
  std::string input_path = {};  // standard input; empty: none
};

// `words` follow the program's name.
inline Finished RunLamppost(const std::vector<std::string>& words,
                            const CommandSurroundings& surroundings = {}) {
  ProcessOptions options;
  options.command = {"clients/cli/lamppost"};
  options.command.insert(options.command.end(), words.begin(), words.end());
  options.environment = surroundings.environment;
  options.input_path = surroundings.input_path;
  return RunToEnd(options, absl::Seconds(60));
}

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_TESTING_LAMPPOST_COMMAND_H_
