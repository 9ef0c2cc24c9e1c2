#include "services/kv/core/restore.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/kv/core/replica.h"
#include "services/kv/core/testing/store_audit.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::kv {
namespace {

const Origin kA{"A", uint64_t{1} << 32 | 5};
const Origin kB{"B", uint64_t{3} << 32 | 9};

// A store of a node that was away for none of this: values of each kind, a deletion, expiry, a request id.
class Source {
 public:
  Source() : table_(&storage_, &state_) {
    state_.heads = {{kA, 40}, {kB, 30}};
    state_.forgotten = {{kA, 12}};
    state_.clock_limit = 1 << 20;
    state_.incarnation = kA.incarnation;
    state_.birth = kA.incarnation;
    Put("a", {{20, kA}, Value{Value::Kind::kText, "text"}, Seen({{kB, 10}}, 20), {"id-1", 7}});
    Put("b", {{21, kB}, Value{Value::Kind::kData, std::string("\0\xff", 2)}, {}, {}});
    Put("c", {{22, kA}, std::nullopt, {}, {}});
    Put("d", {{23, kA}, Value{Value::Kind::kText, "soon"}, {}, {}, 1'700'000'000'000});
    WriteBatch batch;
    table_.WriteTo(&batch);
    batch.Put(Space::kMeta, std::string(kStateKey), EncodeState(state_));
    EXPECT_TRUE(storage_.Commit(batch, Durability::kSync).ok());
    table_.Committed();
  }

  const State& state() const { return state_; }
  const MemoryStorage& storage() const { return storage_; }
  std::vector<KeyedVersion> Versions() const {
    std::vector<KeyedVersion> versions;
    for (const auto& [key, version] : testing::Dump(storage_, testing::Tombstones::kIncluded)) {
      versions.push_back({key, version});
    }
    return versions;
  }

 private:
  void Put(const std::string& key, Version version) {
    EXPECT_TRUE(table_.Apply(key, std::move(version)).ok());
  }

  MemoryStorage storage_;
  State state_;
  Table table_;
};

void Commit(MemoryStorage* storage, const WriteBatch& batch) {
  ASSERT_TRUE(storage->Commit(batch, Durability::kSync).ok());
}

absl::StatusOr<std::unique_ptr<Replica>> OpenAs(const std::string& node_id, const MemoryStorage& storage) {
  ReplicaOptions options;
  options.node_id = node_id;
  options.cluster = "c";
  options.life_seed = 17;
  return Replica::Open(options, &storage);
}

TEST(RestorationTest, ARestoredStoreIsTheOneThatWasSaved) {
  const Source source;
  MemoryStorage storage;
  Restoration restoration({"A", "c"}, source.state());
  for (const KeyedVersion& entry : source.Versions()) {
    ASSERT_TRUE(restoration.Add(entry.key, entry.version).ok());
    EXPECT_GT(restoration.pending_bytes(), 0u);
    Commit(&storage, restoration.TakeBatch());
    EXPECT_EQ(restoration.pending_bytes(), 0u);
  }
  const auto last = restoration.Finish();
  ASSERT_TRUE(last.ok()) << last.status();
  Commit(&storage, *last);
  EXPECT_EQ(testing::Audit(storage), "");
  EXPECT_EQ(testing::Dump(storage, testing::Tombstones::kIncluded),
            testing::Dump(source.storage(), testing::Tombstones::kIncluded));
  for (const Space space : {Space::kIndex, Space::kTombstones, Space::kExpiries}) {
    const auto here = storage.Scan(space, "", "");
    const auto there = source.storage().Scan(space, "", "");
    for (; there->Valid(); there->Next(), here->Next()) {
      ASSERT_TRUE(here->Valid());
      EXPECT_EQ(here->key(), there->key());
    }
    EXPECT_FALSE(here->Valid());
  }
}

TEST(RestorationTest, TheNodeGoesOnFromTheSnapshotsHeadsAsANewLife) {
  const Source source;
  MemoryStorage storage;
  Restoration restoration({"A", "c"}, source.state());
  for (const KeyedVersion& entry : source.Versions())
    ASSERT_TRUE(restoration.Add(entry.key, entry.version).ok());
  Commit(&storage, *restoration.Finish());
  const auto replica = OpenAs("A", storage);
  ASSERT_TRUE(replica.ok()) << replica.status();
  const State& state = (*replica)->state();
  EXPECT_EQ(state.incarnation, 0u);
  EXPECT_EQ(state.birth, kA.incarnation);
  EXPECT_EQ(state.heads, source.state().heads);
  EXPECT_EQ(state.forgotten, source.state().forgotten);
  EXPECT_GE(state.clock_limit, 40u);
  EXPECT_LT(state.clock_limit, source.state().clock_limit);
  (*replica)->Begin(0, 0);
  Commit(&storage, (*replica)->TakeOutput().batch);
  (*replica)->Committed();
  (*replica)->Begin(10, 0);
  EXPECT_EQ((*replica)->me().life(), 2u);
}

TEST(RestorationTest, AnotherNodeMayBeMadeOfIt) {
  const Source source;
  MemoryStorage storage;
  Restoration restoration({"D", "c"}, source.state());
  for (const KeyedVersion& entry : source.Versions())
    ASSERT_TRUE(restoration.Add(entry.key, entry.version).ok());
  Commit(&storage, *restoration.Finish());
  const auto replica = OpenAs("D", storage);
  ASSERT_TRUE(replica.ok()) << replica.status();
  EXPECT_EQ((*replica)->state().birth, 0u);
  EXPECT_EQ(ErrorReason(OpenAs("A", storage).status()), "NODE_ID_MISMATCH");
}

TEST(RestorationTest, AnUnfinishedStoreIsNotOpened) {
  const Source source;
  MemoryStorage storage;
  Restoration restoration({"A", "c"}, source.state());
  const KeyedVersion first = source.Versions().front();
  ASSERT_TRUE(restoration.Add(first.key, first.version).ok());
  Commit(&storage, restoration.TakeBatch());
  EXPECT_EQ(ErrorReason(OpenAs("A", storage).status()), "FORMAT_UNKNOWN");
}

TEST(RestorationTest, WhatDoesNotBelongToTheStateIsDamage) {
  const Source source;
  const std::vector<KeyedVersion> versions = source.Versions();
  const auto finish = [&](const std::vector<KeyedVersion>& entries) {
    Restoration restoration({"A", "c"}, source.state());
    for (const KeyedVersion& entry : entries) {
      if (absl::Status status = restoration.Add(entry.key, entry.version); !status.ok()) return status;
    }
    return restoration.Finish().status();
  };
  EXPECT_TRUE(finish(versions).ok());
  std::vector<std::vector<KeyedVersion>> wrong(5, versions);
  wrong[0].pop_back();
  wrong[1].push_back({"e", versions[0].version});
  std::swap(wrong[2][0], wrong[2][1]);
  wrong[3][0].version.value->bytes = "texu";
  wrong[4][0].version.timestamp.counter = 1000;
  for (const auto& entries : wrong) {
    const absl::Status status = finish(entries);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(ErrorReason(status), "SNAPSHOT_DAMAGED");
  }
}

}  // namespace
}  // namespace lamppost::kv
