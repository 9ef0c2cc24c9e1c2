// What a run measures and how long it takes.
#ifndef LAMPPOST_TESTS_BENCH_OPTIONS_H_
#define LAMPPOST_TESTS_BENCH_OPTIONS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace lamppost::bench {

// The parts of a run, in their order; --only names some of them.
struct Parts {
  bool put_sync = true;
  bool get = true;
  bool put_interval = true;
  bool put_alone = true;
  bool catch_up = true;
  bool etcd = true;
  bool redis = true;
};

struct Options {
  std::string node_program;
  std::string work_directory;  // where the data directories are made
  std::string json_file;       // empty: none
  Parts parts;
  int channels = 4;
  int concurrency = 128;
  uint64_t value_bytes = 100;
  uint64_t key_space = 100'000;
  int pairs = 5;
  int64_t round_ms = 3000;
  int64_t warm_up_ms = 2000;
  uint64_t catch_up_keys = 1'000'000;
};

// The hidden command: be the echo server.
struct EchoServerCommand {
  int port = 0;
  uint64_t value_bytes = 0;
};

struct ExitNow {
  int code;
};

// Prints help and errors itself.
std::variant<Options, EchoServerCommand, ExitNow> ParseCommandLine(int argc, const char* const* argv);

}  // namespace lamppost::bench

#endif  // LAMPPOST_TESTS_BENCH_OPTIONS_H_
