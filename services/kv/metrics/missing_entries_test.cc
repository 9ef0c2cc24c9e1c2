#include "services/kv/metrics/missing_entries.h"

#include "gtest/gtest.h"
#include "services/kv/core/record.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::kv {
namespace {

const Origin kA = {"A", 1};
const Origin kB = {"B", 1};
constexpr size_t kMany = 1000;

class CountMissingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteBatch batch;
    for (uint64_t counter = 1; counter <= 10; ++counter) {
      batch.Put(Space::kIndex, EncodeIndexKey({counter, kA}, "a"), "");
      batch.Put(Space::kIndex, EncodeIndexKey({counter, kA}, "b"), "");
      batch.Put(Space::kIndex, EncodeIndexKey({counter, kB}, "c"), "");
    }
    ASSERT_TRUE(storage_.Commit(batch, Durability::kSync).ok());
  }

  size_t Count(const Heads& from, const Heads& to, size_t entries_max = kMany) {
    return CountMissing(storage_, from, to, entries_max).value();
  }

  MemoryStorage storage_;
};

TEST_F(CountMissingTest, WhatIsLevelLacksNothing) {
  EXPECT_EQ(Count({{kA, 10}, {kB, 10}}, {{kA, 10}, {kB, 10}}), 0u);
  EXPECT_EQ(Count({{kA, 11}, {kB, 10}}, {{kA, 10}}), 0u);
}

TEST_F(CountMissingTest, EachKeyBetweenTheHeadsIsMissing) {
  EXPECT_EQ(Count({{kA, 7}, {kB, 10}}, {{kA, 10}, {kB, 10}}), 6u);
  EXPECT_EQ(Count({{kA, 10}}, {{kA, 10}, {kB, 4}}), 4u);
  EXPECT_EQ(Count({}, {{kA, 10}, {kB, 10}}), 30u);
}

TEST_F(CountMissingTest, ItGoesNoFurtherThanIsAskedFor) {
  EXPECT_EQ(Count({}, {{kA, 10}, {kB, 10}}, 25), 25u);
  EXPECT_EQ(Count({}, {{kA, 10}, {kB, 10}}, 5), 5u);
}

}  // namespace
}  // namespace lamppost::kv
