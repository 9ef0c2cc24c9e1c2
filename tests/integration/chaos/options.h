// How a run of chaos is set up: its command line, checked.
#ifndef LAMPPOST_TESTS_INTEGRATION_CHAOS_OPTIONS_H_
#define LAMPPOST_TESTS_INTEGRATION_CHAOS_OPTIONS_H_

#include <cstdint>
#include <string>
#include <variant>

namespace lamppost::chaos {

enum class NetworkChoice { kAuto, kNamespaces, kProxy };

struct Options {
  int64_t seconds = 60;
  uint64_t seed = 1;
  int nodes = 3;
  std::string durability = "sync";
  std::string history_path;  // empty: it is not written
  NetworkChoice network = NetworkChoice::kAuto;
  int64_t floor_per_s = 50;  // acknowledged operations, below which the run has failed
};

// Print the text and exit with the code.
struct ExitNow {
  int code = 0;
  std::string text;
};

std::variant<Options, ExitNow> ParseCommandLine(int argc, const char* const* argv);

// The command that does it again.
std::string CommandOf(const Options& options);

}  // namespace lamppost::chaos

#endif  // LAMPPOST_TESTS_INTEGRATION_CHAOS_OPTIONS_H_
