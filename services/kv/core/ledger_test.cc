#include "services/kv/core/ledger.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace lamppost::kv {
namespace {

const Origin kA{"A", 1};
const Origin kB{"B", 1};
const Heads kAll{{kA, 1000}, {kB, 1000}};

// An entry whose record has this timestamp.
void Add(Ledger* ledger, uint64_t counter, size_t bytes = 10, const Origin& origin = kA) {
  Version stored;
  stored.timestamp = {counter, origin};
  stored.value = Value{Value::Kind::kData, std::string(bytes, 'v')};
  ledger->Put(absl::StrCat("entry", counter, origin.node_id), stored, Conflict());
}

TEST(Ledger, IsLeftAloneWithinItsBounds) {
  Ledger ledger({4, 1000, 0});
  for (uint64_t counter = 1; counter <= 4; ++counter) Add(&ledger, counter);
  EXPECT_EQ(ledger.size(), 4u);
  EXPECT_EQ(ledger.bytes(), 4 * (7 + 10u));
  EXPECT_FALSE(ledger.WantedFloor(kAll, 0));
}

TEST(Ledger, DropsTheOldestAndMoreThanItMust) {
  Ledger ledger({16, 10000, 0});
  for (uint64_t counter = 1; counter <= 17; ++counter) Add(&ledger, 18 - counter);
  const auto floor = ledger.WantedFloor(kAll, 0);
  ASSERT_TRUE(floor);
  EXPECT_EQ(*floor, (LedgerFloor{{{kA, 3}, {kB, 3}}, 3})) << "an eighth below the bound";
  ledger.RaiseFloor(*floor);
  EXPECT_EQ(ledger.BelowFloor(), (std::vector<std::string>{"entry1A", "entry2A", "entry3A"}));
  for (const std::string& key : ledger.BelowFloor()) ledger.Erase(key);
  EXPECT_EQ(ledger.size(), 14u);
  EXPECT_TRUE(ledger.BelowFloor().empty());
  EXPECT_FALSE(ledger.WantedFloor(kAll, 0));
  Add(&ledger, 2);
  EXPECT_EQ(ledger.BelowFloor().size(), 1u) << "one that comes late";
}

TEST(Ledger, IsBoundedByBytes) {
  Ledger ledger({1000, 100, 0});
  for (uint64_t counter = 1; counter <= 4; ++counter) Add(&ledger, counter, 20);
  const auto floor = ledger.WantedFloor(kAll, 0);
  ASSERT_TRUE(floor);
  EXPECT_EQ(floor->heads.At(kA), 1u) << "three of 27 bytes are within seven eighths of the bound";
}

// Of a Sync that has not ended: others may not have them, and could not know that they are left out.
TEST(Ledger, KeepsWhatTheHeadsDoNotCover) {
  Ledger ledger({2, 10000, 0});
  Add(&ledger, 1, 10, kB);
  for (uint64_t counter = 2; counter <= 4; ++counter) Add(&ledger, counter);
  const auto floor = ledger.WantedFloor({{kA, 1000}}, 0);
  ASSERT_TRUE(floor);
  EXPECT_EQ(*floor, (LedgerFloor{{{kA, 3}}, 2}));
  ledger.RaiseFloor(*floor);
  EXPECT_EQ(ledger.BelowFloor(), (std::vector<std::string>{"entry2A", "entry3A"}));
  Ledger uncovered({1, 10000, 0});
  for (uint64_t counter = 1; counter <= 3; ++counter) Add(&uncovered, counter, 10, kB);
  EXPECT_FALSE(uncovered.WantedFloor({{kA, 1000}}, 0)) << "nothing can be done, so nothing is";
}

// What its writer had not heard of is not left out, however low its counter.
TEST(Ledger, TheFloorIsByOrigin) {
  Ledger ledger;
  Add(&ledger, 5);
  Add(&ledger, 5, 10, kB);
  ledger.RaiseFloor({{{kA, 10}}, 1});
  EXPECT_EQ(ledger.BelowFloor(), (std::vector<std::string>{"entry5A"}));
}

TEST(Ledger, EntriesOfOneCounterGoTogether) {
  Ledger ledger({2, 10000, 0});
  Version stored;
  stored.timestamp = {7, kA};
  for (const char* key : {"a", "b", "c"}) ledger.Put(key, stored, Conflict());
  EXPECT_EQ(ledger.WantedFloor(kAll, 0)->dropped, 3u);
}

TEST(Ledger, TheFloorDoesNotFall) {
  Ledger ledger;
  ledger.RaiseFloor({{{kA, 10}}, 3});
  ledger.RaiseFloor({{{kA, 4}, {kB, 2}}, 1});
  EXPECT_EQ(ledger.floor(), (LedgerFloor{{{kA, 10}, {kB, 2}}, 3}));
}

TEST(Ledger, WhatNeverBecameAnEntryCounts) {
  const Ledger ledger;
  EXPECT_EQ(*ledger.WantedFloor(kAll, 4), (LedgerFloor{{{kA, 0}, {kB, 0}}, 4}));
}

TEST(Ledger, ARecordThatIsWrittenAgainIsOneEntry) {
  Ledger ledger;
  Conflict conflict;
  const std::string key = ConflictKey({1, kA}, "x");
  Version stored;
  stored.timestamp = {5, kA};
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
  ledger.RaiseFloor({{{kA, 5}}, 1});
  EXPECT_TRUE(ledger.BelowFloor().empty()) << "it has got a later counter";
  ledger.Erase(key);
  ledger.Erase(key);
  EXPECT_EQ(ledger.size(), 0u);
  EXPECT_EQ(ledger.bytes(), 0u);
}

}  // namespace
}  // namespace lamppost::kv
