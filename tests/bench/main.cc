// bench: measures lamppost-kv on this machine. docs/benchmarks.md says what, and how to read it.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <variant>

#include "tests/bench/echo_server.h"
#include "tests/bench/options.h"
#include "tests/bench/report.h"
#include "tests/bench/run.h"

int main(int argc, char** argv) {
  using namespace lamppost::bench;
  const auto parsed = ParseCommandLine(argc, argv);
  if (const auto* exit_now = std::get_if<ExitNow>(&parsed)) return exit_now->code;
  if (const auto* echo = std::get_if<EchoServerCommand>(&parsed)) {
    return RunEchoServer(echo->port, echo->value_bytes);
  }
  const auto& options = std::get<Options>(parsed);
  Report report;
  const absl::Status status = Run(options, std::filesystem::read_symlink("/proc/self/exe").string(), &report);
  std::cout << ToTable(report) << std::flush;
  if (!options.json_file.empty()) {
    std::ofstream file(options.json_file);
    file << ToJson(report);
    if (!file.flush()) {
      std::cerr << "bench: cannot write " << options.json_file << "\n";
      return 1;
    }
  }
  if (status.ok()) return 0;
  std::cerr << "bench: " << status.message() << "\n";
  return 1;
}
