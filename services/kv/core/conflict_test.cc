#include "services/kv/core/conflict.h"

#include <string>

#include "gtest/gtest.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/record.h"

namespace lamppost::kv {
namespace {

Conflict Example() {
  Conflict conflict;
  conflict.key = "x";
  conflict.loser.timestamp = {10, {"A", 1}};
  conflict.loser.value = Value{Value::Kind::kData, std::string("\0\xff", 2)};
  conflict.loser.expires_unix_ms = 1234;
  conflict.winner.timestamp = {11, {"B", 2}};
  conflict.winner.seen = Seen({{{"B", 2}, 3}});
  conflict.found_unix_ms = 1'800'000'000'000;
  conflict.resolution = Resolution::kLoserKept;
  return conflict;
}

Version Stored(const Conflict& conflict) {
  Version version;
  version.timestamp = {20, {"C", 1}};
  version.value = Value{Value::Kind::kData, EncodeConflict(conflict)};
  return version;
}

TEST(Conflict, SurvivesItsBytes) {
  const Conflict conflict = Example();
  const auto read = DecodeConflict(EncodeConflict(conflict));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, conflict);
}

TEST(Conflict, BytesThatAreNoneAreDamage) {
  const std::string bytes = EncodeConflict(Example());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(DecodeConflict(bytes.substr(0, size)).status())) << size;
  }
  EXPECT_FALSE(DecodeConflict(bytes + "x").ok());
  std::string other = bytes;
  other[0] = 9;
  EXPECT_FALSE(DecodeConflict(other).ok()) << "no such resolution";
  Conflict turned = Example();
  std::swap(turned.loser, turned.winner);
  EXPECT_FALSE(DecodeConflict(EncodeConflict(turned)).ok()) << "the higher one does not lose";
}

TEST(Conflict, BelongsUnderItsOwnKey) {
  const Conflict conflict = Example();
  const std::string key = ConflictKey(conflict.loser.timestamp, conflict.key);
  EXPECT_TRUE(ReadConflict(key, Stored(conflict)).ok());
  EXPECT_FALSE(ReadConflict(ConflictKey(conflict.loser.timestamp, "y"), Stored(conflict)).ok());
  EXPECT_FALSE(ReadConflict(ConflictKey(conflict.winner.timestamp, "x"), Stored(conflict)).ok());
  EXPECT_FALSE(ReadConflict(key, Version()).ok());
}

TEST(Conflict, KeysAreTheStoresOwnAndInTheOrderOfTheLosers) {
  const std::string key = ConflictKey({255, {std::string(kNodeIdBytesMax, 'n'), UINT64_MAX}}, "\xc3\xa4");
  EXPECT_TRUE(IsConflictKey(key));
  EXPECT_TRUE(IsLedgerKey(key));
  EXPECT_TRUE(IsSystemKey(key));
  EXPECT_TRUE(CheckStoredKey(key).ok());
  EXPECT_LT(ConflictKey({255, {"B", 1}}, "x"), ConflictKey({256, {"A", 1}}, "x"));
  EXPECT_NE(ConflictKey({255, {"B", 1}}, "x"), ConflictKey({255, {"B", 1}}, "y"));
  const std::string dropped = LedgerDroppedKey(std::string(kNodeIdBytesMax, 'n'));
  EXPECT_TRUE(IsLedgerKey(dropped));
  EXPECT_TRUE(CheckStoredKey(dropped).ok());
  EXPECT_FALSE(IsConflictKey(dropped));
  EXPECT_FALSE(IsLedgerKey("conflict/x"));
}

TEST(Conflict, TheRuleIsTheFirstPartThatDiffers) {
  Conflict conflict;
  conflict.loser.timestamp = {10, {"A", 1}};
  conflict.winner.timestamp = {11, {"A", 1}};
  EXPECT_EQ(RuleOf(conflict), DecidedBy::kCounter);
  conflict.winner.timestamp = {10, {"B", 1}};
  EXPECT_EQ(RuleOf(conflict), DecidedBy::kNodeId);
  conflict.winner.timestamp = {10, {"A", 2}};
  EXPECT_EQ(RuleOf(conflict), DecidedBy::kIncarnation);
}

TEST(LedgerDropped, SurvivesItsBytes) {
  const auto read = DecodeLedgerDropped(EncodeLedgerDropped(300));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, 300u);
  EXPECT_TRUE(absl::IsDataLoss(DecodeLedgerDropped("").status()));
  EXPECT_FALSE(DecodeLedgerDropped(EncodeLedgerDropped(300) + "x").ok());
}

// A node that has lost its disk begins to count before it has its own number back.
TEST(LedgerDropped, DoesNotFall) {
  const std::string key = LedgerDroppedKey("A");
  EXPECT_EQ(CorrectedLedgerRecord(key, EncodeLedgerDropped(9), EncodeLedgerDropped(300)),
            EncodeLedgerDropped(300));
  EXPECT_FALSE(CorrectedLedgerRecord(key, EncodeLedgerDropped(300), EncodeLedgerDropped(9)));
  EXPECT_FALSE(CorrectedLedgerRecord(key, EncodeLedgerDropped(300), EncodeLedgerDropped(300)));
}

TEST(Conflict, ASettlementStays) {
  const Conflict settled = Example();
  Conflict open = settled;
  open.resolution = Resolution::kOpen;
  open.found_unix_ms += 5;
  const std::string key = ConflictKey(open.loser.timestamp, open.key);
  const auto corrected = CorrectedLedgerRecord(key, EncodeConflict(open), EncodeConflict(settled));
  ASSERT_TRUE(corrected);
  EXPECT_EQ(DecodeConflict(*corrected)->resolution, settled.resolution);
  EXPECT_FALSE(CorrectedLedgerRecord(key, EncodeConflict(settled), EncodeConflict(open)));
  EXPECT_FALSE(CorrectedLedgerRecord(key, EncodeConflict(open), EncodeConflict(open)));
}

}  // namespace
}  // namespace lamppost::kv
