#include "services/kv/core/version_cache.h"

#include <map>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace lamppost::kv {
namespace {

CachedVersion At(uint64_t counter, std::optional<std::string> text) {
  CachedVersion version;
  version.timestamp = {counter, {"A", 1}};
  if (text) version.value = Value{Value::Kind::kText, *std::move(text)};
  return version;
}

uint64_t CounterOf(const VersionCache& cache, const std::string& key) {
  const CachedVersion* found = cache.Find(key);
  return found == nullptr ? 0 : found->timestamp.counter;
}

TEST(VersionCacheTest, HoldsTheLatestVersionOfAKey) {
  VersionCache cache;
  EXPECT_EQ(cache.Find("x"), nullptr);
  cache.Put("x", At(1, "one"));
  cache.Put("x", At(2, "two"));
  ASSERT_NE(cache.Find("x"), nullptr);
  EXPECT_EQ(cache.Find("x")->timestamp.counter, 2u);
  EXPECT_EQ(cache.Find("x")->value->bytes, "two");
  cache.Put("x", At(3, std::nullopt));
  EXPECT_FALSE(cache.Find("x")->value.has_value());
  EXPECT_EQ(cache.size(), 1u);
}

TEST(VersionCacheTest, ForgetsTheOldGenerationWhenTheYoungOneIsFull) {
  VersionCache cache({/*entries_max=*/2, /*bytes_max=*/1 << 20, /*value_bytes_max=*/100});
  cache.Put("a", At(1, "v"));
  cache.Put("b", At(2, "v"));  // the young one is full: {a, b} is the old one
  cache.Put("c", At(3, "v"));
  EXPECT_EQ(CounterOf(cache, "a"), 1u);
  EXPECT_EQ(CounterOf(cache, "b"), 2u);
  cache.Put("a", At(4, "v"));  // {a, c} is the old one, b is forgotten
  EXPECT_EQ(CounterOf(cache, "a"), 4u);
  EXPECT_EQ(CounterOf(cache, "b"), 0u);
  EXPECT_EQ(CounterOf(cache, "c"), 3u);
  EXPECT_EQ(cache.size(), 2u);
}

TEST(VersionCacheTest, ALargeValueTakesTheKeyOutOfEitherGeneration) {
  VersionCache cache({/*entries_max=*/2, /*bytes_max=*/1 << 20, /*value_bytes_max=*/3});
  cache.Put("old", At(1, "123"));
  cache.Put("also", At(2, "123"));
  cache.Put("young", At(3, "123"));
  cache.Put("old", At(4, "1234"));
  cache.Put("young", At(5, "1234"));
  EXPECT_EQ(cache.Find("old"), nullptr);
  EXPECT_EQ(cache.Find("young"), nullptr);
  EXPECT_EQ(CounterOf(cache, "also"), 2u);
}

TEST(VersionCacheTest, BytesBoundAGenerationToo) {
  VersionCache cache({/*entries_max=*/1000, /*bytes_max=*/10000, /*value_bytes_max=*/1024});
  for (uint64_t i = 1; i <= 1000; ++i) cache.Put(absl::StrCat("k", i), At(i, std::string(1000, 'v')));
  EXPECT_LE(cache.size(), 20u);
  EXPECT_EQ(CounterOf(cache, "k1000"), 1000u);
}

TEST(VersionCacheTest, AgreesWithAMapUnderRandomPuts) {
  std::mt19937_64 random(9);
  VersionCache cache({/*entries_max=*/8, /*bytes_max=*/3000, /*value_bytes_max=*/50});
  std::map<std::string, uint64_t> latest;
  for (uint64_t counter = 1; counter <= 20000; ++counter) {
    const std::string key = absl::StrCat("k", random() % 30);
    cache.Put(key, At(counter, std::string(random() % 60, 'v')));
    latest[key] = counter;
    ASSERT_LE(cache.size(), 16u);
    for (const auto& [known, expected] : latest) {
      const uint64_t found = CounterOf(cache, known);
      ASSERT_TRUE(found == 0 || found == expected) << known << " at " << counter;
    }
  }
}

}  // namespace
}  // namespace lamppost::kv
