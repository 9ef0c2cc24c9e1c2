#include "services/kv/core/version.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace lamppost::kv {
namespace {

const Origin kA{"A", 1};
const Origin kB{"B", 1};

Version At(uint64_t counter, const Origin& origin, const Heads& seen = Heads()) {
  Version version;
  version.timestamp = {counter, origin};
  version.value = Value{Value::Kind::kText, ToString(version.timestamp)};
  version.seen = Seen(seen, counter);
  return version;
}

// What is left of a row of versions merged one after the other.
std::optional<Version> MergeAll(const std::vector<Version>& versions) {
  std::optional<Version> current;
  for (const Version& version : versions) {
    const Merge merge = Decide(version, current ? &*current : nullptr);
    if (merge == Merge::kReplaces || merge == Merge::kReplacesConcurrent) current = version;
  }
  return current;
}

// Few counters and origins, so that equal counters, and equal timestamps, are common.
std::vector<Version> SomeVersions(std::mt19937_64* random) {
  std::vector<Version> versions;
  for (uint64_t i = 0, count = 1 + (*random)() % 6; i < count; ++i) {
    const Origin origin{std::string(1, static_cast<char>('A' + (*random)() % 3)), 1 + (*random)() % 2};
    const uint64_t counter = 1 + (*random)() % 4;
    Heads seen;
    for (uint64_t k = (*random)() % 3; k > 0; --k) seen.Raise(k % 2 ? kA : kB, (*random)() % 5);
    versions.push_back(At(counter, origin, seen));
    if ((*random)() % 4 == 0) versions.back().value.reset();
  }
  return versions;
}

TEST(DecideTest, TheOrderOfArrivalNeverMatters) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 5000; ++i) {
    std::vector<Version> versions = SomeVersions(&random);
    const std::optional<Version> expected = MergeAll(versions);
    for (int k = 0; k < 4; ++k) {
      std::shuffle(versions.begin(), versions.end(), random);
      ASSERT_EQ(MergeAll(versions)->timestamp, expected->timestamp);
    }
  }
}

TEST(DecideTest, IsAssociative) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 5000; ++i) {
    std::vector<Version> versions = SomeVersions(&random);
    const auto middle = versions.begin() + static_cast<std::ptrdiff_t>(random() % (versions.size() + 1));
    const std::optional<Version> left = MergeAll({versions.begin(), middle});
    const std::optional<Version> right = MergeAll({middle, versions.end()});
    std::vector<Version> halves;
    if (left) halves.push_back(*left);
    if (right) halves.push_back(*right);
    ASSERT_EQ(MergeAll(halves)->timestamp, MergeAll(versions)->timestamp);
  }
}

TEST(DecideTest, IsIdempotent) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 1000; ++i) {
    std::vector<Version> versions = SomeVersions(&random);
    std::vector<Version> twice = versions;
    twice.insert(twice.end(), versions.begin(), versions.end());
    ASSERT_EQ(MergeAll(twice)->timestamp, MergeAll(versions)->timestamp);
  }
  const Version version = At(5, kA);
  EXPECT_EQ(Decide(version, &version), Merge::kSame);
}

TEST(DecideTest, AnyVersionReplacesNothing) {
  EXPECT_EQ(Decide(At(1, kA), nullptr), Merge::kReplaces);
}

TEST(DecideTest, EqualCountersAreDecidedByTheOrigin) {
  const Version a = At(5, kA);
  const Version b = At(5, kB);
  EXPECT_EQ(Decide(b, &a), Merge::kReplacesConcurrent);
  EXPECT_EQ(Decide(a, &b), Merge::kLosesConcurrent);
  const Version second_life = At(5, {"A", 2});
  EXPECT_EQ(Decide(second_life, &a), Merge::kReplacesConcurrent);
}

TEST(DecideTest, ConcurrencyIsToldBySeenAndNotByTheCounter) {
  const Version old = At(5, kA);
  const Version knowing = At(9, kB, {{kA, 5}});
  const Version knowing_later = At(9, kB, {{kA, 8}});
  const Version unknowing = At(9, kB, {{kA, 4}});
  const Version of_another_life = At(9, kB, {{{"A", 2}, 8}});
  EXPECT_EQ(Decide(knowing, &old), Merge::kReplaces);
  EXPECT_EQ(Decide(knowing_later, &old), Merge::kReplaces);
  EXPECT_EQ(Decide(unknowing, &old), Merge::kReplacesConcurrent);
  EXPECT_EQ(Decide(of_another_life, &old), Merge::kReplacesConcurrent);
  EXPECT_EQ(Decide(old, &knowing), Merge::kLoses);
  EXPECT_EQ(Decide(old, &unknowing), Merge::kLosesConcurrent);
}

TEST(DecideTest, ATombstoneWinsAndLosesLikeAnyVersion) {
  Version tombstone = At(5, kA);
  tombstone.value.reset();
  const Version lower = At(4, kB);
  const Version higher = At(6, kB, {{kA, 5}});
  EXPECT_EQ(Decide(tombstone, &lower), Merge::kReplacesConcurrent);
  EXPECT_EQ(Decide(lower, &tombstone), Merge::kLosesConcurrent);
  EXPECT_EQ(Decide(higher, &tombstone), Merge::kReplaces);
}

TEST(SeenTest, KeepsHeadsAsLags) {
  const Seen seen({{kA, 3}, {kB, 10}}, 10);
  EXPECT_EQ(seen.lags(), (std::vector<Seen::Entry>{{kA, 7}, {kB, 0}}));
  EXPECT_TRUE(seen.Includes(10, {3, kA}));
  EXPECT_FALSE(seen.Includes(10, {4, kA}));
  EXPECT_TRUE(seen.Includes(10, {10, kB}));
  EXPECT_FALSE(seen.Includes(10, {1, {"C", 1}}));
}

TEST(SeenTest, LeavesOutWhatNobodyCanHaveSeen) {
  EXPECT_TRUE(Seen({{kA, 0}}, 10).lags().empty());
  EXPECT_TRUE(Seen({{kA, 11}}, 10).lags().empty());
}

TEST(SeenTest, ALagBeyondTheCounterSeesNothing) {
  const Seen forged(std::vector<Seen::Entry>{{kA, 11}});
  EXPECT_FALSE(forged.Includes(10, {1, kA}));
  EXPECT_FALSE(forged.Includes(10, {UINT64_MAX, kA}));
}

TEST(ReachTest, HeadsAreWithinReachOfAVersionAndOfAllThatItsWriterHadSeen) {
  const Origin a{"A", 1};
  const Origin b{"B", 1};
  Version version;
  version.timestamp = {10, b};
  version.seen = Seen(Heads{{a, 7}, {b, 9}}, 10);
  EXPECT_TRUE(IsWithin({{a, 7}, {b, 10}}, version));
  EXPECT_TRUE(IsWithin({{a, 99}, {b, 99}}, version));
  EXPECT_FALSE(IsWithin({{a, 7}, {b, 9}}, version)) << "not the version itself";
  EXPECT_FALSE(IsWithin({{a, 6}, {b, 10}}, version)) << "it came before what it stands on";
  const Heads raised = RaisedBy(version, {{a, 3}, {b, 12}});
  EXPECT_EQ(raised, (Heads{{a, 7}, {b, 12}}));
  EXPECT_TRUE(IsWithin(raised, version));
}

}  // namespace
}  // namespace lamppost::kv
