#include "services/kv/core/version_cache.h"

#include <map>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace lamppost::kv {
namespace {

CachedVersion At(uint64_t counter, std::optional<Hash128> part = Hash128{1, 2}) {
  return {{counter, {"A", 1}}, part};
}

uint64_t CounterOf(const VersionCache& cache, const std::string& key) {
  const CachedVersion* found = cache.Find(key);
  return found == nullptr ? 0 : found->timestamp.counter;
}

// With a key of one letter.
constexpr size_t kEntryBytes = sizeof(std::string) + sizeof(CachedVersion) + 1;

TEST(VersionCacheTest, HoldsTheLatestVersionOfAKey) {
  VersionCache cache;
  EXPECT_EQ(cache.Find("x"), nullptr);
  cache.Put("x", At(1));
  cache.Put("x", At(2, Hash128{3, 4}));
  ASSERT_NE(cache.Find("x"), nullptr);
  EXPECT_EQ(cache.Find("x")->timestamp.counter, 2u);
  EXPECT_EQ(cache.Find("x")->part, (Hash128{3, 4}));
  cache.Put("x", At(3, std::nullopt));
  EXPECT_FALSE(cache.Find("x")->part.has_value());
  EXPECT_EQ(cache.size(), 1u);
}

TEST(VersionCacheTest, ForgetsTheOldGenerationWhenTheYoungOneIsFull) {
  VersionCache cache({/*bytes_max=*/2 * kEntryBytes});
  cache.Put("a", At(1));
  cache.Put("b", At(2));  // the young one is full: {a, b} is the old one
  cache.Put("c", At(3));
  EXPECT_EQ(CounterOf(cache, "a"), 1u);
  EXPECT_EQ(CounterOf(cache, "b"), 2u);
  cache.Put("a", At(4));  // {a, c} is the old one, b is forgotten
  EXPECT_EQ(CounterOf(cache, "a"), 4u);
  EXPECT_EQ(CounterOf(cache, "b"), 0u);
  EXPECT_EQ(CounterOf(cache, "c"), 3u);
  EXPECT_EQ(cache.size(), 2u);
}

TEST(VersionCacheTest, LongKeysTakeMoreRoom) {
  VersionCache cache({/*bytes_max=*/10000});
  for (uint64_t i = 1; i <= 1000; ++i) cache.Put(absl::StrCat(std::string(1000, 'k'), i), At(i));
  EXPECT_LE(cache.size(), 20u);
  EXPECT_EQ(CounterOf(cache, std::string(1000, 'k') + "1000"), 1000u);
}

TEST(VersionCacheTest, AgreesWithAMapUnderRandomPuts) {
  std::mt19937_64 random(9);
  VersionCache cache({/*bytes_max=*/8 * kEntryBytes});
  std::map<std::string, uint64_t> latest;
  for (uint64_t counter = 1; counter <= 20000; ++counter) {
    const std::string key = absl::StrCat("k", random() % 30);
    cache.Put(key, At(counter));
    latest[key] = counter;
    ASSERT_LE(cache.size(), 16u);
    for (const auto& [known, expected] : latest) {
      const uint64_t found = CounterOf(cache, known);
      ASSERT_TRUE(found == 0 || found == expected) << known << " at " << counter;
    }
  }
}

TEST(VersionCacheTest, ErasedKeysAreNotKnownInEitherGeneration) {
  VersionCache cache({/*bytes_max=*/2 * kEntryBytes});
  cache.Put("x", At(1));
  cache.Put("y", At(2));  // both are old now
  cache.Put("z", At(3));
  cache.Erase("x");
  cache.Erase("z");
  cache.Erase("unknown");
  EXPECT_EQ(cache.Find("x"), nullptr);
  EXPECT_EQ(cache.Find("z"), nullptr);
  EXPECT_EQ(CounterOf(cache, "y"), 2u);
}

}  // namespace
}  // namespace lamppost::kv
