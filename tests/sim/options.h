// The simulator's command line.
#ifndef LAMPPOST_TESTS_SIM_OPTIONS_H_
#define LAMPPOST_TESTS_SIM_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lamppost::sim {

struct Options {
  static constexpr uint64_t kEverMs = UINT64_MAX / 1000;

  uint64_t first_seed = 1;
  uint64_t seeds = 1000;
  std::optional<double> minutes;
  size_t jobs = 0;            // threads; 0: one for each processor
  uint64_t failures_max = 5;  // of a sweep; it ends then

  bool hashes = false;  // print each seed's trace hash
  // One of these, or else a sweep. A play is a seed or a file with a plan.
  std::string replay;
  std::string shrink;
  std::string plan;
  bool mutations = false;

  bool brief = false;     // of replay: only what is essential
  std::string draw_file;  // of replay; none: nothing is drawn
  // What of it is drawn, in virtual time; to before until_ms.
  uint64_t from_ms = 0;
  uint64_t until_ms = kEverMs;
  std::string out_file;                     // of shrink; else standard output
  std::vector<std::string> mutation_names;  // none: all
  std::string plans = "tests/sim/regressions";
};

struct ExitNow {
  int code = 0;
};

// Prints help and errors itself.
std::variant<Options, ExitNow> ParseCommandLine(int argc, const char* const* argv);

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_OPTIONS_H_
