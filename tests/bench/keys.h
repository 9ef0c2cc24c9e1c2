// Keys and values of the measurements, the same in every run.
#ifndef LAMPPOST_TESTS_BENCH_KEYS_H_
#define LAMPPOST_TESTS_BENCH_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace lamppost::bench {

// Maps different numbers to different numbers that look random (the finaliser of SplitMix64).
inline uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// The index-th key: 16 bytes, and different for each index.
inline std::string KeyAt(uint64_t index) {
  static constexpr char kDigits[] = "0123456789abcdef";
  uint64_t bits = Mix(index + 0x9e3779b97f4a7c15u);
  std::string key(16, '0');
  for (size_t i = 0; i < key.size(); ++i, bits >>= 4) key[i] = kDigits[bits & 15];
  return key;
}

// A sequence of random numbers. Not thread-safe.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(Mix(seed)) {}
  uint64_t Next() { return Mix(state_ += 0x9e3779b97f4a7c15u); }
  uint64_t Below(uint64_t bound) { return Next() % bound; }

 private:
  uint64_t state_;
};

// Bytes that do not compress, so that what is on disk can be compared with what was written.
inline std::string RandomValue(size_t bytes, Random* random) {
  std::string value(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) value[i] = static_cast<char>(random->Next());
  return value;
}

}  // namespace lamppost::bench

#endif  // LAMPPOST_TESTS_BENCH_KEYS_H_
