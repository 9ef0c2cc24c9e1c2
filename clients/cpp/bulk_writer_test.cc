#include "clients/cpp/bulk_writer.h"

#include <gtest/gtest.h>

#include <atomic>

#include "clients/cpp/fake_kv_service.h"
#include "clients/cpp/fake_stub.h"
#include "services/common/error.h"

namespace lamppost::client {
namespace {

std::vector<kv::v1::WriteOperation> PutOf(const std::string& key, const std::string& text = "v") {
  std::vector<kv::v1::WriteOperation> operations(1);
  operations[0].mutable_put()->set_key(key);
  operations[0].mutable_put()->mutable_value()->set_text(text);
  return operations;
}

TEST(BulkWriterTest, AllBatchesAreAnsweredInOrderAndTheClockGoesAlong) {
  FakeNode node("A");
  Client client(OptionsFor({node.port()}));
  std::vector<uint64_t> sequences;
  BulkOptions options;
  options.batches_max = 3;
  options.on_answer = [&](const kv::v1::BulkWriteResponse& response) {
    sequences.push_back(response.sequence());
  };
  BulkWriter writer(&client, options);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(writer.Add(PutOf("k" + std::to_string(i))));
  const BulkEnd end = writer.Finish();
  EXPECT_TRUE(end.status.ok()) << end.status;
  EXPECT_EQ(end.outcome, Outcome::kDone);
  EXPECT_EQ(end.answered, 100u);
  ASSERT_EQ(sequences.size(), 100u);
  for (size_t i = 0; i < sequences.size(); ++i) EXPECT_EQ(sequences[i], i + 1);
  EXPECT_EQ(node.service().entries().size(), 100u);
  EXPECT_GT(client.clock(), node.service().entries().at("k99").counter);
}

TEST(BulkWriterTest, AnUnusedWriterEnds) {
  FakeNode node("A");
  Client client(OptionsFor({node.port()}));
  BulkWriter writer(&client, {});
  EXPECT_TRUE(writer.Finish().status.ok());
  BulkWriter dropped(&client, {});
  EXPECT_FALSE(dropped.HasFailed());
}

TEST(BulkWriterTest, AWriterThatIsDroppedDoesNotWaitForAnswers) {
  std::atomic<bool> dropped{false};  // goes after the node, whose hook looks at it
  FakeNode node("A");
  Client client(OptionsFor({node.port()}));
  node.service().SetAfterApply([&] {
    while (!dropped) std::this_thread::yield();
  });
  {
    BulkWriter writer(&client, {});
    ASSERT_TRUE(writer.Add(PutOf("k")));
    while (node.service().writes_applied() == 0) std::this_thread::yield();
  }
  dropped = true;
}

TEST(BulkWriterTest, GoesOnWhereItsAnswersWereLost) {
  auto node = std::make_unique<FakeNode>("A");
  FakeNode other("B");
  Client client(OptionsFor({node->port(), other.port()}));
  BulkWriter writer(&client, {});
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(writer.Add(PutOf("k" + std::to_string(i))));
  while (node->service().writes_applied() < 10) std::this_thread::yield();
  node->Stop();
  for (int i = 50; i < 100; ++i) ASSERT_TRUE(writer.Add(PutOf("k" + std::to_string(i))));
  const BulkEnd end = writer.Finish();
  EXPECT_TRUE(end.status.ok()) << end.status;
  std::map<std::string, FakeKvService::Entry> all = node->service().entries();
  all.merge(other.service().entries());
  EXPECT_EQ(all.size(), 100u);
  EXPECT_EQ(other.service().entries().count("k99"), 1u);
}

TEST(BulkWriterTest, ARefusedBatchEndsItForCertain) {
  FakeNode node("A");
  Client client(OptionsFor({node.port()}));
  BulkWriter writer(&client, {});
  node.service().RefuseNext(MakeError(absl::StatusCode::kInvalidArgument, "VALUE_TOO_LARGE", "too large"));
  ASSERT_TRUE(writer.Add(PutOf("k")));
  const BulkEnd end = writer.Finish();
  EXPECT_EQ(ErrorReason(end.status), "VALUE_TOO_LARGE");
  EXPECT_EQ(end.outcome, Outcome::kFailed);
  EXPECT_FALSE(end.request_id.empty());
  EXPECT_EQ(end.answered, 0u);
  EXPECT_FALSE(writer.Add(PutOf("l")));
}

TEST(BulkWriterTest, WaitsOutWhatMayPass) {
  FakeNode node("A");
  Client client(OptionsFor({node.port()}));
  BulkWriter writer(&client, {});
  for (int i = 0; i < 3; ++i) {
    node.service().RefuseNext(MakeRetryableError(absl::StatusCode::kUnavailable, "STARTING", "wait", 10));
  }
  ASSERT_TRUE(writer.Add(PutOf("k")));
  EXPECT_TRUE(writer.Finish().status.ok());
}

// Nobody listens, and then somebody takes a batch and says nothing.
TEST(BulkWriterTest, GivesUpInTime) {
  auto node = std::make_unique<FakeNode>("A");
  const int port = node->port();
  node->Stop();
  Client client(OptionsFor({port}));
  BulkOptions options;
  options.patience_ms = 300;
  BulkWriter unreachable(&client, options);
  ASSERT_TRUE(unreachable.Add(PutOf("k")));
  BulkEnd end = unreachable.Finish();
  EXPECT_EQ(ErrorReason(end.status), "NOT_CONNECTED");
  EXPECT_EQ(end.outcome, Outcome::kFailed);

  std::atomic<bool> over{false};
  FakeNode silent("B");
  silent.service().SetAfterApply([&] {
    while (!over) std::this_thread::yield();
  });
  Client other(OptionsFor({silent.port()}));
  options.stall_ms = 200;
  BulkWriter stalled(&other, options);
  ASSERT_TRUE(stalled.Add(PutOf("k")));
  end = stalled.Finish();
  EXPECT_EQ(end.status.code(), absl::StatusCode::kDeadlineExceeded) << end.status;
  EXPECT_EQ(end.outcome, Outcome::kUnknown);
  over = true;
}

// A node has said that the batch is written, and is gone when it is asked again.
TEST(BulkWriterTest, WhatIsWrittenSomewhereIsNotCalledFailed) {
  FakeNode node("A");
  Client client(OptionsFor({node.port()}));
  node.service().RefuseNext(MakeError(absl::StatusCode::kDeadlineExceeded, "REPLICAS_PENDING", "1 of 2"));
  for (int i = 0; i < 1000; ++i) {
    node.service().RefuseNext(MakeRetryableError(absl::StatusCode::kUnavailable, "STARTING", "wait", 10));
  }
  BulkOptions options;
  options.patience_ms = 300;
  BulkWriter writer(&client, options);
  ASSERT_TRUE(writer.Add(PutOf("k")));
  const BulkEnd end = writer.Finish();
  EXPECT_EQ(ErrorReason(end.status), "REPLICAS_PENDING") << end.status;
  EXPECT_EQ(end.outcome, Outcome::kPending);
}

// The time in which there was nothing to write does not count against it.
TEST(BulkWriterTest, AnIdleTimeLeavesItsPatience) {
  FakeNode node("A");
  Client client(OptionsFor({node.port()}));
  BulkOptions options;
  options.patience_ms = 2000;
  std::atomic<int> answers{0};
  options.on_answer = [&](const kv::v1::BulkWriteResponse&) { ++answers; };
  BulkWriter writer(&client, options);
  ASSERT_TRUE(writer.Add(PutOf("k")));
  while (answers == 0) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(options.patience_ms));  // this is the idle time
  node.service().RefuseNext(MakeRetryableError(absl::StatusCode::kUnavailable, "STARTING", "wait", 10));
  ASSERT_TRUE(writer.Add(PutOf("l")));
  const BulkEnd end = writer.Finish();
  EXPECT_TRUE(end.status.ok()) << end.status;
  EXPECT_EQ(node.service().entries().count("l"), 1u);
}

}  // namespace
}  // namespace lamppost::client
