#include "services/kv/core/full_sync.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/kv/core/record.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::kv {
namespace {

Version At(uint64_t counter, std::optional<std::string> text) {
  Version version;
  version.timestamp = {counter, {"A", 1}};
  if (text) version.value = Value{Value::Kind::kText, *std::move(text)};
  return version;
}

class FullSyncTest : public ::testing::Test {
 protected:
  void Put(const std::string& key, const Version& version) {
    WriteBatch batch;
    batch.Put(Space::kData, key, EncodeVersion(version));
    ASSERT_TRUE(storage_.Commit(batch, Durability::kSync).ok());
  }

  // Goes through to the end; each chunk must begin where the one before ended.
  std::vector<FullSync::Chunk> All(FullSync* walk, uint64_t bytes_max, std::string start = "") {
    std::vector<FullSync::Chunk> chunks;
    do {
      absl::StatusOr<FullSync::Chunk> chunk = walk->Next(bytes_max);
      EXPECT_TRUE(chunk.ok());
      if (!chunk.ok()) break;
      EXPECT_EQ(chunk->range.start, start);
      start = chunk->range.end;
      EXPECT_EQ(start.empty(), chunk->last);
      for (const KeyedVersion& entry : chunk->entries) {
        EXPECT_GE(entry.key, chunk->range.start);
        if (!chunk->last) EXPECT_LT(entry.key, chunk->range.end);
      }
      chunks.push_back(*std::move(chunk));
    } while (!chunks.back().last);
    return chunks;
  }

  MemoryStorage storage_;
};

TEST_F(FullSyncTest, AnEmptyStoreIsOneEmptyRange) {
  FullSync walk(storage_.Snapshot(), "", FullSync::kAllBuckets);
  const auto chunks = All(&walk, 1);
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_TRUE(chunks[0].entries.empty());
}

TEST_F(FullSyncTest, SendsAllVersionsInTheOrderOfTheirKeysTombstonesAsWell) {
  Put("b", At(2, "two"));
  Put("a", At(9, "nine"));
  Put("c", At(1, std::nullopt));
  FullSync walk(storage_.Snapshot(), "", FullSync::kAllBuckets);
  Put("later", At(10, "ten"));
  const auto chunks = All(&walk, 1);
  ASSERT_EQ(chunks.size(), 3u);
  EXPECT_EQ(chunks[0].entries[0].key, "a");
  EXPECT_EQ(chunks[1].entries[0].key, "b");
  EXPECT_TRUE(chunks[2].entries[0].version.IsTombstone());
}

TEST_F(FullSyncTest, BeginsWhereItIsTold) {
  Put("a", At(1, "one"));
  Put("b", At(2, "two"));
  Put("c", At(3, "three"));
  FullSync walk(storage_.Snapshot(), "b", FullSync::kAllBuckets);
  const auto chunks = All(&walk, 1000, "b");
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_EQ(chunks[0].entries.size(), 2u);
}

TEST_F(FullSyncTest, ARepairSendsItsBucketsAndKnowsTheirHash) {
  ContentHash hash;
  for (int i = 0; i < 500; ++i) {
    const std::string key = absl::StrCat("k", i);
    Put(key, At(i + 1, "v"));
    hash.Add(key, *ContentHash::PartOf(key, At(i + 1, "v")));
  }
  const uint64_t buckets = uint64_t{1} << 3 | uint64_t{1} << 63;
  FullSync walk(storage_.Snapshot(), "", buckets);
  std::set<int> seen;
  for (const FullSync::Chunk& chunk : All(&walk, 20)) {
    for (const KeyedVersion& entry : chunk.entries) seen.insert(ContentHash::BucketOf(entry.key));
  }
  EXPECT_EQ(seen, (std::set<int>{3, 63}));
  EXPECT_EQ(walk.found().buckets()[3], hash.buckets()[3]);
  EXPECT_EQ(walk.found().buckets()[63], hash.buckets()[63]);
}

// A group of the node must not wait for a long way through keys of other buckets.
TEST_F(FullSyncTest, AChunkLooksAtABoundedNumberOfKeys) {
  WriteBatch batch;
  for (size_t i = 0; i < FullSync::kKeysMax + 10; ++i) {
    batch.Put(Space::kData, absl::StrCat("k", 1000000 + i), EncodeVersion(At(i + 1, "v")));
  }
  ASSERT_TRUE(storage_.Commit(batch, Durability::kSync).ok());
  FullSync walk(storage_.Snapshot(), "", 0);
  EXPECT_EQ(All(&walk, 1u << 30).size(), 2u);
}

TEST_F(FullSyncTest, DamagedVersionsAreReported) {
  WriteBatch batch;
  batch.Put(Space::kData, "x", "no version");
  ASSERT_TRUE(storage_.Commit(batch, Durability::kSync).ok());
  FullSync walk(storage_.Snapshot(), "", FullSync::kAllBuckets);
  EXPECT_EQ(walk.Next(1).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace lamppost::kv
