#include "services/kv/core/request_table.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::kv {
namespace {

RequestRecord Named(const std::string& id, uint64_t counter) {
  return {{id, counter * 7, RequestTag::Before::kPresent}, {counter, {"A", 1}}};
}

class RequestTableTest : public ::testing::Test {
 protected:
  void Record(RequestTable* table, const std::string& id, uint64_t counter) {
    WriteBatch batch;
    table->Record(Named(id, counter), &batch);
    ASSERT_TRUE(storage_.Commit(batch, Durability::kSync).ok());
  }

  size_t Stored() const {
    size_t count = 0;
    for (auto cursor = storage_.Scan(Space::kRequests, "", ""); cursor->Valid(); cursor->Next()) ++count;
    return count;
  }

  MemoryStorage storage_;
};

TEST_F(RequestTableTest, FindsWhatWasRecordedAndNothingElse) {
  RequestTable table(10);
  Record(&table, "a", 1);
  ASSERT_NE(table.Find("a"), nullptr);
  EXPECT_EQ(table.Find("a")->version.counter, 1u);
  EXPECT_EQ(table.Find("a")->tag.fingerprint, 7u);
  EXPECT_EQ(table.Find("b"), nullptr);
  EXPECT_EQ(table.Find(""), nullptr);
}

TEST_F(RequestTableTest, TheFirstOutcomeOfAnIdStays) {
  RequestTable table(10);
  Record(&table, "a", 1);
  Record(&table, "a", 2);
  EXPECT_EQ(table.Find("a")->version.counter, 1u);
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(Stored(), 1u);
}

TEST_F(RequestTableTest, ForgetsTheOldestInMemoryAndInTheStore) {
  RequestTable table(3);
  for (uint64_t i = 1; i <= 10; ++i) Record(&table, absl::StrCat("r", i), i);
  EXPECT_EQ(table.size(), 3u);
  EXPECT_EQ(Stored(), 3u);
  EXPECT_EQ(table.Find("r7"), nullptr);
  EXPECT_NE(table.Find("r8"), nullptr);
}

TEST_F(RequestTableTest, ARestartKeepsThemAndTheirOrder) {
  {
    RequestTable table(300);
    for (uint64_t i = 1; i <= 300; ++i) Record(&table, absl::StrCat("r", i), i);
  }
  RequestTable table(300);
  ASSERT_TRUE(table.Load(storage_).ok());
  EXPECT_EQ(table.size(), 300u);
  EXPECT_EQ(table.Find("r5")->version.counter, 5u);
  Record(&table, "new", 301);
  EXPECT_EQ(table.Find("r1"), nullptr) << "the oldest goes, also after a restart";
  EXPECT_NE(table.Find("r2"), nullptr);
  EXPECT_EQ(Stored(), 300u);
}

TEST_F(RequestTableTest, ASmallerBoundAfterARestartIsKept) {
  {
    RequestTable table(10);
    for (uint64_t i = 1; i <= 10; ++i) Record(&table, absl::StrCat("r", i), i);
  }
  RequestTable table(4);
  ASSERT_TRUE(table.Load(storage_).ok());
  Record(&table, "new", 11);
  EXPECT_EQ(table.size(), 4u);
  EXPECT_EQ(Stored(), 4u);
  EXPECT_EQ(table.Find("r7"), nullptr);
  EXPECT_NE(table.Find("r8"), nullptr);
}

TEST_F(RequestTableTest, DamageIsReported) {
  WriteBatch batch;
  batch.Put(Space::kRequests, "12345678", "garbage");
  ASSERT_TRUE(storage_.Commit(batch, Durability::kSync).ok());
  RequestTable table(4);
  EXPECT_EQ(table.Load(storage_).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace lamppost::kv
