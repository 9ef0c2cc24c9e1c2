#include "services/kv/server/sync_codec.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/common/error.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/sync_checksum.h"

namespace lamppost::kv {
namespace {

const Origin kA{"A", uint64_t{3} << 32 | 7};
const Origin kB{"B", uint64_t{1} << 32 | 9};
const Origin kC{"C", uint64_t{2} << 32 | 1};

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
  message.after = 6;
  message.sequence = 4;
  return message;
}

// A message that its sender has made wrong: its checksum is right.
template <typename Message>
auto Decoded(Message message) {
  message.set_checksum(ChecksumOf(message));
  return FromProto(message);
}

TEST(SyncCodecTest, SyncMessageComesBackAsItWas) {
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
  EXPECT_EQ(got->after, sent.after);
  EXPECT_EQ(got->sequence, sent.sequence);
}

TEST(SyncCodecTest, AnswerComesBackAsItWas) {
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

TEST(SyncCodecTest, ARefusalOfALaterVersionIsARefusal) {
  v1::SyncResponse wire;
  wire.set_content_hash(std::string(16, 'x'));
  wire.set_refusal(static_cast<v1::SyncRefusal>(4711));
  const absl::StatusOr<SyncAnswer> got = Decoded(wire);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->refusal, Refusal::kInvalid);
}

TEST(SyncCodecTest, AHashOfAnotherLengthIsRefused) {
  v1::SyncResponse wire;
  wire.set_content_hash("short");
  EXPECT_EQ(ErrorReason(Decoded(wire).status()), "MESSAGE_INVALID");
}

// Each origin is spelled out once, however many versions name it, in whatever order.
TEST(SyncCodecTest, OriginsAreListedOnce) {
  SyncMessage sent = FullMessage();
  std::vector<KeyedVersion> entries;
  for (int i = 0; i < 50; ++i) {
    std::vector<Seen::Entry> lags = {{kA, 1}, {kB, 0}, {kC, 40}};
    if (i % 3 == 0) lags.erase(lags.begin());
    if (i % 5 == 0) std::swap(lags.front(), lags.back());
    entries.push_back({"k", {{uint64_t(100 + i), i % 2 == 0 ? kC : kB}, std::nullopt, Seen(lags), {}}});
  }
  sent.entries = std::make_shared<std::vector<KeyedVersion>>(entries);
  v1::SyncRequest wire;
  ToProto(sent, &wire);
  EXPECT_EQ(wire.origins_size(), 3);
  const absl::StatusOr<SyncMessage> got = FromProto(wire);
  ASSERT_TRUE(got.ok());
  ASSERT_EQ(got->entries->size(), entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const Version& version = (*got->entries)[i].version;
    EXPECT_EQ(version.timestamp, entries[i].version.timestamp);
    for (const auto& [origin, lag] : entries[i].version.seen.lags()) {
      const uint64_t counter = version.timestamp.counter;
      EXPECT_TRUE(version.seen.Includes(counter, {counter - lag, origin})) << i;
      EXPECT_FALSE(version.seen.Includes(counter, {counter - lag + 1, origin})) << i;
    }
    EXPECT_EQ(version.seen.lags().size(), entries[i].version.seen.lags().size());
  }
}

TEST(SyncCodecTest, WhatIsNoVersionIsRefused) {
  const auto reason = [](const auto& spoil) {
    v1::SyncRequest wire;
    ToProto(FullMessage(), &wire);
    spoil(wire.mutable_entries(0));
    return ErrorReason(Decoded(wire).status());
  };
  EXPECT_EQ(reason([](v1::Version* version) {}), "");
  EXPECT_EQ(reason([](v1::Version* version) { version->clear_kind(); }), "MESSAGE_INVALID");
  EXPECT_EQ(reason([](v1::Version* version) { version->set_kind(static_cast<v1::VersionKind>(9)); }),
            "MESSAGE_INVALID");
  EXPECT_EQ(reason([](v1::Version* version) { version->set_origin(2); }), "MESSAGE_INVALID");
  EXPECT_EQ(reason([](v1::Version* version) { version->mutable_seen()->Resize(3, 1); }), "MESSAGE_INVALID");
  EXPECT_EQ(reason([](v1::Version* version) { version->set_kind(v1::VERSION_KIND_TEXT); }),
            "MESSAGE_INVALID");
}

// On the disk and to the next peer it would go without: it is to be the same version everywhere.
TEST(SyncCodecTest, WithoutARequestIdThereIsNoTag) {
  v1::SyncRequest wire;
  ToProto(FullMessage(), &wire);
  wire.mutable_entries(0)->clear_request_id();
  ASSERT_TRUE(wire.entries(0).replaced_value());
  const absl::StatusOr<SyncMessage> got = Decoded(wire);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->entries->front().version.request, RequestTag());
}

TEST(SyncCodecTest, TooManyOriginsAreRefused) {
  const auto with_origins = [](int count) {
    v1::SyncRequest wire;
    ToProto(FullMessage(), &wire);
    while (wire.origins_size() < count) {
      wire.add_origins()->set_incarnation(static_cast<uint64_t>(wire.origins_size()));
    }
    return Decoded(wire).status();
  };
  EXPECT_TRUE(with_origins(10000).ok());
  EXPECT_EQ(ErrorReason(with_origins(10001)), "MESSAGE_INVALID");
}

TEST(SyncCodecTest, TooManyHeadsAreRefused) {
  const auto reason = [](auto wire, auto heads_of) {
    HeadsField* const heads = heads_of(&wire);
    while (heads->size() < 10000) {
      heads->Add()->mutable_origin()->set_incarnation(static_cast<uint64_t>(10000 - heads->size()));
    }
    EXPECT_TRUE(Decoded(wire).ok());
    heads->Add();
    return ErrorReason(Decoded(wire).status());
  };
  v1::SyncResponse answer;
  answer.set_content_hash(std::string(16, 'x'));
  EXPECT_EQ(reason(answer, [](auto* wire) { return wire->mutable_heads(); }), "MESSAGE_INVALID");
  EXPECT_EQ(reason(answer, [](auto* wire) { return wire->mutable_durable_heads(); }), "MESSAGE_INVALID");
  EXPECT_EQ(reason(answer, [](auto* wire) { return wire->mutable_pending(); }), "MESSAGE_INVALID");
  EXPECT_EQ(reason(answer, [](auto* wire) { return wire->mutable_progress(); }), "MESSAGE_INVALID");
  EXPECT_EQ(reason(v1::SyncRequest(), [](auto* wire) { return wire->mutable_from(); }), "MESSAGE_INVALID");
  EXPECT_EQ(reason(v1::SyncRequest(), [](auto* wire) { return wire->mutable_to(); }), "MESSAGE_INVALID");
}

// It would say two things on what a writer had seen of that origin, and a relay could only pass on one.
TEST(SyncCodecTest, AnOriginThatIsListedTwiceIsRefused) {
  v1::SyncRequest wire;
  ToProto(FullMessage(), &wire);
  ASSERT_TRUE(Decoded(wire).ok());
  *wire.add_origins() = wire.origins(0);
  EXPECT_EQ(ErrorReason(Decoded(wire).status()), "MESSAGE_INVALID");
}

}  // namespace
}  // namespace lamppost::kv
