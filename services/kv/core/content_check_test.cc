#include "services/kv/core/content_check.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/kv/core/table.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::kv {
namespace {

class ContentCheckTest : public ::testing::Test {
 protected:
  ContentCheckTest() {
    Table table(&storage_, &state_);
    WriteBatch batch;
    for (int i = 0; i < 100; ++i) {
      Version version;
      version.timestamp = {static_cast<uint64_t>(i + 1), {"A", 1}};
      if (i % 10 != 0) version.value = Value{Value::Kind::kText, "value"};
      EXPECT_TRUE(table.Apply(absl::StrCat("key", i), version).ok());
    }
    table.WriteTo(&batch);
    Commit(batch);
  }
  void Commit(const WriteBatch& batch) { ASSERT_TRUE(storage_.Commit(batch, Durability::kSync).ok()); }
  void Replace(const std::string& key, const std::string& record) {
    WriteBatch batch;
    batch.Put(Space::kData, key, record);
    Commit(batch);
  }
  absl::StatusOr<std::vector<int>> Check() {
    ContentCheck check(storage_.Snapshot(), state_.hash);
    while (true) {
      const absl::StatusOr<size_t> bytes = check.Next(100);
      if (!bytes.ok()) return bytes.status();
      if (*bytes == 0) return check.WrongBuckets();
    }
  }

  MemoryStorage storage_;
  State state_;
};

TEST_F(ContentCheckTest, WhatIsAsWrittenIsRight) {
  EXPECT_EQ(*Check(), std::vector<int>());
}

TEST_F(ContentCheckTest, AnotherValueIsFoundByItsBucket) {
  Version version;
  version.timestamp = {2, {"A", 1}};
  version.value = Value{Value::Kind::kText, "valuf"};
  Replace("key1", EncodeVersion(version));
  EXPECT_EQ(*Check(), std::vector<int>{ContentHash::BucketOf("key1")});
}

TEST_F(ContentCheckTest, AMissingKeyIsFound) {
  WriteBatch batch;
  batch.Remove(Space::kData, "key2");
  Commit(batch);
  EXPECT_EQ(*Check(), std::vector<int>{ContentHash::BucketOf("key2")});
}

TEST_F(ContentCheckTest, ARecordThatCannotBeReadIsDamage) {
  Replace("key3", "\x77");
  EXPECT_EQ(ErrorReason(Check().status()), "DATA_CORRUPT");
}

}  // namespace
}  // namespace lamppost::kv
