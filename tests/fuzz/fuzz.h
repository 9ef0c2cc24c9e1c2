// What the fuzz targets share: the entry point, a reader that makes values of an input's bytes, and the check
// that ends the process.
//
// An input is a finding when the process ends: by a sanitizer, by FUZZ_CHECK, by an exception, or because it
// took too long. Anything the code under test says by a Status is its right.
#ifndef LAMPPOST_TESTS_FUZZ_FUZZ_H_
#define LAMPPOST_TESTS_FUZZ_FUZZ_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/base/internal/raw_logging.h"
#include "absl/strings/string_view.h"

// Called by libFuzzer, or by replay_main.cc. Each target defines it, once; it returns 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
// Called before all inputs; the same for all targets.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);

// Ends the process with the message if the condition does not hold.
#define FUZZ_CHECK(condition, message) ABSL_RAW_CHECK(condition, message)

namespace lamppost::fuzz {

inline absl::string_view BytesOf(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Takes an input apart from its front. Past its end it gives zeros and empty strings, so that every input
// means something.
class Input {
 public:
  explicit Input(absl::string_view bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  absl::string_view rest() const { return rest_; }

  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }

  // Little-endian, two bytes.
  uint16_t Number16() {
    const uint16_t low = Byte();
    return static_cast<uint16_t>(low | Byte() << 8);
  }

  // As many bytes as a Number16 in front of them says, or as there are left.
  absl::string_view Frame() {
    const size_t size = Number16();
    const absl::string_view frame = rest_.substr(0, size);
    rest_.remove_prefix(frame.size());
    return frame;
  }

 private:
  absl::string_view rest_;
};

// The reverse of Frame, for those who write inputs.
inline std::string FrameOf(absl::string_view bytes) {
  std::string frame;
  frame.push_back(static_cast<char>(bytes.size()));
  frame.push_back(static_cast<char>(bytes.size() >> 8));
  return frame.append(bytes.data(), bytes.size());
}

}  // namespace lamppost::fuzz

#endif  // LAMPPOST_TESTS_FUZZ_FUZZ_H_
