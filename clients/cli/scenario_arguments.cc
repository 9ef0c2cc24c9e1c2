#include "clients/cli/scenario_arguments.h"

namespace lamppost::cli {

void AddScenarioVerb(CLI::App* app, ScenarioArguments* arguments) {
  CLI::App* scenario = app->add_subcommand(
      "scenario", "Disturb a cluster on purpose, and check that it does what it promises");
  scenario
      ->add_option("NAME", arguments->name,
                   "A: replication to one node is delayed; B: two nodes that cannot see each other write the "
                   "same key; C: a node is cut off for a while; all: one after the other")
      ->required()
      ->check(CLI::IsMember({"A", "B", "C", "all"}))
      ->type_name("A|B|C|all");
  scenario
      ->add_option("--draw", arguments->draw_directory,
                   "Draw each to DIR/scenario-NAME.svg, .html, .shiviz and .jsonl")
      ->type_name("DIR");
  scenario->footer(
      "Needs three members, all started with --enable-faults. It writes keys that begin with scenario/, and\n"
      "deletes them in the end; the faults end with it, however it ends. Exit code 3: something was not as\n"
      "promised.");
}

}  // namespace lamppost::cli
