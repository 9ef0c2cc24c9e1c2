#include "tests/sim/options.h"

#include <CLI/CLI.hpp>

namespace lamppost::sim {

std::variant<Options, ExitNow> ParseCommandLine(int argc, const char* const* argv) {
  CLI::App app("Simulates whole clusters, one for each seed, and checks what the design promises.", "sim");
  Options options;
  double minutes = 0;
  app.add_option("--seeds", options.seeds, "How many seeds")->capture_default_str();
  app.add_option("--first", options.first_seed, "The first seed")->capture_default_str();
  CLI::Option* const minutes_option =
      app.add_option("--minutes", minutes, "Begin no further seed after this time")
          ->check(CLI::PositiveNumber);
  app.add_option("--jobs", options.jobs, "Threads; 0: one for each processor")->capture_default_str();
  app.add_option("--failures", options.failures_max, "End the sweep after so many bad seeds")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  CLI::Option* const hashes = app.add_flag("--hashes", options.hashes, "Print each seed's trace hash");
  CLI::Option* const replay = app.add_option("--replay", options.replay,
                                             "Play one SEED, or FILE with a plan, and tell all that happens");
  CLI::Option* const shrink =
      app.add_option("--shrink", options.shrink,
                     "Make the plan of a bad SEED, or in FILE, as small as it can be while it stays bad");
  CLI::Option* const plan = app.add_option("--plan", options.plan, "Print the plan of a SEED");
  CLI::Option* const mutations = app.add_flag(
      "--mutations", options.mutations, "Check that each deliberate bug is caught; in a build that has them");
  app.add_flag("--brief", options.brief, "With --replay: without greetings, heartbeats and plain answers")
      ->needs(replay);
  CLI::Option* const draw =
      app.add_option(
             "--draw", options.draw_file,
             "With --replay: draw it into this file, as a space-time diagram if its name ends in .svg or "
             ".html, for other programs if in .shiviz or .jsonl")
          ->needs(replay);
  CLI::Option* const from =
      app.add_option("--from-ms", options.from_ms, "With --draw: only what happens from this virtual time on")
          ->needs(draw);
  app.add_option("--until-ms", options.until_ms, "With --draw: only what happens before this virtual time")
      ->needs(draw)
      ->check(CLI::Range(uint64_t{0}, Options::kEverMs));
  from->check(CLI::Range(uint64_t{0}, Options::kEverMs));
  app.add_option("--out", options.out_file, "With --shrink: write the plan to this file")->needs(shrink);
  app.add_option("--mutation", options.mutation_names,
                 "With --mutations only this one; else with this deliberate bug, in a build that has it");
  app.add_option("--plans", options.plans, "With --mutations: where the plans are")->capture_default_str();
  for (CLI::Option* const one : {replay, shrink, plan, mutations, hashes}) {
    for (CLI::Option* const other : {replay, shrink, plan, mutations, hashes}) {
      if (one != other) one->excludes(other);
    }
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return ExitNow{code == 0 ? 0 : 2};
  }
  if (minutes_option->count() > 0) options.minutes = minutes;
  // A sweep that is bounded in time alone.
  if (options.minutes && app.count("--seeds") == 0) options.seeds = UINT64_MAX;
  return options;
}

}  // namespace lamppost::sim
