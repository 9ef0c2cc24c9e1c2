#include "tests/integration/chaos/options.h"

#include <CLI/CLI.hpp>
#include <map>

#include "absl/strings/str_cat.h"
#include "tests/integration/chaos/schedule.h"

namespace lamppost::chaos {
namespace {

const std::map<std::string, NetworkChoice>& NetworkNames() {
  static const auto& names = *new std::map<std::string, NetworkChoice>{{"auto", NetworkChoice::kAuto},
                                                                       {"netns", NetworkChoice::kNamespaces},
                                                                       {"proxy", NetworkChoice::kProxy}};
  return names;
}

// A run keeps its history in memory: some hundred bytes for each of a few thousand operations a second.
constexpr int64_t kSecondsMax = 900;

}  // namespace

std::variant<Options, ExitNow> ParseCommandLine(int argc, const char* const* argv) {
  CLI::App app(
      "chaos: real nodes under kill -9, pauses, cuts, full and wiped disks; judges what clients saw.");
  Options options;
  // Whoever starts it has defaults of their own, which come first.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("--seconds", options.seconds, "How long to strike")
      ->capture_default_str()
      ->check(CLI::Range(kLengthMinMs / 1000, kSecondsMax));
  app.add_option("--seed", options.seed, "Of the schedule of strikes and of what clients do")
      ->capture_default_str();
  app.add_option("--nodes", options.nodes, "3 or 5")->capture_default_str()->check(CLI::IsMember({3, 5}));
  app.add_option("--durability", options.durability, "sync or interval")
      ->capture_default_str()
      ->check(CLI::IsMember({"sync", "interval"}));
  app.add_option("--history", options.history_path, "Write what clients did and saw here, as JSON lines");
  app.add_option("--network", options.network, "netns (needs root), proxy, or auto: netns if it can be had")
      ->transform(CLI::CheckedTransformer(NetworkNames()))
      ->default_str("auto");
  app.add_option("--floor", options.floor_per_s, "Fail below so many acknowledged operations a second")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success&) {
    return ExitNow{0, app.help()};
  } catch (const CLI::ParseError& error) {
    return ExitNow{2, absl::StrCat("chaos: ", error.what(), "\n")};
  }
  return options;
}

std::string CommandOf(const Options& options) {
  std::string network;
  for (const auto& [name, choice] : NetworkNames()) {
    if (choice == options.network) network = name;
  }
  return absl::StrCat("./run chaos --seed ", options.seed, " --seconds ", options.seconds, " --nodes ",
                      options.nodes, " --durability ", options.durability, " --network ", network);
}

}  // namespace lamppost::chaos
