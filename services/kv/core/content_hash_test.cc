#include "services/kv/core/content_hash.h"

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace lamppost::kv {
namespace {

Version TextAt(uint64_t counter, const std::string& text) {
  Version version;
  version.timestamp = {counter, {"A", 1}};
  version.value = Value{Value::Kind::kText, text};
  return version;
}

void Add(const std::string& key, const Version& version, ContentHash* hash) {
  if (const auto part = ContentHash::PartOf(key, version)) hash->Add(key, *part);
}

void Remove(const std::string& key, const Version& version, ContentHash* hash) {
  if (const auto part = ContentHash::PartOf(key, version)) hash->Remove(key, *part);
}

TEST(Hash128Test, AddingAndSubtractingCarry) {
  const Hash128 one{0, 1};
  const Hash128 low_full{0, UINT64_MAX};
  EXPECT_EQ(Add(low_full, one), (Hash128{1, 0}));
  EXPECT_EQ(Subtract(Hash128{1, 0}, one), low_full);
  EXPECT_EQ(Add({UINT64_MAX, UINT64_MAX}, one), Hash128()) << "modulo 2^128";
  EXPECT_EQ(Subtract(Hash128(), one), (Hash128{UINT64_MAX, UINT64_MAX}));
  EXPECT_EQ(ToHex({1, 2}), "00000000000000010000000000000002");
}

TEST(ContentHashTest, DoesNotDependOnTheOrder) {
  std::vector<std::pair<std::string, Version>> all;
  for (uint64_t i = 0; i < 500; ++i)
    all.emplace_back(absl::StrCat("k", i), TextAt(i + 1, absl::StrCat("v", i)));
  ContentHash forward;
  for (const auto& [key, version] : all) Add(key, version, &forward);
  std::shuffle(all.begin(), all.end(), std::mt19937_64(5));
  ContentHash shuffled;
  for (const auto& [key, version] : all) Add(key, version, &shuffled);
  EXPECT_EQ(forward, shuffled);
  EXPECT_NE(forward.Total(), Hash128());
}

TEST(ContentHashTest, RemovingUndoesAdding) {
  ContentHash hash;
  Add("x", TextAt(1, "a"), &hash);
  const ContentHash before = hash;
  Add("y", TextAt(2, "b"), &hash);
  EXPECT_NE(hash.Total(), before.Total());
  Remove("y", TextAt(2, "b"), &hash);
  EXPECT_EQ(hash, before);
  Remove("x", TextAt(1, "a"), &hash);
  EXPECT_EQ(hash, ContentHash());
}

TEST(ContentHashTest, TellsKeysValuesKindsAndTimestampsApart) {
  Version data = TextAt(1, "v");
  data.value->kind = Value::Kind::kData;
  Version other_origin = TextAt(1, "v");
  other_origin.timestamp.origin.incarnation = 2;
  const std::vector<std::pair<std::string, Version>> all = {
      {"k", TextAt(1, "v")}, {"k", TextAt(2, "v")}, {"k", TextAt(1, "w")}, {"k", data},
      {"k", other_origin},   {"kv", TextAt(1, "")}, {"K", TextAt(1, "v")}};
  std::set<std::string> totals;
  for (const auto& [key, version] : all) {
    ContentHash hash;
    Add(key, version, &hash);
    totals.insert(ToHex(hash.Total()));
  }
  EXPECT_EQ(totals.size(), all.size());
}

TEST(ContentHashTest, LeavesTombstonesOut) {
  Version tombstone = TextAt(1, "");
  tombstone.value.reset();
  EXPECT_EQ(ContentHash::PartOf("x", tombstone), std::nullopt);
}

TEST(ContentHashTest, OneKeyChangesOneBucket) {
  ContentHash hash;
  Add("x", TextAt(1, "v"), &hash);
  const auto& buckets = hash.buckets();
  EXPECT_EQ(std::count(buckets.begin(), buckets.end(), Hash128()), ContentHash::kBuckets - 1);
}

TEST(ContentHashTest, ComesBackFromItsRecord) {
  ContentHash hash;
  for (uint64_t i = 0; i < 200; ++i) Add(absl::StrCat("k", i), TextAt(i, "v"), &hash);
  std::string bytes;
  hash.EncodeTo(&bytes);
  Decoder decoder(bytes);
  ContentHash decoded;
  decoded.DecodeFrom(&decoder);
  EXPECT_TRUE(decoder.Done());
  EXPECT_EQ(decoded, hash);
}

}  // namespace
}  // namespace lamppost::kv
