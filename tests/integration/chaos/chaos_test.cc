// A minute of chaos: the program is run as ./run chaos runs it, once in each kind of network. What it has
// recorded is then spoiled in many ways, each of which its checks must notice.
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/history/checks.h"
#include "tests/history/json_lines.h"
#include "tests/integration/chaos/corruptions.h"
#include "tests/integration/testing/process.h"

namespace lamppost::chaos {
namespace {

constexpr int kNotPossible = 77;
constexpr absl::Duration kLimit = absl::Seconds(140);

testing::Finished RunChaos(std::vector<std::string> flags) {
  testing::ProcessOptions options;
  options.command = {"tests/integration/chaos/chaos"};
  options.command.insert(options.command.end(), flags.begin(), flags.end());
  testing::Finished finished = RunToEnd(options, kLimit);
  std::cout << finished.out << finished.err << std::flush;
  return finished;
}

TEST(Chaos, ThreeNodesInNamespacesOfTheirOwn) {
  const testing::Finished finished = RunChaos({"--network", "netns", "--seconds", "35", "--nodes", "3",
                                               "--durability", "sync", "--seed", "1", "--floor", "150"});
  if (finished.exit_code == kNotPossible && geteuid() != 0) {
    GTEST_SKIP() << "network namespaces take root here; run as root to have this part tested";
  }
  EXPECT_EQ(finished.exit_code, 0);
}

TEST(Chaos, FiveNodesBehindProxiesAndEveryCorruptionIsNoticed) {
  const std::string path = testing::NewTestPath("history");
  const testing::Finished finished =
      RunChaos({"--network", "proxy", "--seconds", "25", "--nodes", "5", "--durability", "interval", "--seed",
                "2", "--floor", "60", "--history", path});
  ASSERT_EQ(finished.exit_code, 0);

  std::ifstream file(path);
  const absl::StatusOr<history::History> recorded = history::ReadJsonLines(&file);
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  ASSERT_TRUE(history::Check(*recorded).empty());
  for (const Corruption& corruption : AllCorruptions()) {
    history::History spoiled = *recorded;
    ASSERT_TRUE(corruption.spoil(&spoiled)) << "no place for: " << corruption.name;
    const std::vector<history::Violation> violations = history::Check(spoiled);
    EXPECT_TRUE(std::any_of(
        violations.begin(), violations.end(),
        [&](const history::Violation& violation) { return violation.invariant == corruption.invariant; }))
        << corruption.invariant << " was not noticed: " << corruption.name << "; "
        << (violations.empty() ? "nothing was" : violations[0].invariant + " " + violations[0].what);
  }
}

}  // namespace
}  // namespace lamppost::chaos
