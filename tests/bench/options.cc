#include "tests/bench/options.h"

#include <CLI/CLI.hpp>
#include <map>

namespace lamppost::bench {
namespace {

// A short run: enough to see that all works, and roughly how fast.
struct QuickLimits {
  int pairs = 2;
  int64_t round_ms = 1200;
  int64_t warm_up_ms = 500;
  uint64_t catch_up_keys = 100'000;
};

const std::map<std::string, bool Parts::*>& PartNames() {
  static const auto* const names =
      new std::map<std::string, bool Parts::*>{{"put-sync", &Parts::put_sync},
                                               {"get", &Parts::get},
                                               {"put-interval", &Parts::put_interval},
                                               {"put-alone", &Parts::put_alone},
                                               {"catch-up", &Parts::catch_up},
                                               {"etcd", &Parts::etcd},
                                               {"redis", &Parts::redis}};
  return *names;
}

Parts Only(const std::vector<std::string>& names) {
  Parts parts;
  if (names.empty()) return parts;
  for (const auto& [name, part] : PartNames()) parts.*part = false;
  for (const std::string& name : names) parts.*PartNames().at(name) = true;
  return parts;
}

void UseQuick(const CLI::App& app, Options* options) {
  const QuickLimits quick;
  if (app.count("--pairs") == 0) options->pairs = quick.pairs;
  if (app.count("--round-ms") == 0) options->round_ms = quick.round_ms;
  if (app.count("--warm-up-ms") == 0) options->warm_up_ms = quick.warm_up_ms;
  if (app.count("--catch-up-keys") == 0) options->catch_up_keys = quick.catch_up_keys;
}

}  // namespace

std::variant<Options, EchoServerCommand, ExitNow> ParseCommandLine(int argc, const char* const* argv) {
  CLI::App app("Measures lamppost-kv on this machine, as ratios to a gRPC server that does nothing.",
               "bench");
  Options options;
  EchoServerCommand echo;
  std::vector<std::string> only;
  std::vector<std::string> part_names;
  for (const auto& [name, part] : PartNames()) part_names.push_back(name);
  app.add_option("--node-program", options.node_program, "The lamppost-kv to measure");
  app.add_option("--work-dir", options.work_directory, "Where to make the data directories: on a real disk");
  app.add_option("--json", options.json_file, "Also write the results to this file");
  const CLI::Option* const quick =
      app.add_flag("--quick", "A short run: fewer and shorter rounds, fewer keys");
  app.add_option("--only", only, "Only these parts")->delimiter(',')->check(CLI::IsMember(part_names));
  app.add_option("--channels", options.channels, "Connections to the server measured")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  app.add_option("--concurrency", options.concurrency, "Calls in flight")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  app.add_option("--value-bytes", options.value_bytes, "Bytes of a value")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, uint64_t{4000}));
  app.add_option("--key-space", options.key_space, "Different keys that Put and Get choose from")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1000}, uint64_t{10'000'000}));
  app.add_option("--pairs", options.pairs, "Pairs of rounds for each ratio")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  app.add_option("--round-ms", options.round_ms, "Length of a round")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{100}, int64_t{60'000}));
  app.add_option("--warm-up-ms", options.warm_up_ms, "Load before the first round of each kind")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{0}, int64_t{60'000}));
  app.add_option("--catch-up-keys", options.catch_up_keys, "Keys that the stopped node misses")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1000}, uint64_t{20'000'000}));
  CLI::App* const echo_server = app.add_subcommand("echo-server")->group("");
  echo_server->add_option("--port", echo.port)->required();
  echo_server->add_option("--value-bytes", echo.value_bytes)->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ExitNow{app.exit(error) == 0 ? 0 : 2};
  }
  if (echo_server->parsed()) return echo;
  if (options.node_program.empty() || options.work_directory.empty()) {
    return ExitNow{app.exit(CLI::RequiredError("--node-program and --work-dir")) == 0 ? 0 : 2};
  }
  if (quick->count() > 0) UseQuick(app, &options);
  options.parts = Only(only);
  return options;
}

}  // namespace lamppost::bench
