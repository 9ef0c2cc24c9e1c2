#include "services/kv/core/table.h"

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/kv/core/testing/store_audit.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::kv {
namespace {

using testing::Audit;

class TableTest : public ::testing::Test {
 protected:
  static Version At(uint64_t counter, std::optional<std::string> text, const std::string& node_id = "A") {
    Version version;
    version.timestamp = {counter, {node_id, 1}};
    if (text) version.value = Value{Value::Kind::kText, *std::move(text)};
    return version;
  }

  Merge Apply(const std::string& key, Version version) {
    const absl::StatusOr<Merge> merge = table_.Apply(key, std::move(version));
    EXPECT_TRUE(merge.ok()) << merge.status();
    return merge.value_or(Merge::kSame);
  }

  // Ends the group, and checks that the store's records agree.
  size_t Commit() {
    WriteBatch batch;
    table_.WriteTo(&batch);
    const size_t operations = batch.operations().size();
    batch.Put(Space::kMeta, std::string(kStateKey), EncodeState(state_));
    EXPECT_TRUE(storage_.Commit(batch, Durability::kSync).ok());
    table_.Committed();
    EXPECT_FALSE(table_.HasChanges());
    EXPECT_EQ(Audit(storage_), "");
    return operations;
  }

  std::string TextOf(const std::string& key) {
    const absl::StatusOr<const Version*> found = table_.Find(key);
    EXPECT_TRUE(found.ok());
    if (!found.ok() || *found == nullptr) return "absent";
    return (*found)->value ? (*found)->value->bytes : "deleted";
  }

  MemoryStorage storage_;
  State state_;
  Table table_{&storage_, &state_};
};

TEST_F(TableTest, FindsWhatTheGroupHasWrittenAndLaterWhatIsStored) {
  EXPECT_EQ(TextOf("x"), "absent");
  EXPECT_FALSE(table_.HasChanges());
  EXPECT_EQ(Apply("x", At(1, "one")), Merge::kReplaces);
  EXPECT_TRUE(table_.HasChanges());
  EXPECT_EQ(TextOf("x"), "one");
  Commit();
  EXPECT_EQ(TextOf("x"), "one");
  Apply("x", At(2, std::nullopt));
  EXPECT_EQ(TextOf("x"), "deleted");
  Commit();
  EXPECT_EQ(TextOf("x"), "deleted");
  EXPECT_EQ(state_.keys, 0u);
  EXPECT_EQ(state_.tombstones, 1u);
}

TEST_F(TableTest, ALowerVersionChangesNothing) {
  Apply("x", At(5, "five"));
  Commit();
  EXPECT_EQ(Apply("x", At(4, "four", "B")), Merge::kLosesConcurrent);
  EXPECT_EQ(Apply("x", At(5, "five")), Merge::kSame);
  EXPECT_FALSE(table_.HasChanges());
  EXPECT_EQ(Commit(), 0u);
  EXPECT_EQ(TextOf("x"), "five");
}

TEST_F(TableTest, AKeyIsWrittenOnceHoweverOftenItChangesInAGroup) {
  Apply("x", At(1, "1"));
  Apply("x", At(2, std::nullopt));
  Apply("x", At(3, "3"));
  EXPECT_EQ(Commit(), 2u) << "its version and its index entry";
  Apply("x", At(4, "4"));
  Apply("x", At(5, "5"));
  EXPECT_EQ(Commit(), 3u) << "and the index entry before is taken away";
  EXPECT_EQ(state_.keys, 1u);
  EXPECT_EQ(state_.max_write, 5u);
}

TEST_F(TableTest, CountsIndexAndHashStayInStepUnderRandomWrites) {
  std::mt19937_64 random(6);
  for (int group = 0; group < 300; ++group) {
    for (uint64_t i = random() % 6; i > 0; --i) {
      const std::string key = absl::StrCat("k", random() % 8);
      const std::optional<std::string> text =
          random() % 3 == 0 ? std::nullopt : std::make_optional(absl::StrCat(random() % 100));
      Apply(key, At(1 + random() % 500, text, random() % 2 == 0 ? "A" : "B"));
    }
    Commit();
    ASSERT_FALSE(HasFailure()) << "group " << group;
  }
}

// Whether it comes from the group, from the cache or from the store.
TEST_F(TableTest, FindsAVersionThatReachesBeyondTheHeads) {
  const Origin a{"A", 1};
  const Origin b{"B", 1};
  const auto beyond = [](Table* table) {
    const absl::StatusOr<const Version*> found = table->FindBeyondHeads("x");
    return found.ok() && *found != nullptr ? (*found)->timestamp.counter : 0;
  };
  state_.heads = {{a, 3}, {b, 9}};
  EXPECT_EQ(beyond(&table_), 0u) << "there is none";
  Version version = At(9, "v", "B");
  version.seen = Seen(Heads{{a, 5}}, 9);
  Apply("x", version);
  EXPECT_EQ(beyond(&table_), 9u) << "its writer had seen more of A";
  Commit();
  EXPECT_EQ(beyond(&table_), 9u);
  Table fresh(&storage_, &state_);
  EXPECT_EQ(beyond(&fresh), 9u);
  state_.heads.Raise(a, 5);
  EXPECT_EQ(beyond(&table_), 0u);
  EXPECT_EQ(beyond(&fresh), 0u);
}

TEST_F(TableTest, DamagedDataIsReportedAndChangesNothing) {
  WriteBatch batch;
  batch.Put(Space::kData, "x", "garbage");
  ASSERT_TRUE(storage_.Commit(batch, Durability::kSync).ok());
  EXPECT_EQ(table_.Find("x").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(table_.Apply("x", At(1, "v")).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(table_.HasChanges());
  EXPECT_EQ(state_.keys, 0u);
}

TEST_F(TableTest, DroppedKeysLeaveNothingBehind) {
  Apply("x", At(1, "one"));
  Apply("y", At(2, std::nullopt));
  Apply("z", At(3, "three"));
  Commit();
  ASSERT_TRUE(table_.Drop("x").ok());
  ASSERT_TRUE(table_.Drop("y").ok());
  ASSERT_TRUE(table_.Drop("never there").ok());
  EXPECT_EQ(TextOf("x"), "absent");
  EXPECT_EQ(TextOf("y"), "absent");
  Commit();
  EXPECT_EQ(TextOf("x"), "absent");
  EXPECT_EQ(state_.keys, 1u);
  EXPECT_EQ(state_.tombstones, 0u);
}

// Also when the cache knew it, and when the same group drops what it has written.
TEST_F(TableTest, ADroppedKeyIsWrittenAsANewOne) {
  Apply("x", At(9, "nine"));
  Commit();
  ASSERT_TRUE(table_.Drop("x").ok());
  EXPECT_EQ(Apply("x", At(2, "two")), Merge::kReplaces);
  Apply("y", At(3, "three"));
  ASSERT_TRUE(table_.Drop("y").ok());
  Commit();
  EXPECT_EQ(TextOf("x"), "two");
  EXPECT_EQ(TextOf("y"), "absent");
  ASSERT_TRUE(table_.Drop("x").ok());
  EXPECT_EQ(Apply("x", At(2, "two")), Merge::kReplaces) << "the same version comes back in the same group";
  Commit();
  EXPECT_EQ(TextOf("x"), "two");
}

TEST_F(TableTest, ATombstoneGivesWayToAnotherOfTheSameCounter) {
  Apply("x", At(5, std::nullopt, "A"));
  Commit();
  Apply("x", At(5, std::nullopt, "B"));
  Commit();
  Apply("x", At(6, "six"));
  Commit();
  EXPECT_EQ(state_.tombstones, 0u);
}

TEST_F(TableTest, TheStoresOwnKeysAreNotCounted) {
  const std::string own("\0own", 4);
  Apply(own, At(1, "one"));
  Commit();
  EXPECT_EQ(state_.keys, 0u);
  Apply(own, At(2, std::nullopt));
  Commit();
  EXPECT_EQ(state_.tombstones, 0u);
  ASSERT_TRUE(table_.Drop(own).ok());
  Commit();
}

TEST_F(TableTest, ARepairTakesTheHigherVersionAndOneOfTwoThatShareATimestamp) {
  const auto repair = [this](const std::string& key, const Version& version) {
    const absl::StatusOr<bool> changed = table_.Repair(key, version);
    EXPECT_TRUE(changed.ok());
    return changed.value_or(false);
  };
  Apply("x", At(5, "five"));
  Commit();
  EXPECT_FALSE(repair("x", At(4, "four")));
  EXPECT_FALSE(repair("x", At(5, "five")));
  const bool takes_other = repair("x", At(5, "FIVE"));
  MemoryStorage other_storage;
  State other_state;
  Table other(&other_storage, &other_state);
  ASSERT_TRUE(other.Apply("x", At(5, "FIVE")).ok());
  EXPECT_NE(takes_other, *other.Repair("x", At(5, "five"))) << "both nodes decide for the same";
  EXPECT_EQ(state_.hash, other_state.hash);
  Commit();
  EXPECT_TRUE(repair("x", At(6, std::nullopt)));
  EXPECT_TRUE(repair("absent", At(1, "one")));
  Commit();
}

// Commit holds the list of expiries against the versions.
TEST_F(TableTest, ExpiriesAreKeptInStep) {
  const auto expiring = [](uint64_t counter, uint64_t expires_unix_ms) {
    Version version = At(counter, "v");
    version.expires_unix_ms = expires_unix_ms;
    return version;
  };
  Apply("x", expiring(1, 500));
  Apply("y", expiring(2, 600));
  Commit();
  EXPECT_TRUE(*table_.HasValue("x", 499));
  EXPECT_FALSE(*table_.HasValue("x", 500));
  Apply("x", expiring(3, 500));  // the same moment again
  Apply("y", At(4, "stays"));
  Commit();
  EXPECT_TRUE(*table_.HasValue("y", UINT64_MAX));
  Apply("y", expiring(5, 700));
  Apply("y", expiring(6, 800));  // within one group
  Apply("x", At(7, std::nullopt));
  Commit();
  EXPECT_FALSE(*table_.HasValue("x", 0));
  EXPECT_TRUE(*table_.HasValue("y", 799));
}

TEST_F(TableTest, ChangedSystemKeysAreTold) {
  const std::string record = MemberKey("A");
  Apply("x", At(1, "1"));
  Apply(record, At(2, "member"));
  EXPECT_EQ(table_.TakeChangedSystemKeys(), std::vector<std::string>{record});
  Commit();
  EXPECT_EQ(state_.keys, 1u);
  Apply(record, At(1, "older"));
  EXPECT_TRUE(table_.TakeChangedSystemKeys().empty());
  Apply(record, At(3, "newer"));
  EXPECT_EQ(table_.TakeChangedSystemKeys().size(), 1u);
  Commit();
  EXPECT_EQ(state_.keys, 1u);
}

}  // namespace
}  // namespace lamppost::kv
