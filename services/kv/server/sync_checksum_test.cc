#include "services/kv/server/sync_checksum.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "services/common/error.h"
#include "services/kv/server/sync_codec.h"

namespace lamppost::kv {
namespace {

const Origin kA{"A", uint64_t{3} << 32 | 7};
const Origin kB{"B", uint64_t{1} << 32 | 9};

// Every field set, and some lists of one and of several.
SyncMessage FullMessage() {
  SyncMessage message;
  message.clock = {300, kA};
  message.cluster = "c";
  message.boot_id = 5;
  message.receiver_incarnation = kB.incarnation;
  message.from = {{kA, 10}, {kB, 130}};
  message.to = {{kA, 20}};
  Version put{{12, kA}, Value{Value::Kind::kText, "value"}, Seen(Heads{{kA, 11}, {kB, 4}}, 12), {}};
  put.request = {"id-1", 77, RequestTag::Before::kPresent};
  put.expires_unix_ms = 1'700'000'000'000;
  Version data{{12, kA}, Value{Value::Kind::kData, std::string("\0\xff", 2)}, Seen(), {}};
  Version tombstone{{13, kB}, std::nullopt, Seen(Heads{{kA, 12}}, 13), {}};
  message.entries = std::make_shared<std::vector<KeyedVersion>>(
      std::vector<KeyedVersion>{{"k", put}, {"data", data}, {"gone", tombstone}});
  message.last = false;
  message.progress = 13;
  message.after = 6;
  message.sequence = 4;
  message.birth = kA.incarnation;
  message.full = KeyRange{"data", "gone0"};
  message.forgotten = {{kA, 9}, {kB, 8}};
  message.repair_buckets = 3;
  message.wants_buckets = true;
  return message;
}

SyncAnswer FullAnswer() {
  SyncAnswer answer;
  answer.clock = {5, kB};
  answer.refusal = Refusal::kFenced;
  answer.cluster = "c";
  answer.boot_id = 8;
  answer.heads = {{kA, 1}};
  answer.durable_heads = {{kA, 2}};
  answer.pending = {{kB, 3}};
  answer.progress = {{kA, 4}, {kB, 5}};
  answer.sequence = 6;
  answer.content_hash = {1, uint64_t{1} << 63};
  answer.birth = kB.incarnation;
  answer.buckets.emplace();
  (*answer.buckets)[63] = {2, 3};
  return answer;
}

// What a message says, as bytes to compare: that of the protobuf that it is encoded to.
template <typename Proto, typename Message>
std::string Meaning(const Message& message) {
  Proto proto;
  ToProto(message, &proto);
  return proto.SerializeAsString();
}

// Flips each bit of the message in turn. Whatever still parses must be refused or mean the same.
template <typename Proto, typename Message>
void FlipEveryBit(const Message& message) {
  const std::string meaning = Meaning<Proto>(message);
  int refused = 0;
  for (size_t bit = 0; bit < meaning.size() * 8; ++bit) {
    std::string bytes = meaning;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    Proto damaged;
    if (!damaged.ParseFromString(bytes)) continue;
    const auto decoded = FromProto(damaged);
    if (decoded.ok()) {
      EXPECT_EQ(Meaning<Proto>(*decoded), meaning) << "bit " << bit;
    } else {
      EXPECT_EQ(ErrorReason(decoded.status()), "MESSAGE_DAMAGED") << "bit " << bit;
      ++refused;
    }
  }
  EXPECT_GT(refused, 500) << "most flips can be parsed, so most are for the checksum to find";
}

TEST(SyncChecksumTest, NoBitOfAMessageCanBeFlippedUnnoticed) {
  FlipEveryBit<v1::SyncRequest>(FullMessage());
}

TEST(SyncChecksumTest, NoBitOfAnAnswerCanBeFlippedUnnoticed) {
  FlipEveryBit<v1::SyncResponse>(FullAnswer());
}

TEST(SyncChecksumTest, AMessageWithoutOneIsRefused) {
  v1::SyncRequest request;
  ToProto(FullMessage(), &request);
  request.clear_checksum();
  EXPECT_EQ(ErrorReason(FromProto(request).status()), "MESSAGE_DAMAGED");
  v1::SyncResponse response;
  ToProto(FullAnswer(), &response);
  response.clear_checksum();
  EXPECT_EQ(ErrorReason(FromProto(response).status()), "MESSAGE_DAMAGED");
  EXPECT_EQ(ErrorReason(FromProto(v1::SyncRequest()).status()), "MESSAGE_DAMAGED");
  EXPECT_EQ(ErrorReason(FromProto(v1::SyncResponse()).status()), "MESSAGE_DAMAGED");
}

// Protobuf encodes the same message in many ways; the checksum does not see which.
TEST(SyncChecksumTest, TheEncodingDoesNotMatter) {
  v1::SyncRequest request;
  ToProto(FullMessage(), &request);
  v1::SyncRequest head;
  head.set_sequence(request.sequence());
  request.clear_sequence();
  v1::SyncRequest merged;
  ASSERT_TRUE(merged.ParseFromString(head.SerializeAsString() + request.SerializeAsString()));
  EXPECT_TRUE(FromProto(merged).ok());
}

// The figures are part of the protocol: nodes of different versions must agree on them.
TEST(SyncChecksumTest, TheFiguresStay) {
  EXPECT_EQ(ChecksumOf(v1::SyncRequest()), 7633476812725222090u);
  EXPECT_EQ(ChecksumOf(v1::SyncResponse()), 63006208956871418u);
  v1::SyncRequest request;
  ToProto(FullMessage(), &request);
  EXPECT_EQ(request.checksum(), 12768423177457630141u);
}

// Whatever is moved from one field into its neighbour changes it.
TEST(SyncChecksumTest, FieldsAreToldApart) {
  std::set<uint64_t> checksums;
  const auto add = [&](const std::string& key, const std::string& value, const std::string& request_id) {
    v1::SyncRequest request;
    v1::Version* version = request.add_entries();
    version->set_key(key);
    version->set_value(value);
    version->set_request_id(request_id);
    checksums.insert(ChecksumOf(request));
  };
  add("ab", "", "");
  add("a", "b", "");
  add("", "ab", "");
  add("a", "", "b");
  add("", "", "ab");
  EXPECT_EQ(checksums.size(), 5u);
}

// Values below, at and above what is gathered before it is hashed.
TEST(SyncChecksumTest, LongValuesAreCoveredToTheirLastByte) {
  for (const size_t size : {4000, 4095, 4096, 4097, 8192, 100000}) {
    v1::SyncRequest request;
    for (int i = 0; i < 3; ++i) request.add_entries()->set_value(std::string(size, 'v'));
    const uint64_t before = ChecksumOf(request);
    for (int i = 0; i < 3; ++i) {
      request.mutable_entries(i)->mutable_value()->back() ^= 1;
      EXPECT_NE(ChecksumOf(request), before) << size;
      request.mutable_entries(i)->mutable_value()->back() ^= 1;
    }
    EXPECT_EQ(ChecksumOf(request), before);
  }
}

}  // namespace
}  // namespace lamppost::kv
