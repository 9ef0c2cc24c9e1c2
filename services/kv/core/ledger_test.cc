#include "services/kv/core/ledger.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace lamppost::kv {
namespace {

// An entry whose record has this counter.
void Add(Ledger* ledger, uint64_t counter, size_t bytes = 10) {
  Version stored;
  stored.timestamp = {counter, {"A", 1}};
  stored.value = Value{Value::Kind::kData, std::string(bytes, 'v')};
  ledger->Put(absl::StrCat("entry", counter), stored, Conflict());
}

TEST(Ledger, IsLeftAloneWithinItsBounds) {
  Ledger ledger({4, 1000, 0});
  for (uint64_t counter = 1; counter <= 4; ++counter) Add(&ledger, counter);
  EXPECT_EQ(ledger.size(), 4u);
  EXPECT_EQ(ledger.bytes(), 4 * (6 + 10u));
  EXPECT_FALSE(ledger.IsOver());
  EXPECT_TRUE(ledger.Surplus().empty());
}

TEST(Ledger, DropsTheOldestAndMoreThanItMust) {
  Ledger ledger({16, 10000, 0});
  for (uint64_t counter = 1; counter <= 17; ++counter) Add(&ledger, 18 - counter);
  EXPECT_TRUE(ledger.IsOver());
  EXPECT_EQ(ledger.Surplus(), (std::vector<std::string>{"entry1", "entry2", "entry3"}))
      << "an eighth below the bound";
  for (const std::string& key : ledger.Surplus()) ledger.Erase(key);
  EXPECT_EQ(ledger.size(), 14u);
  EXPECT_FALSE(ledger.IsOver());
}

TEST(Ledger, IsBoundedByBytes) {
  Ledger ledger({1000, 100, 0});
  for (uint64_t counter = 1; counter <= 4; ++counter) Add(&ledger, counter, 20);
  EXPECT_EQ(ledger.Surplus(), (std::vector<std::string>{"entry1"}))
      << "three of 26 bytes are within seven eighths of the bound";
}

TEST(Ledger, WhatAllHaveDroppedIsAddedUp) {
  Ledger ledger;
  ledger.SetDropped("A", 3);
  ledger.SetDropped("B", 4);
  ledger.SetDropped("A", 5);
  EXPECT_EQ(ledger.DroppedBy("A"), 5u);
  EXPECT_EQ(ledger.DroppedBy("C"), 0u);
  EXPECT_EQ(ledger.dropped(), 9u);
}

TEST(Ledger, ARecordThatIsWrittenAgainIsOneEntry) {
  Ledger ledger;
  Conflict conflict;
  const std::string key = ConflictKey({1, {"A", 1}}, "x");
  Version stored;
  stored.timestamp = {5, {"A", 1}};
  ledger.Put(key, stored, conflict);
  EXPECT_EQ(ledger.open(), 1u);
  EXPECT_EQ(ledger.OpenAbout("x"), (std::vector<std::string>{key}));
  EXPECT_TRUE(ledger.OpenAbout("y").empty());
  conflict.resolution = Resolution::kWinnerKept;
  stored.timestamp.counter = 9;
  ledger.Put(key, stored, conflict);
  EXPECT_EQ(ledger.size(), 1u);
  EXPECT_EQ(ledger.open(), 0u);
  EXPECT_TRUE(ledger.OpenAbout("x").empty());
  ledger.Erase(key);
  ledger.Erase(key);
  EXPECT_EQ(ledger.size(), 0u);
  EXPECT_EQ(ledger.bytes(), 0u);
}

}  // namespace
}  // namespace lamppost::kv
