// Valid inputs for the fuzz targets, from which mutation starts.
#ifndef LAMPPOST_TESTS_FUZZ_SEEDS_H_
#define LAMPPOST_TESTS_FUZZ_SEEDS_H_

#include <string>
#include <vector>

namespace lamppost::fuzz {

struct Seed {
  std::string target;  // as in BUILD.bazel
  std::string name;    // of the file
  std::string bytes;
};

// For what a node reads: messages, requests, records, files.
std::vector<Seed> NodeSeeds();
// For what the client reads: the command line, addresses, lines, answers.
std::vector<Seed> ClientSeeds();
// For functions: what their servers read, and what their client does.
std::vector<Seed> FunctionSeeds();

}  // namespace lamppost::fuzz

#endif  // LAMPPOST_TESTS_FUZZ_SEEDS_H_
