// sim: simulates fleets of function servers, one for each seed.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>
#include <vector>

#include "services/common/mutation.h"
#include "tests/rpc_sim/mutation_table.h"
#include "tests/rpc_sim/sweep.h"

namespace lamppost::rpc::sim {
namespace {

struct Options {
  uint64_t first_seed = 1;
  uint64_t seeds = 1000;
  uint64_t replay = 0;
  uint64_t failures_max = 5;
  size_t jobs = 1;
  bool hashes = false;
  bool mutations = false;
  std::string mutation;
};

int Replay(uint64_t seed) {
  const Played played = Play(seed, &std::cout);
  std::cout << absl::StreamFormat("trace hash %016x, %d events\n", played.hash, played.events);
  std::cout << (played.violations.empty() ? "nothing was violated\n" : played.WhatIsWrong());
  return played.violations.empty() ? 0 : 1;
}

int SweepSeeds(const Options& options) {
  Sweep sweep;
  sweep.first_seed = options.first_seed;
  sweep.seeds = options.seeds;
  sweep.threads = options.jobs;
  uint64_t bad = 0;
  sweep.on_played = [&](uint64_t seed, const Played& played) {
    if (options.hashes) std::cout << absl::StreamFormat("%d %016x\n", seed, played.hash);
    if (played.violations.empty()) return true;
    std::cout << "seed " << seed << ":\n" << played.WhatIsWrong() << std::flush;
    return ++bad < options.failures_max;
  };
  const SweepSummary summary = Run(sweep);
  if (!options.hashes) std::cout << ToText(summary);
  return summary.bad == 0 && summary.seeds > 0 ? 0 : 1;
}

int Main(int argc, char** argv) {
  CLI::App app("Simulates fleets of function servers, one for each seed, and checks what is promised.",
               "sim");
  Options options;
  app.add_option("--seeds", options.seeds, "How many seeds")->capture_default_str();
  app.add_option("--first", options.first_seed, "The first seed")->capture_default_str();
  app.add_option("--jobs", options.jobs, "Threads")->check(CLI::Range(1, 64))->capture_default_str();
  app.add_option("--failures", options.failures_max, "End after so many bad seeds")->capture_default_str();
  app.add_flag("--hashes", options.hashes, "Print each seed's trace hash");
  CLI::Option* const replay = app.add_option("--replay", options.replay, "Play one seed and tell all of it");
  app.add_flag("--mutations", options.mutations,
               "Check that each deliberate bug is caught; in a build with them");
  app.add_option("--mutation", options.mutation, "With this deliberate bug, in a build that has it");
  CLI11_PARSE(app, argc, argv);
  if (options.mutations) return CatchMutations(options.mutation, options.jobs, &std::cout) ? 0 : 1;
  if (!options.mutation.empty()) {
    const std::optional<Mutation> mutation = mutation::Find(options.mutation);
    if (!mutation) {
      std::cerr << "sim: this build has no mutation " << options.mutation << "\n";
      return 2;
    }
    mutation::SetActive(*mutation);
  }
  return replay->count() > 0 ? Replay(options.replay) : SweepSeeds(options);
}

}  // namespace
}  // namespace lamppost::rpc::sim

int main(int argc, char** argv) {
  return lamppost::rpc::sim::Main(argc, argv);
}
