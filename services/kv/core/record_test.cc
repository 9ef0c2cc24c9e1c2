#include "services/kv/core/record.h"

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "services/common/error.h"

namespace lamppost::kv {
namespace {

const Origin kA{"A", uint64_t{1} << 32 | 77};
const Origin kB{"node-B", UINT64_MAX};

Version FullVersion(std::optional<Value> value) {
  Version version;
  version.timestamp = {300, kA};
  version.value = std::move(value);
  version.seen = Seen({{kA, 299}, {kB, 12}}, 300);
  version.request = {"req-1", 0xFEDCBA9876543210u, RequestTag::Before::kPresent};
  return version;
}

std::vector<Version> SomeVersions() {
  Version plain;
  plain.timestamp = {1, kB};
  Version largest;
  largest.timestamp = {UINT64_MAX, kB};
  largest.value = Value{Value::Kind::kData, std::string("\0\xFF\x80 bytes", 9)};
  largest.seen = Seen(std::vector<Seen::Entry>{{kA, UINT64_MAX}});
  return {plain,
          largest,
          FullVersion(std::nullopt),
          FullVersion(Value{Value::Kind::kText, ""}),
          FullVersion(Value{Value::Kind::kText, "text"}),
          FullVersion(Value{Value::Kind::kData, "text"})};
}

State SomeState() {
  State state;
  state.clock_limit = 1 << 20;
  state.incarnation = kA.incarnation;
  state.heads = {{kA, 300}, {kB, 0}};
  state.keys = 2;
  state.tombstones = 1;
  state.max_write = 299;
  state.hash.Add("x", *ContentHash::PartOf("x", FullVersion(Value{Value::Kind::kText, "1"})));
  return state;
}

// A kind of record: an example, and whether bytes can be decoded; the status must be OK or DATA_LOSS.
struct Kind {
  const char* name;
  std::string example;
  std::function<absl::Status(absl::string_view)> decode;
  bool ends_with_text;  // a shorter record may be a valid one
};

std::vector<Kind> Kinds() {
  const auto version = [](absl::string_view bytes) { return DecodeVersion(bytes).status(); };
  return {
      {"version", EncodeVersion(FullVersion(Value{Value::Kind::kText, "value"})), version, true},
      {"tombstone", EncodeVersion(FullVersion(std::nullopt)), version, false},
      {"identity", EncodeIdentity({"A", "cluster"}),
       [](absl::string_view bytes) { return DecodeIdentity(bytes).status(); }, false},
      {"state", EncodeState(SomeState()), [](absl::string_view bytes) { return DecodeState(bytes).status(); },
       false},
      {"members", EncodeMembers({{"b:1", "B"}, {"c:1", "C"}}),
       [](absl::string_view bytes) { return DecodeMembers(bytes).status(); }, false},
      {"request", EncodeRequest({{"id", 5, RequestTag::Before::kAbsent}, {7, kA}}),
       [](absl::string_view bytes) { return DecodeRequest(bytes).status(); }, false},
      {"index", EncodeIndexKey({7, kA}, "key"),
       [](absl::string_view bytes) { return DecodeIndexKey(bytes).status(); }, true},
  };
}

TEST(RecordTest, VersionsComeBackAsTheyWere) {
  for (const Version& version : SomeVersions()) {
    const absl::StatusOr<Version> decoded = DecodeVersion(EncodeVersion(version));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(*decoded, version);
  }
}

TEST(RecordTest, TheOtherRecordsComeBackAsTheyWere) {
  const absl::StatusOr<Identity> identity = DecodeIdentity(EncodeIdentity({"A", "c"}));
  ASSERT_TRUE(identity.ok());
  EXPECT_EQ(std::tie(identity->node_id, identity->cluster), std::make_tuple("A", "c"));

  const State state = SomeState();
  const absl::StatusOr<State> decoded = DecodeState(EncodeState(state));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->clock_limit, state.clock_limit);
  EXPECT_EQ(decoded->incarnation, state.incarnation);
  EXPECT_EQ(decoded->heads, state.heads);
  EXPECT_EQ(decoded->keys, state.keys);
  EXPECT_EQ(decoded->tombstones, state.tombstones);
  EXPECT_EQ(decoded->max_write, state.max_write);
  EXPECT_EQ(decoded->hash, state.hash);

  const absl::StatusOr<std::vector<Member>> members =
      DecodeMembers(EncodeMembers({{"b:1", "B"}, {"c:1", ""}}));
  ASSERT_TRUE(members.ok());
  ASSERT_EQ(members->size(), 2u);
  EXPECT_EQ((*members)[1].address, "c:1");
  EXPECT_EQ((*members)[0].node_id, "B");

  const RequestRecord request{{"id", UINT64_MAX, RequestTag::Before::kPresent}, {7, kA}};
  const absl::StatusOr<RequestRecord> again = DecodeRequest(EncodeRequest(request));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->tag, request.tag);
  EXPECT_EQ(again->version, request.version);
}

TEST(RecordTest, EveryTruncationIsDataLoss) {
  for (const Kind& kind : Kinds()) {
    ASSERT_TRUE(kind.decode(kind.example).ok()) << kind.name;
    for (size_t size = 0; size < kind.example.size(); ++size) {
      const absl::Status status = kind.decode(absl::string_view(kind.example).substr(0, size));
      if (status.ok() && kind.ends_with_text) continue;
      ASSERT_EQ(status.code(), absl::StatusCode::kDataLoss) << kind.name << " cut to " << size;
      EXPECT_EQ(ErrorReason(status), "DATA_CORRUPT");
    }
  }
}

TEST(RecordTest, BytesLeftOverAreDataLoss) {
  for (const Kind& kind : Kinds()) {
    if (kind.ends_with_text) continue;
    EXPECT_EQ(kind.decode(kind.example + '\0').code(), absl::StatusCode::kDataLoss) << kind.name;
  }
}

// Whatever the bytes: an error or a record, and no crash, no endless loop, no huge allocation.
TEST(RecordTest, DamagedBytesAreReadOrRefused) {
  std::mt19937_64 random(4);
  for (const Kind& kind : Kinds()) {
    for (int i = 0; i < 20000; ++i) {
      std::string bytes = kind.example;
      if (i % 2 == 0) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
      } else {
        bytes.resize(random() % 64);
        for (char& byte : bytes) byte = static_cast<char>(random());
      }
      const absl::Status status = kind.decode(bytes);
      ASSERT_TRUE(status.ok() || status.code() == absl::StatusCode::kDataLoss) << kind.name << " " << status;
    }
  }
}

TEST(RecordTest, ACountThatCannotBeTrueAllocatesNothing) {
  std::string bytes(1, '\0');  // a tombstone
  PutVarint(1, &bytes);
  PutOrigin(kA, &bytes);
  PutVarint(UINT64_MAX, &bytes);  // so many entries in `seen`
  EXPECT_EQ(DecodeVersion(bytes).status().code(), absl::StatusCode::kDataLoss);
}

TEST(RecordTest, UnknownFlagsAndKindsAreDataLoss) {
  for (const int flags : {0x03, 0x04, 0x08, 0x20, 0x40}) {
    std::string bytes = EncodeVersion(SomeVersions()[0]);
    bytes[0] = static_cast<char>(flags);
    EXPECT_EQ(DecodeVersion(bytes).status().code(), absl::StatusCode::kDataLoss) << flags;
  }
}

TEST(RecordTest, OnlyADeletionLapses) {
  Version version;
  version.timestamp = {1, kB};
  version.lapsed = true;
  EXPECT_EQ(*DecodeVersion(EncodeVersion(version)), version);
  version.value = Value{Value::Kind::kText, "x"};
  EXPECT_EQ(DecodeVersion(EncodeVersion(version)).status().code(), absl::StatusCode::kDataLoss);
}

// It would be written again without its fingerprint: another record.
TEST(RecordTest, AVersionOfAnEmptyRequestIdIsDataLoss) {
  Version version = FullVersion(std::nullopt);
  version.request = {};
  std::string bytes = EncodeVersion(version);
  ASSERT_TRUE(DecodeVersion(bytes).ok());
  bytes[0] = static_cast<char>(bytes[0] | 0x10);  // a request follows:
  bytes.append(
      "\0"
      "fingerpr"
      "\1",
      10);  // no id
  EXPECT_EQ(DecodeVersion(bytes).status().code(), absl::StatusCode::kDataLoss);
}

// Peers get them in order, each origin once: they would get another version.
TEST(RecordTest, OriginsSeenOutOfOrderOrTwiceAreDataLoss) {
  for (const auto& lags : {std::vector<Seen::Entry>{{kB, 1}, {kA, 1}}, {{kA, 1}, {kA, 2}}}) {
    Version version = FullVersion(std::nullopt);
    version.seen = Seen(lags);
    EXPECT_EQ(DecodeVersion(EncodeVersion(version)).status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(RecordTest, VarintsBeyond64BitsAreRefused) {
  const std::string largest = std::string(9, '\xFF') + '\x01';
  EXPECT_EQ(Decoder(largest).Varint(), UINT64_MAX);
  const std::string beyond = std::string(9, '\xFF') + '\x02';
  Decoder decoder(beyond);
  EXPECT_EQ(decoder.Varint(), 0u);
  EXPECT_FALSE(decoder.ok());
  const std::string endless(20, '\x80');
  Decoder other(endless);
  other.Varint();
  EXPECT_FALSE(other.ok());
}

std::vector<IndexKey> SomeIndexKeys() {
  std::vector<IndexKey> all;
  for (const char* node_id : {"A", "A.", "AB", "B", "a"}) {
    for (const uint64_t incarnation : {uint64_t{1}, uint64_t{255}, uint64_t{256}, UINT64_MAX}) {
      for (const uint64_t counter : {uint64_t{1}, uint64_t{255}, uint64_t{256}, UINT64_MAX}) {
        for (const char* key : {"a", "ab", "b", "\xC3\xA9"})
          all.push_back({{counter, {node_id, incarnation}}, key});
      }
    }
  }
  return all;
}

TEST(IndexKeyTest, SortsByOriginThenCounterThenKey) {
  std::vector<IndexKey> all = SomeIndexKeys();
  const auto order = [](const IndexKey& key) {
    return std::tie(key.timestamp.origin.node_id, key.timestamp.origin.incarnation, key.timestamp.counter,
                    key.key);
  };
  std::sort(all.begin(), all.end(),
            [&](const IndexKey& a, const IndexKey& b) { return order(a) < order(b); });
  for (size_t i = 1; i < all.size(); ++i) {
    EXPECT_LT(EncodeIndexKey(all[i - 1].timestamp, all[i - 1].key),
              EncodeIndexKey(all[i].timestamp, all[i].key));
  }
}

TEST(IndexKeyTest, ComesBackAsItWasAndLiesInItsOriginsRange) {
  for (const IndexKey& index : SomeIndexKeys()) {
    const std::string bytes = EncodeIndexKey(index.timestamp, index.key);
    const absl::StatusOr<IndexKey> decoded = DecodeIndexKey(bytes);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->timestamp, index.timestamp);
    EXPECT_EQ(decoded->key, index.key);
    const Origin& origin = index.timestamp.origin;
    EXPECT_LE(IndexStart(origin, index.timestamp.counter), bytes);
    EXPECT_LT(bytes, IndexEnd(origin));
    for (const IndexKey& other : SomeIndexKeys()) {
      if (other.timestamp.origin == origin) continue;
      const bool inside =
          IndexStart(other.timestamp.origin, 0) <= bytes && bytes < IndexEnd(other.timestamp.origin);
      ASSERT_FALSE(inside) << ToString(index.timestamp) << " " << ToString(other.timestamp);
    }
  }
}

TEST(RecordTest, TombstoneKeysAreOrderedByCounterThenKey) {
  EXPECT_LT(EncodeTombstoneKey(9, "z"), EncodeTombstoneKey(10, "a"));
  EXPECT_LT(EncodeTombstoneKey(255, "z"), EncodeTombstoneKey(256, "a"));
  EXPECT_LT(EncodeTombstoneKey(9, "a"), EncodeTombstoneKey(9, "b"));
  const absl::StatusOr<TombstoneKey> decoded = DecodeTombstoneKey(EncodeTombstoneKey(300, "x"));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->counter, 300u);
  EXPECT_EQ(decoded->key, "x");
  EXPECT_EQ(DecodeTombstoneKey("short").status().code(), absl::StatusCode::kDataLoss);
}

TEST(RecordTest, MemberRecords) {
  const MemberRecord record{MemberState::kRemoved, "http://h:1", (uint64_t{3} << 32) + 7};
  const std::string bytes = EncodeMemberRecord(record);
  ASSERT_TRUE(DecodeMemberRecord(bytes).ok());
  EXPECT_EQ(*DecodeMemberRecord(bytes), record);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(DecodeMemberRecord(bytes.substr(0, size)).status())) << size;
  }
  EXPECT_TRUE(absl::IsDataLoss(DecodeMemberRecord(bytes + "x").status()));
  EXPECT_TRUE(absl::IsDataLoss(DecodeMemberRecord("\x02" + bytes.substr(1)).status()));
  EXPECT_EQ(MemberKey("A"), std::string("\0member/A", 9));
}

TEST(RecordTest, ExpiryKeysAreInTheOrderOfTheExpiries) {
  const std::string key = EncodeExpiryKey("A", 300, std::string("k\0ey", 4));
  const absl::StatusOr<ExpiryKey> decoded = DecodeExpiryKey(key);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->node_id, "A");
  EXPECT_EQ(decoded->expires_unix_ms, 300u);
  EXPECT_EQ(decoded->key, std::string("k\0ey", 4));
  EXPECT_LT(EncodeExpiryKey("A", 255, "z"), EncodeExpiryKey("A", 256, "a"));
  EXPECT_LT(EncodeExpiryKey("A", UINT64_MAX, "z"), ExpiryEnd("A"));
  EXPECT_LT(ExpiryEnd("A"), EncodeExpiryKey("AB", 0, ""));
  EXPECT_FALSE(DecodeExpiryKey("A").ok());
  EXPECT_FALSE(DecodeExpiryKey(std::string("A\0shrt", 6)).ok());
}

}  // namespace
}  // namespace lamppost::kv
