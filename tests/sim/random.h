// A seeded source of numbers: the only one that the simulator draws from.
//
// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014): small, fast, and
// the same on every machine, which the standard library's distributions are not.
#ifndef LAMPPOST_TESTS_SIM_RANDOM_H_
#define LAMPPOST_TESTS_SIM_RANDOM_H_

#include <cstddef>
#include <cstdint>

namespace lamppost::sim {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x2545F4914F6CDD1Du + 1) {}

  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  // In [0, bound); 0 if the bound is 0.
  uint64_t Below(uint64_t bound) { return bound == 0 ? 0 : Next() % bound; }
  // In [least, greatest].
  uint64_t Between(uint64_t least, uint64_t greatest) { return least + Below(greatest - least + 1); }
  bool PerMille(uint64_t chance) { return chance > 0 && Below(1000) < chance; }
  bool Percent(uint64_t chance) { return Below(100) < chance; }
  template <typename Value, size_t kSize>
  Value Pick(const Value (&values)[kSize]) {
    return values[Below(kSize)];
  }
  // Another source, so that what draws from one does not shift what is drawn from the other.
  Random Fork(uint64_t salt) { return Random(Next() ^ salt); }

 private:
  uint64_t state_;
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_RANDOM_H_
