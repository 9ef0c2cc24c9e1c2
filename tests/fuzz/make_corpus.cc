// Writes the seed inputs of all fuzz targets, by the production encoders where there are any.
//
// usage: make_corpus DIRECTORY     bazel run //tests/fuzz:make_corpus -- "$PWD/tests/fuzz/corpus"
//
// Findings that can be written so are among them. Files that it does not write it leaves alone.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "tests/fuzz/seeds.h"

namespace lamppost::fuzz {
namespace {

void Write(const std::string& directory, const Seed& seed) {
  const std::string target = directory + "/" + seed.target;
  std::filesystem::create_directories(target);
  const std::string path = target + "/" + seed.name;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << seed.bytes;
  if (file.flush()) return;
  std::cerr << "cannot write " << path << "\n";
  std::exit(1);
}

}  // namespace
}  // namespace lamppost::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_corpus DIRECTORY\n";
    return 2;
  }
  for (const auto& seeds :
       {lamppost::fuzz::NodeSeeds(), lamppost::fuzz::ClientSeeds(), lamppost::fuzz::FunctionSeeds()}) {
    for (const lamppost::fuzz::Seed& seed : seeds) lamppost::fuzz::Write(argv[1], seed);
  }
  return 0;
}
