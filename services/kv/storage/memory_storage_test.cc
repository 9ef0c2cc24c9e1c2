#include "services/kv/storage/memory_storage.h"

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/common/error.h"

namespace lamppost::kv {
namespace {

absl::Status Put(MemoryStorage& storage, const std::string& key, const std::string& value) {
  WriteBatch batch;
  batch.Put(Space::kData, key, value);
  return storage.Commit(batch, Durability::kSync);
}

absl::Status Remove(MemoryStorage& storage, const std::string& key) {
  WriteBatch batch;
  batch.Remove(Space::kData, key);
  return storage.Commit(batch, Durability::kSync);
}

// RocksDbStorage relies on this and does not check it.
TEST(MemoryStorageTest, AnIndexKeyIsPutOnceAndRemovedOnce) {
  MemoryStorage storage;
  WriteBatch put;
  put.Put(Space::kIndex, "x", "");
  WriteBatch removal;
  removal.Put(Space::kData, "beside", "1");
  removal.Remove(Space::kIndex, "x");
  EXPECT_EQ(ErrorReason(storage.Commit(removal, Durability::kSync)), "INDEX_KEY_MISUSED");
  EXPECT_EQ(*storage.Get(Space::kData, "beside"), std::nullopt) << "nothing of the batch is there";
  EXPECT_TRUE(storage.Commit(put, Durability::kSync).ok());
  EXPECT_EQ(ErrorReason(storage.Commit(put, Durability::kSync)), "INDEX_KEY_MISUSED");
  EXPECT_TRUE(storage.Commit(removal, Durability::kSync).ok());
}

TEST(MemoryStorageTest, AFailedCommitIsNotAppliedAndEndsWriting) {
  MemoryStorage storage;
  storage.FailNextCommits(absl::ResourceExhaustedError("full"));
  EXPECT_EQ(Put(storage, "x", "1").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(*storage.Get(Space::kData, "x"), std::nullopt);

  const absl::Status second = Put(storage, "x", "2");
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(second), "STORAGE_FAILED");
  EXPECT_EQ(storage.Flush().code(), absl::StatusCode::kFailedPrecondition);

  storage.ClearFailure();
  EXPECT_TRUE(Put(storage, "x", "3").ok());
  EXPECT_EQ(*storage.Get(Space::kData, "x"), "3");
}

TEST(MemoryStorageTest, AFailedFlushEndsWriting) {
  MemoryStorage storage;
  storage.FailNextCommits(absl::UnavailableError("fsync"));
  EXPECT_EQ(storage.Flush().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Put(storage, "x", "1").code(), absl::StatusCode::kFailedPrecondition);
}

TEST(MemoryStorageTest, KeepsNoValueThatNobodyCanSee) {
  MemoryStorage storage;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Put(storage, "x", absl::StrCat(i)).ok());
  EXPECT_EQ(storage.ValueCount(), 1u);
  ASSERT_TRUE(Remove(storage, "x").ok());
  EXPECT_EQ(storage.ValueCount(), 0u);
}

TEST(MemoryStorageTest, KeepsOneValueForEachSnapshotAndDropsItWithThem) {
  MemoryStorage storage;
  ASSERT_TRUE(Put(storage, "x", "0").ok());
  auto first = storage.Snapshot();
  ASSERT_TRUE(Put(storage, "x", "1").ok());
  auto second = storage.Snapshot();
  ASSERT_TRUE(Remove(storage, "x").ok());
  EXPECT_EQ(storage.ValueCount(), 3u);
  first.reset();
  EXPECT_EQ(storage.ValueCount(), 2u);
  EXPECT_EQ(**second->Get(Space::kData, "x"), "1");
  second.reset();
  EXPECT_EQ(storage.ValueCount(), 0u);
}

TEST(MemoryStorageTest, ACursorKeepsItsValuesAfterItsSnapshotIsReleasedInAnyOrder) {
  MemoryStorage storage;
  ASSERT_TRUE(Put(storage, "x", "0").ok());
  auto cursor = storage.Scan(Space::kData, "", "");
  ASSERT_TRUE(Put(storage, "x", "1").ok());
  auto later = storage.Snapshot();
  later.reset();
  EXPECT_EQ(cursor->value(), "0");
  EXPECT_EQ(storage.ValueCount(), 2u);
  cursor.reset();
  EXPECT_EQ(storage.ValueCount(), 1u);
}

}  // namespace
}  // namespace lamppost::kv
