#include "services/kv/server/codec.h"

#include <gtest/gtest.h>

#include <memory>

#include "services/common/error.h"

namespace lamppost::kv {
namespace {

const Origin kA{"A", uint64_t{3} << 32 | 7};
const Origin kB{"B", uint64_t{1} << 32 | 9};

SyncMessage FullMessage() {
  SyncMessage message;
  message.clock = {99, kA};
  message.cluster = "c";
  message.boot_id = 5;
  message.receiver_incarnation = kB.incarnation;
  message.from = {{kA, 10}, {kB, 0}};
  message.to = {{kA, 20}};
  Version put{{12, kA}, Value{Value::Kind::kData, std::string("\0\xff", 2)}, Seen(Heads{{kB, 4}}, 12), {}};
  put.request = {"id-1", 77, RequestTag::Before::kPresent};
  Version tombstone{{13, kB}, std::nullopt, Seen(), {}};
  message.entries =
      std::make_shared<std::vector<KeyedVersion>>(std::vector<KeyedVersion>{{"k", put}, {"gone", tombstone}});
  message.last = false;
  message.progress = 13;
  message.sequence = 4;
  return message;
}

TEST(CodecTest, SyncMessageComesBackAsItWas) {
  const SyncMessage sent = FullMessage();
  v1::SyncRequest wire;
  ToProto(sent, &wire);
  const absl::StatusOr<SyncMessage> got = FromProto(wire);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->clock, sent.clock);
  EXPECT_EQ(got->cluster, sent.cluster);
  EXPECT_EQ(got->boot_id, sent.boot_id);
  EXPECT_EQ(got->receiver_incarnation, sent.receiver_incarnation);
  EXPECT_EQ(got->from, sent.from);
  EXPECT_EQ(got->to, sent.to);
  ASSERT_EQ(got->entries->size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ((*got->entries)[i].key, (*sent.entries)[i].key);
    EXPECT_EQ((*got->entries)[i].version, (*sent.entries)[i].version);
  }
  EXPECT_EQ(got->last, sent.last);
  EXPECT_EQ(got->progress, sent.progress);
  EXPECT_EQ(got->sequence, sent.sequence);
}

TEST(CodecTest, AnswerComesBackAsItWas) {
  SyncAnswer sent;
  sent.clock = {5, kB};
  sent.refusal = Refusal::kFenced;
  sent.cluster = "c";
  sent.boot_id = 8;
  sent.heads = {{kA, 1}};
  sent.durable_heads = {{kA, 2}};
  sent.pending = {{kB, 3}};
  sent.progress = {{kA, 4}, {kB, 5}};
  sent.sequence = 6;
  sent.content_hash = {1, uint64_t{1} << 63};
  v1::SyncResponse wire;
  ToProto(sent, &wire);
  const absl::StatusOr<SyncAnswer> got = FromProto(wire);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->clock, sent.clock);
  EXPECT_EQ(got->refusal, sent.refusal);
  EXPECT_EQ(got->cluster, sent.cluster);
  EXPECT_EQ(got->boot_id, sent.boot_id);
  EXPECT_EQ(got->heads, sent.heads);
  EXPECT_EQ(got->durable_heads, sent.durable_heads);
  EXPECT_EQ(got->pending, sent.pending);
  EXPECT_EQ(got->progress, sent.progress);
  EXPECT_EQ(got->sequence, sent.sequence);
  EXPECT_EQ(got->content_hash, sent.content_hash);
}

TEST(CodecTest, ARefusalOfALaterVersionIsARefusal) {
  v1::SyncResponse wire;
  wire.set_content_hash(std::string(16, 'x'));
  wire.set_refusal(static_cast<v1::SyncRefusal>(4711));
  const absl::StatusOr<SyncAnswer> got = FromProto(wire);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->refusal, Refusal::kInvalid);
}

TEST(CodecTest, AHashOfAnotherLengthIsRefused) {
  v1::SyncResponse wire;
  wire.set_content_hash("short");
  EXPECT_EQ(ErrorReason(FromProto(wire).status()), "MESSAGE_INVALID");
}

TEST(CodecTest, AnUnsetValueIsNotATombstone) {
  v1::SyncRequest wire;
  wire.add_entries()->mutable_value();
  EXPECT_EQ(ErrorReason(FromProto(wire).status()), "VALUE_MISSING");
  v1::PutRequest put;
  put.set_key("k");
  EXPECT_EQ(ErrorReason(ToProposal(put).status()), "VALUE_MISSING");
}

TEST(CodecTest, ABatchKeepsItsOrderAndKinds) {
  v1::WriteRequest request;
  request.add_operations()->mutable_put()->set_key("a");
  request.mutable_operations(0)->mutable_put()->mutable_value()->set_text("");
  request.add_operations()->mutable_delete_()->set_key("b");
  const absl::StatusOr<Proposal> proposal = ToProposal(request);
  ASSERT_TRUE(proposal.ok());
  ASSERT_EQ(proposal->operations.size(), 2u);
  EXPECT_EQ(proposal->operations[0].value, (Value{Value::Kind::kText, ""}));
  EXPECT_EQ(proposal->operations[1].value, std::nullopt);
  request.add_operations();
  EXPECT_EQ(ErrorReason(ToProposal(request).status()), "OPERATION_MISSING");
}

}  // namespace
}  // namespace lamppost::kv
