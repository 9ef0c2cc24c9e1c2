// Runs a fuzz target without libFuzzer: over the files of its corpus, then over a few thousand mutations of
// them, which are the same at each run. So every input that ever was a finding is tried by every build, with
// any compiler.
//
// usage: NAME_fuzz_test FILE…
//
// If the process is ended by an input, that input is the file last_input in the test's undeclared outputs
// (or in TEST_TMPDIR).
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace lamppost::fuzz {
namespace {

constexpr int kMutations = 3000;
constexpr size_t kInputBytesMax = size_t{1} << 16;
constexpr uint64_t kSeed = 20240229;

using Random = std::mt19937_64;  // its numbers are laid down by the standard

size_t Below(size_t bound, Random* random) {
  return bound == 0 ? 0 : static_cast<size_t>((*random)() % bound);
}

// A file that holds the present input, whatever becomes of the process: mapped, so that it costs little.
class LastInput {
 public:
  LastInput() {
    const char* directory = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR");
    if (directory == nullptr) directory = std::getenv("TEST_TMPDIR");
    if (directory == nullptr) return;
    path_ = std::string(directory) + "/last_input";
    file_ = open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file_ < 0) return;
    void* const map = mmap(nullptr, kInputBytesMax, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
    if (map != MAP_FAILED) bytes_ = static_cast<char*>(map);
  }
  // The target has survived them all.
  ~LastInput() {
    if (bytes_ != nullptr) munmap(bytes_, kInputBytesMax);
    if (file_ >= 0) close(file_);
    if (!path_.empty()) unlink(path_.c_str());
  }
  LastInput(const LastInput&) = delete;
  LastInput& operator=(const LastInput&) = delete;

  void Set(const std::string& input) {
    if (bytes_ == nullptr || ftruncate(file_, static_cast<off_t>(input.size())) != 0) return;
    if (!input.empty()) std::memcpy(bytes_, input.data(), input.size());
  }

 private:
  std::string path_;
  int file_ = -1;
  char* bytes_ = nullptr;
};

// Numbers at which code tends to break.
constexpr uint8_t kBytes[] = {0x00, 0x01, 0x7f, 0x80, 0xff};

void MutateOnce(const std::vector<std::string>& corpus, std::string* input, Random* random) {
  const size_t at = Below(input->size(), random);
  const size_t length = 1 + Below(16, random);
  switch ((*random)() % 7) {
    case 0:
      if (!input->empty()) (*input)[at] ^= static_cast<char>(1 << Below(8, random));
      break;
    case 1:
      if (!input->empty()) (*input)[at] = static_cast<char>(kBytes[Below(std::size(kBytes), random)]);
      break;
    case 2:
      input->insert(at, length, static_cast<char>((*random)()));
      break;
    case 3:
      input->erase(at, length);
      break;
    case 4:  // a part once more
      input->insert(at, input->substr(Below(input->size(), random), length * 4));
      break;
    case 5:
      input->resize(at);
      break;
    default: {  // goes on as another one does
      const std::string& other = corpus[Below(corpus.size(), random)];
      input->replace(at, std::string::npos, other.substr(std::min(at, other.size())));
    }
  }
  if (input->size() > kInputBytesMax) input->resize(kInputBytesMax);
}

std::string ReadFile(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file) return bytes;
  std::fprintf(stderr, "cannot read %s\n", path);
  std::exit(1);
}

void RunOne(const std::string& input, LastInput* last) {
  last->Set(input);
  // A copy of its own, so that a read beyond its end is noticed.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

void Replay(const std::vector<std::string>& corpus) {
  LastInput last;
  RunOne("", &last);
  for (const std::string& input : corpus) RunOne(input, &last);
  Random random(kSeed);
  for (int i = 0; i < kMutations; ++i) {
    std::string input = corpus[Below(corpus.size(), &random)];
    for (size_t changes = 1 + Below(4, &random); changes > 0; --changes) {
      MutateOnce(corpus, &input, &random);
    }
    RunOne(input, &last);
  }
}

}  // namespace
}  // namespace lamppost::fuzz

int main(int argc, char** argv) {
  std::vector<std::string> corpus;
  for (int i = 1; i < argc; ++i) corpus.push_back(lamppost::fuzz::ReadFile(argv[i]));
  if (corpus.empty()) {
    std::fprintf(stderr, "usage: %s FILE…\n", argv[0]);
    return 2;
  }
  LLVMFuzzerInitialize(&argc, &argv);
  lamppost::fuzz::Replay(corpus);
  std::printf("%zu inputs and %d mutations of them\n", corpus.size(), lamppost::fuzz::kMutations);
  return 0;
}
