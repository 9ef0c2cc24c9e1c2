// chaos: exit status 0 passed, 1 failed, 2 wrong usage, 77 not possible on this machine.
#include <iostream>
#include <variant>

#include "tests/integration/chaos/options.h"
#include "tests/integration/chaos/run.h"

int main(int argc, char** argv) {
  using namespace lamppost::chaos;
  const std::variant<Options, ExitNow> parsed = ParseCommandLine(argc, argv);
  if (const auto* exit_now = std::get_if<ExitNow>(&parsed)) {
    (exit_now->code == 0 ? std::cout : std::cerr) << exit_now->text;
    return exit_now->code;
  }
  switch (Run(std::get<Options>(parsed))) {
    case RunResult::kPassed:
      return 0;
    case RunResult::kFailed:
      return 1;
    case RunResult::kNotPossible:
      return 77;
  }
  return 1;
}
