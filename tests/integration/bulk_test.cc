// BulkWrite against real nodes: order, refusals, flow control, and broken links with nothing lost or written
// twice.
#include <atomic>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/bulk_writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/clock_metadata.h"
#include "services/common/grpc_status.h"
#include "services/common/listen_address.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"
#include "tests/integration/testing/watch_log.h"

namespace lamppost::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
namespace v1 = kv::v1;

v1::WriteOperation PutOf(const std::string& key, const std::string& text) {
  v1::WriteOperation operation;
  operation.mutable_put()->set_key(key);
  operation.mutable_put()->mutable_value()->set_text(text);
  return operation;
}

v1::BulkWriteRequest BatchOf(uint64_t sequence, const std::string& key, const std::string& text = "v") {
  v1::BulkWriteRequest batch;
  batch.set_sequence(sequence);
  *batch.add_operations() = PutOf(key, text);
  return batch;
}

// A bulk write as any gRPC client has it.
class PlainBulk {
 public:
  explicit PlainBulk(Node* node, absl::Duration limit = absl::Seconds(60)) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + limit));
    stream_ = node->client()->stub()->BulkWrite(&context_);
  }
  ~PlainBulk() {
    if (!ended_) {
      context_.TryCancel();
      stream_->Finish().ok();
    }
  }

  bool Write(const v1::BulkWriteRequest& batch) { return stream_->Write(batch); }
  void WritesDone() { stream_->WritesDone(); }
  bool Read(v1::BulkWriteResponse* response) { return stream_->Read(response); }
  // Reads to the end; the sequences that were answered.
  std::vector<uint64_t> ReadAll() {
    std::vector<uint64_t> sequences;
    v1::BulkWriteResponse response;
    while (stream_->Read(&response)) sequences.push_back(response.sequence());
    return sequences;
  }
  absl::Status End() {
    ended_ = true;
    return FromGrpcStatus(stream_->Finish());
  }
  bool HasClock() const { return ClockFromTrailers(context_).has_value(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::BulkWriteRequest, v1::BulkWriteResponse>> stream_;
  bool ended_ = false;
};

class Bulk : public ::testing::Test {
 protected:
  void Start(const ClusterOptions& options) {
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
  }
  Node* node(const std::string& id) { return cluster_->node(id); }
  KvClient* client(const std::string& id) { return cluster_->client(id); }

  static client::ClientOptions NodesAt(const std::vector<std::string>& addresses) {
    client::ClientOptions options;
    for (const std::string& address : addresses) options.nodes.push_back(*ParseAddress(address));
    return options;
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(Bulk, BatchesAreAnsweredInOrderWithWhatTheyReflect) {
  Start({{"A"}});
  PlainBulk bulk(node("A"));
  std::thread sender([&bulk] {
    for (uint64_t i = 0; i < 500; ++i) bulk.Write(BatchOf(7 + i, absl::StrCat("k", i % 10), absl::StrCat(i)));
    bulk.WritesDone();
  });
  v1::BulkWriteResponse response;
  uint64_t version = 0;
  for (uint64_t i = 0; i < 500; ++i) {
    ASSERT_TRUE(bulk.Read(&response));
    EXPECT_EQ(response.sequence(), 7 + i);
    EXPECT_GT(response.version().counter(), version);
    EXPECT_EQ(response.replicas(), 1u);
    EXPECT_FALSE(response.replayed());
    version = response.version().counter();
    ASSERT_EQ(response.session().heads_size(), 1);
    EXPECT_GE(response.session().heads(0).counter(), version);
  }
  sender.join();
  EXPECT_THAT(bulk.ReadAll(), IsEmpty());
  EXPECT_OK(bulk.End());
  EXPECT_EQ(client("A")->Text("k9"), "499");
}

TEST_F(Bulk, ABadBatchEndsTheCallOnceThoseBeforeItAreAnswered) {
  Start({{"A"}});
  std::vector<std::pair<std::string, v1::BulkWriteRequest>> bad;
  bad.emplace_back("KEY_EMPTY", BatchOf(3, ""));
  bad.emplace_back("SEQUENCE_INVALID", BatchOf(4, "k"));
  bad.emplace_back("SEQUENCE_INVALID", BatchOf(2, "k"));
  bad.emplace_back("BATCH_EMPTY", v1::BulkWriteRequest());
  bad.back().second.set_sequence(3);
  bad.emplace_back("VALUE_MISSING", BatchOf(3, "k"));
  bad.back().second.mutable_operations(0)->mutable_put()->clear_value();
  bad.emplace_back("REQUEST_ID_INVALID", BatchOf(3, "k"));
  bad.back().second.set_request_id(std::string(65, 'r'));
  bad.emplace_back("REPLICAS_TOO_MANY", BatchOf(3, "k"));
  bad.back().second.set_replicas(2);
  bad.emplace_back("SESSION_INVALID", BatchOf(3, "k"));
  bad.back().second.mutable_session()->add_heads();
  for (const auto& [reason, batch] : bad) {
    PlainBulk bulk(node("A"));
    ASSERT_TRUE(bulk.Write(BatchOf(1, "first")));
    ASSERT_TRUE(bulk.Write(BatchOf(2, "second")));
    ASSERT_TRUE(bulk.Write(batch));
    bulk.Write(BatchOf(batch.sequence() + 1, "behind"));
    EXPECT_THAT(bulk.ReadAll(), ElementsAre(1, 2)) << reason;
    const absl::Status status = bulk.End();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(ReasonOf(status), reason);
    EXPECT_TRUE(bulk.HasClock());
    EXPECT_FALSE(client("A")->Text("k"));
  }
  EXPECT_EQ(client("A")->Text("second"), "v");
}

TEST_F(Bulk, ABatchThatIsSentAgainIsWrittenOnce) {
  Start({{"A"}});
  v1::BulkWriteRequest batch = BatchOf(1, "k", "1");
  batch.set_request_id("once");
  uint64_t version = 0;
  for (const bool replayed : {false, true}) {
    PlainBulk bulk(node("A"));
    ASSERT_TRUE(bulk.Write(batch));
    v1::BulkWriteResponse response;
    ASSERT_TRUE(bulk.Read(&response));
    EXPECT_EQ(response.replayed(), replayed);
    if (replayed) EXPECT_EQ(response.version().counter(), version);
    version = response.version().counter();
    bulk.WritesDone();
    EXPECT_THAT(bulk.ReadAll(), IsEmpty());
    EXPECT_OK(bulk.End());
  }
}

// What waits for another member has not been answered; so long as that is so, only so much is read.
TEST_F(Bulk, TheNodeReadsOnlyAsMuchAsItHasRoomFor) {
  ClusterOptions options;
  options.ids = {"A", "B"};
  Start(options);
  ASSERT_OK(cluster_->WaitConverged());
  node("B")->Kill();
  PlainBulk bulk(node("A"), absl::Seconds(120));
  constexpr int kBatches = 64;
  std::atomic<int> sent{0};
  std::thread sender([&] {
    for (int i = 0; i < kBatches; ++i) {
      v1::BulkWriteRequest batch =
          BatchOf(static_cast<uint64_t>(i), absl::StrCat("k", i), std::string(1 << 20, 'x'));
      batch.set_replicas(2);
      if (!bulk.Write(batch)) break;
      ++sent;
    }
    bulk.WritesDone();
  });
  ASSERT_OK(WaitFor("some batches on their way", absl::Seconds(20), [&] { return sent >= 8; }));
  int before = -1;
  for (; before != sent; absl::SleepFor(absl::Seconds(1))) before = sent;
  EXPECT_LT(sent, 40) << "of 1 MiB each, and none has been answered";
  ASSERT_OK(node("B")->Start());
  std::vector<uint64_t> expected;
  for (uint64_t i = 0; i < kBatches; ++i) expected.push_back(i);
  EXPECT_EQ(bulk.ReadAll(), expected);
  sender.join();
  EXPECT_OK(bulk.End());
}

TEST_F(Bulk, AsManyStreamsAsThereMayBe) {
  constexpr int kStreamsMax = 128;
  Start({{"A"}});
  std::vector<std::unique_ptr<PlainBulk>> streams;
  v1::BulkWriteResponse response;
  for (int i = 0; i < kStreamsMax; ++i) {
    streams.push_back(std::make_unique<PlainBulk>(node("A")));
    ASSERT_TRUE(streams.back()->Write(BatchOf(1, absl::StrCat("k", i))));
    ASSERT_TRUE(streams.back()->Read(&response));
  }
  PlainBulk refused(node("A"));
  refused.Write(BatchOf(1, "refused"));
  EXPECT_THAT(refused.ReadAll(), IsEmpty());
  EXPECT_EQ(ReasonOf(refused.End()), "BULK_WRITES_EXHAUSTED");
  EXPECT_TRUE(refused.HasClock());
  streams.clear();
  EXPECT_OK(WaitFor("room for another", absl::Seconds(5), [&] {
    PlainBulk again(node("A"));
    return again.Write(BatchOf(1, "again")) && again.Read(&response);
  }));
}

TEST_F(Bulk, AnOrderlyEndTellsIt) {
  Start({{"A"}});
  PlainBulk bulk(node("A"));
  v1::BulkWriteResponse response;
  ASSERT_TRUE(bulk.Write(BatchOf(1, "k")));
  ASSERT_TRUE(bulk.Read(&response));
  node("A")->process()->Signal(SIGTERM);
  EXPECT_THAT(bulk.ReadAll(), IsEmpty());
  EXPECT_EQ(ReasonOf(bulk.End()), "SHUTTING_DOWN");
  EXPECT_EQ(*node("A")->process()->Wait(absl::Seconds(10)), 0);
}

// Answers are lost and links break, again and again; a watch counts how often each key was written.
TEST_F(Bulk, BrokenLinksLoseNothingAndWriteNothingTwice) {
  constexpr int kBatches = 3000;
  Start({{"A"}});
  LinkProxy proxy(node("A")->port());
  client::WatchOptions everything;
  everything.session.emplace();
  WatchLog log(NodesAt({node("A")->address()}), everything);
  client::Client client(NodesAt({absl::StrCat("127.0.0.1:", proxy.port())}));
  std::atomic<int> answered{0};
  std::atomic<int> replayed{0};
  client::BulkOptions options;
  options.on_answer = [&](const v1::BulkWriteResponse& response) {
    ++answered;
    if (response.replayed()) ++replayed;
  };
  client::BulkWriter writer(&client, options);
  std::atomic<bool> written{false};
  std::thread nemesis([&] {
    // At each turn some batches are written whose answers are lost.
    for (int next = 200; !written; absl::SleepFor(absl::Milliseconds(1))) {
      if (answered < next) continue;
      proxy.SetMode(LinkProxy::Mode::kMute);
      absl::SleepFor(absl::Milliseconds(20));
      proxy.SetMode(LinkProxy::Mode::kOpen);
      proxy.BreakConnections();
      next = answered + 200;
    }
  });
  for (int i = 0; i < kBatches; ++i) {
    if (!writer.Add({PutOf(absl::StrCat("a", i), absl::StrCat(i)), PutOf(absl::StrCat("b", i), "1")})) break;
  }
  const client::BulkEnd end = writer.Finish();
  written = true;
  nemesis.join();
  ASSERT_OK(end.status);
  EXPECT_EQ(end.answered, static_cast<uint64_t>(kBatches));
  EXPECT_EQ(answered, kBatches);
  EXPECT_GT(replayed, 0) << "nothing was tested";
  const auto stored = *this->client("A")->Everything();
  EXPECT_EQ(stored.size(), 2u * kBatches);
  ASSERT_OK(WaitFor("the watch to see all", absl::Seconds(10), [&] { return log.View() == stored; }));
  for (int i = 0; i < kBatches; ++i) {
    EXPECT_EQ(stored.at(absl::StrCat("a", i)), absl::StrCat(i));
    EXPECT_EQ(log.VersionsOf(absl::StrCat("a", i)), 1u) << i;
  }
}

TEST_F(Bulk, GoesOnAtAnotherNodeAfterAKill) {
  constexpr int kBatches = 4000;
  ClusterOptions options;
  options.ids = {"A", "B"};
  Start(options);
  client::Client client(NodesAt({node("A")->address(), node("B")->address()}));
  client::BulkWriter writer(&client, {});
  for (int i = 0; i < kBatches; ++i) {
    if (i == kBatches / 2) node("A")->Kill();
    ASSERT_TRUE(writer.Add({PutOf(absl::StrCat("k", i), absl::StrCat(i))}));
  }
  const client::BulkEnd end = writer.Finish();
  ASSERT_OK(end.status);
  EXPECT_EQ(end.node, node("B")->address());
  ASSERT_OK(node("A")->Start());
  ASSERT_OK(cluster_->WaitConverged());
  const auto stored = *this->client("B")->Everything();
  EXPECT_EQ(stored.size(), static_cast<size_t>(kBatches));
  for (int i = 0; i < kBatches; ++i) EXPECT_EQ(stored.at(absl::StrCat("k", i)), absl::StrCat(i));
}

TEST_F(Bulk, ALargeLoadTakesNoMoreMemoryThanItMay) {
  constexpr int kBatches = 200;
  ClusterOptions options;
  options.ids = {"A"};
  options.flags = {"--memtable-bytes", "16777216", "--block-cache-bytes", "8388608"};
  Start(options);
  ASSERT_OK(client("A")->Fill("warm", 10'000, std::string(1000, 'x')));
  const uint64_t before = node("A")->process()->MemoryBytes();
  client::Client client(NodesAt({node("A")->address()}));
  client::BulkWriter writer(&client, {});
  uint64_t peak = 0;
  for (int i = 0; i < kBatches; ++i) {
    std::vector<v1::WriteOperation> operations;
    for (int j = 0; j < 500; ++j)
      operations.push_back(PutOf(absl::StrCat("k", i, "-", j), std::string(2000, 'x')));
    ASSERT_TRUE(writer.Add(std::move(operations)));
    peak = std::max(peak, node("A")->process()->MemoryBytes());
  }
  ASSERT_OK(writer.Finish().status);
  EXPECT_LT(peak, before + (uint64_t{150} << 20)) << "before: " << before;
  EXPECT_EQ(this->client("A")->Status()->keys(), 10'000u + kBatches * 500u);
}

}  // namespace
}  // namespace lamppost::testing
