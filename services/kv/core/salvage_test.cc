#include "services/kv/core/salvage.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/kv/core/replica.h"
#include "services/kv/core/testing/store_audit.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::kv {
namespace {

constexpr uint64_t kLife = (uint64_t{3} << 32) | 7;

Version At(uint64_t counter, std::optional<std::string> text, const Origin& origin) {
  Version version;
  version.timestamp = {counter, origin};
  if (text) version.value = Value{Value::Kind::kText, *std::move(text)};
  return version;
}

class SalvageTest : public ::testing::Test {
 protected:
  SalvageTest() {
    state_.clock_limit = 1000;
    state_.incarnation = kLife;
    state_.birth = 1;
    state_.heads = {{{"A", kLife}, 90}, {{"B", 5}, 80}};
    state_.forgotten = {{{"B", 5}, 40}};
    state_.max_write = 90;
    WriteBatch batch;
    batch.Put(Space::kMeta, std::string(kFormatKey), absl::StrCat(kFormatVersion));
    batch.Put(Space::kMeta, std::string(kIdentityKey), EncodeIdentity({"A", "test"}));
    batch.Put(Space::kMeta, std::string(kStateKey), EncodeState(state_));
    Write(batch);
  }

  void Write(const WriteBatch& batch) { ASSERT_TRUE(storage_.Commit(batch, Durability::kSync).ok()); }
  void PutData(const std::string& key, std::string bytes) {
    WriteBatch batch;
    batch.Put(Space::kData, key, std::move(bytes));
    Write(batch);
  }

  // The number of batches.
  int Run(int batches_max = INT32_MAX) {
    Salvage salvage(&storage_);
    int batches = 0;
    for (; batches < batches_max; ++batches) {
      WriteBatch batch;
      const absl::StatusOr<bool> more = salvage.Next(&batch);
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) break;
      EXPECT_LE(batch.operations().size(), 3100u) << "a batch is bounded";
      Write(batch);
    }
    removed_ = salvage.removed();
    return batches;
  }

  State Stored() const { return *DecodeState(**storage_.Get(Space::kMeta, kStateKey)); }

  absl::Status Open() const {
    ReplicaOptions options;
    options.node_id = "A";
    options.cluster = "test";
    return Replica::Open(options, &storage_).status();
  }

  MemoryStorage storage_;
  State state_;
  size_t removed_ = 0;
};

TEST_F(SalvageTest, MakesRecordsThatAgreeAndClaimsNothing) {
  PutData("x", EncodeVersion(At(90, "x", {"A", kLife})));
  PutData("y", EncodeVersion(At(80, std::nullopt, {"B", 5})));
  Version expiring = At(70, "z", {"B", 5});
  expiring.expires_unix_ms = 5000;
  PutData("z", EncodeVersion(expiring));
  WriteBatch wrong;
  wrong.Put(Space::kIndex, "an entry without a version", "");
  wrong.Put(Space::kTombstones, EncodeTombstoneKey(3, "gone"), "");
  wrong.Put(Space::kExpiries, EncodeExpiryKey("B", 1, "gone"), "");
  Write(wrong);
  Run();
  EXPECT_EQ(testing::Audit(storage_), "");
  const State state = Stored();
  EXPECT_TRUE(state.heads.empty());
  EXPECT_TRUE(state.refilling);
  EXPECT_EQ(state.forgotten, state_.forgotten);
  EXPECT_EQ(state.incarnation, kLife);
  EXPECT_EQ(state.birth, 1u);
  EXPECT_EQ(state.clock_limit, 1000u);
  EXPECT_EQ(state.keys, 2u);
  EXPECT_EQ(state.tombstones, 1u);
  const auto expiries = storage_.Scan(Space::kExpiries, "", "");
  ASSERT_TRUE(expiries->Valid());
  EXPECT_EQ(expiries->key(), EncodeExpiryKey("B", 5000, "z"));
  EXPECT_EQ(removed_, 0u);
  EXPECT_TRUE(Open().ok());
}

TEST_F(SalvageTest, TakesAwayWhatCannotBeDecoded) {
  PutData("x", "no version");
  PutData("y", EncodeVersion(At(80, "y", {"B", 5})));
  WriteBatch batch;
  batch.Put(Space::kRequests, "12345678", "no request");
  Write(batch);
  Run();
  EXPECT_EQ(removed_, 1u);
  EXPECT_FALSE(storage_.Scan(Space::kRequests, "", "")->Valid()) << "what came of a request may be lost";
  EXPECT_EQ(testing::Audit(storage_), "");
  EXPECT_EQ(Stored().keys, 1u);
  EXPECT_TRUE(Open().ok());
}

TEST_F(SalvageTest, OneThatBrokeOffIsRefusedAndDoneAgain) {
  for (int i = 0; i < 5000; ++i) PutData(absl::StrCat("k", i), EncodeVersion(At(i + 1, "v", {"B", 5})));
  Run(3);
  EXPECT_EQ(ErrorReason(Open()), "SALVAGE_UNFINISHED");
  EXPECT_GT(Run(), 3);
  EXPECT_TRUE(Open().ok());
  EXPECT_EQ(testing::Audit(storage_), "");
}

TEST_F(SalvageTest, WithoutAStateTheVersionsTellTheLeastThatItMustHaveBeen) {
  PutData("x", EncodeVersion(At(5000, "x", {"A", kLife})));
  WriteBatch batch;
  batch.Put(Space::kMeta, std::string(kStateKey), "no state");
  Write(batch);
  Run();
  EXPECT_GE(Stored().clock_limit, 5000u);
  EXPECT_EQ(Stored().incarnation, kLife);
  EXPECT_EQ(Stored().birth, kLife);
  EXPECT_TRUE(Open().ok());
}

TEST_F(SalvageTest, NobodyKnowsWhoseDataItIsWithoutAnIdentity) {
  WriteBatch batch;
  batch.Put(Space::kMeta, std::string(kIdentityKey), "");
  Write(batch);
  Salvage salvage(&storage_);
  WriteBatch first;
  EXPECT_EQ(salvage.Next(&first).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace lamppost::kv
