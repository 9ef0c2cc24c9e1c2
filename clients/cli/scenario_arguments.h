// The scenario command, understood and checked.
#ifndef LAMPPOST_CLIENTS_CLI_SCENARIO_ARGUMENTS_H_
#define LAMPPOST_CLIENTS_CLI_SCENARIO_ARGUMENTS_H_

#include <CLI/CLI.hpp>
#include <string>

namespace lamppost::cli {

struct ScenarioArguments {
  std::string name;            // "A", "B", "C" or "all"
  std::string draw_directory;  // where each is drawn to; empty: nowhere
};

// Adds the command; `arguments` must outlive the app.
void AddScenarioVerb(CLI::App* app, ScenarioArguments* arguments);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_SCENARIO_ARGUMENTS_H_
