#include "services/kv/core/catch_up.h"

#include <map>
#include <random>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/kv/core/table.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::kv {
namespace {

const Origin kA{"A", 1};
const Origin kB{"B", 1};
constexpr uint64_t kAll = 1 << 20;

class CatchUpTest : public ::testing::Test {
 protected:
  void Write(const std::string& key, uint64_t counter, const Origin& origin, const std::string& text = "v") {
    Version version;
    version.timestamp = {counter, origin};
    version.value = Value{Value::Kind::kText, text};
    ASSERT_TRUE(table_.Apply(key, version).ok());
    WriteBatch batch;
    table_.WriteTo(&batch);
    ASSERT_TRUE(storage_.Commit(batch, Durability::kSync).ok());
    table_.Committed();
  }

  CatchUp Open(const Heads& from, const Heads& to) const { return CatchUp(storage_.Snapshot(), from, to); }

  static CatchUp::Chunk Next(CatchUp* catch_up, uint64_t bytes_max) {
    absl::StatusOr<CatchUp::Chunk> chunk = catch_up->Next(bytes_max);
    EXPECT_TRUE(chunk.ok()) << chunk.status();
    return chunk.ok() ? *std::move(chunk) : CatchUp::Chunk();
  }

  // "x@3@A.0 y@4@B.0"
  static std::string Told(const CatchUp::Chunk& chunk) {
    std::string text;
    for (const KeyedVersion& entry : chunk.entries) {
      absl::StrAppend(&text, text.empty() ? "" : " ", entry.key, entry.version.timestamp.counter,
                      entry.version.timestamp.origin.node_id);
    }
    return text;
  }

  MemoryStorage storage_;
  State state_;
  Table table_{&storage_, &state_};
};

TEST_F(CatchUpTest, AnEmptyStoreGivesOneEmptyLastChunk) {
  CatchUp catch_up = Open({}, {{kA, 7}});
  const CatchUp::Chunk chunk = Next(&catch_up, kAll);
  EXPECT_TRUE(chunk.last);
  EXPECT_TRUE(chunk.entries.empty());
  EXPECT_EQ(chunk.progress, 7u);
  EXPECT_EQ(chunk.from, Heads());
}

TEST_F(CatchUpTest, ComesInTheOrderOfTheCountersWhateverTheOrigin) {
  Write("a", 5, kA);
  Write("b", 1, kB);
  Write("c", 3, kA);
  Write("d", 4, kB);
  CatchUp catch_up = Open({}, {{kA, 5}, {kB, 4}});
  EXPECT_EQ(Told(Next(&catch_up, kAll)), "b1B c3A d4B a5A");
}

TEST_F(CatchUpTest, LeavesOutWhatTheReceiverHasAndWhatIsNotLive) {
  Write("a", 1, kA);
  Write("b", 2, kA);
  Write("b", 3, kA);
  Write("c", 4, kB);
  CatchUp catch_up = Open({{kA, 1}, {kB, 4}}, {{kA, 3}, {kB, 4}});
  EXPECT_EQ(Told(Next(&catch_up, kAll)), "b3A");
}

TEST_F(CatchUpTest, OneCounterNeverStraddlesTwoChunks) {
  for (const char* key : {"a", "b", "c"}) Write(key, 2, kA);
  Write("d", 2, kB);
  Write("e", 3, kA);
  CatchUp catch_up = Open({}, {{kA, 3}, {kB, 2}});
  const CatchUp::Chunk first = Next(&catch_up, 1);
  EXPECT_EQ(Told(first), "a2A b2A c2A d2B");
  EXPECT_FALSE(first.last);
  EXPECT_EQ(first.progress, 2u);
  const CatchUp::Chunk second = Next(&catch_up, 1);
  EXPECT_EQ(Told(second), "e3A");
  EXPECT_TRUE(second.last);
  EXPECT_EQ(second.from, (Heads{{kA, 2}, {kB, 2}}));
}

TEST_F(CatchUpTest, AChunkEndsAboutWhereItShould) {
  for (uint64_t i = 1; i <= 100; ++i) Write(absl::StrCat("k", i), i, kA, std::string(100, 'v'));
  CatchUp catch_up = Open({}, {{kA, 100}});
  size_t chunks = 0;
  size_t entries = 0;
  for (bool last = false; !last; ++chunks) {
    const CatchUp::Chunk chunk = Next(&catch_up, 1000);
    last = chunk.last;
    entries += chunk.entries.size();
    EXPECT_LE(chunk.bytes, 1200u);
    EXPECT_TRUE(last || chunk.bytes >= 1000);
  }
  EXPECT_EQ(entries, 100u);
  EXPECT_GE(chunks, 10u);
}

TEST_F(CatchUpTest, WritesAfterTheSnapshotAreNotInIt) {
  Write("a", 1, kA);
  CatchUp catch_up = Open({}, {{kA, 1}});
  Write("a", 2, kA);
  Write("b", 3, kA);
  EXPECT_EQ(Told(Next(&catch_up, kAll)), "a1A");
}

// A Sync that is still coming in has put entries in the store that the node's own heads do not cover.
// One of them may have replaced what `to` covers, so they go along.
TEST_F(CatchUpTest, EntriesThatToDoesNotCoverGoAlong) {
  Write("a", 1, kA);
  Write("a", 9, kB);
  Write("b", 2, kA);
  CatchUp catch_up = Open({}, {{kA, 2}});
  const CatchUp::Chunk first = Next(&catch_up, 1);
  EXPECT_EQ(Told(first), "b2A");
  const CatchUp::Chunk second = Next(&catch_up, 1);
  EXPECT_EQ(Told(second), "a9B");
  EXPECT_TRUE(second.last);
  EXPECT_EQ(second.from, (Heads{{kA, 2}})) << "heads never go beyond `to`";
}

TEST_F(CatchUpTest, MayLeaveOutWhatToDoesNotCover) {
  Write("a", 1, kA);
  Write("a", 9, kB);
  Write("b", 2, kA);
  Write("c", 3, kA);
  CatchUpOptions options;
  options.uncovered = CatchUpOptions::Uncovered::kLeftOut;
  CatchUp catch_up(storage_.Snapshot(), {}, {{kA, 2}, {kB, 8}}, options);
  const CatchUp::Chunk chunk = Next(&catch_up, kAll);
  EXPECT_EQ(Told(chunk), "b2A");
  EXPECT_TRUE(chunk.last);
  EXPECT_EQ(chunk.progress, 8u);
}

TEST_F(CatchUpTest, LooksAtKeysBeforeValuesAndPausesAmongOthers) {
  for (uint64_t i = 1; i <= 9; ++i) Write(absl::StrCat(i % 3 == 0 ? "wanted" : "other", i), i, kA);
  CatchUpOptions options;
  options.wants = [](absl::string_view key) { return key[0] == 'w'; };
  options.visits_max = 4;
  options.entries_max = 2;
  CatchUp catch_up(storage_.Snapshot(), {}, {{kA, 9}}, options);
  const CatchUp::Chunk first = Next(&catch_up, kAll);
  EXPECT_EQ(Told(first), "wanted33A");
  EXPECT_EQ(first.progress, 4u);
  const CatchUp::Chunk second = Next(&catch_up, kAll);
  EXPECT_EQ(Told(second), "wanted66A");
  EXPECT_EQ(second.progress, 8u);
  EXPECT_EQ(second.from, (Heads{{kA, 4}}));
  const CatchUp::Chunk last = Next(&catch_up, kAll);
  EXPECT_EQ(Told(last), "wanted99A");
  EXPECT_TRUE(last.last);
}

TEST_F(CatchUpTest, ReachedIsTheProgressWithinTo) {
  EXPECT_EQ(Reached({{kA, 5}, {kB, 2}}, 3), (Heads{{kA, 3}, {kB, 2}}));
  EXPECT_EQ(Reached({}, 3), Heads());
}

TEST_F(CatchUpTest, AnIndexEntryWithoutAVersionIsDataLoss) {
  WriteBatch batch;
  batch.Put(Space::kIndex, EncodeIndexKey({1, kA}, "gone"), "");
  ASSERT_TRUE(storage_.Commit(batch, Durability::kSync).ok());
  CatchUp catch_up = Open({}, {{kA, 1}});
  EXPECT_EQ(catch_up.Next(kAll).status().code(), absl::StatusCode::kDataLoss);
}

// Breaks catch-ups off at random places and goes on from the progress with later snapshots, while writes
// go on. At the end the receiver must have every key's version or a higher one.
TEST_F(CatchUpTest, ResumedOnLaterSnapshotsItMissesNothing) {
  std::mt19937_64 random(7);
  uint64_t counter = 0;
  Heads to;
  for (int round = 0; round < 200; ++round) {
    std::map<std::string, Timestamp> received;
    Heads reached;
    for (bool done = false; !done;) {
      for (uint64_t i = random() % 5; i > 0; --i) {
        const Origin& origin = random() % 2 == 0 ? kA : kB;
        Write(absl::StrCat("k", random() % 12), ++counter, origin);
        to.Raise(origin, counter);
      }
      CatchUp catch_up = Open(reached, to);
      for (uint64_t chunks = 1 + random() % 4; chunks > 0 && !done; --chunks) {
        const CatchUp::Chunk chunk = Next(&catch_up, 1 + random() % 40);
        ASSERT_TRUE(chunk.from.IsCoveredBy(reached));
        for (const KeyedVersion& entry : chunk.entries) {
          Timestamp& have = received[entry.key];
          have = std::max(have, entry.version.timestamp);
        }
        reached.RaiseAll(Reached(catch_up.to(), chunk.progress));
        done = chunk.last;
      }
    }
    for (auto cursor = storage_.Scan(Space::kData, "", ""); cursor->Valid(); cursor->Next()) {
      const Version version = *DecodeVersion(cursor->value());
      ASSERT_EQ(received[std::string(cursor->key())], version.timestamp) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace lamppost::kv
