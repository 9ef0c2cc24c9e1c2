// The client against real gRPC servers: what only a real channel can show.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "clients/cpp/client.h"
#include "clients/cpp/cutting_proxy.h"
#include "clients/cpp/fake_kv_service.h"
#include "clients/cpp/fake_stub.h"
#include "clients/cpp/scan_iterator.h"
#include "services/common/error.h"

namespace lamppost::client {
namespace {

// Under a sanitizer on a busy machine a call takes its time; a test that waits for a failure sets less.
ClientOptions PatientOptions(const std::vector<int>& ports) {
  ClientOptions options = OptionsFor(ports);
  options.timeout_ms = 60'000;
  options.retry.attempt_timeout_ms = 20'000;
  return options;
}

// A port that refuses connections: it was free a moment ago.
int DeadPort() {
  FakeNode node("dead");
  node.Stop();
  return node.port();
}

TEST(ClientGrpcTest, PutGetDeleteWriteScanStatus) {
  FakeNode node("A");
  Client client(PatientOptions({node.port()}));
  const auto put = client.Put("x", TextValue("10"));
  ASSERT_TRUE(put.ok()) << put.status;
  EXPECT_EQ(put.response.version().node_id(), "A");
  EXPECT_FALSE(put.response.replayed());

  const auto get = client.Get("x");
  ASSERT_TRUE(get.ok()) << get.status;
  EXPECT_TRUE(get.response.found());
  EXPECT_EQ(get.response.value().text(), "10");
  EXPECT_FALSE(client.Get("y").response.found());

  std::vector<v1::WriteOperation> operations(2);
  operations[0].mutable_put()->set_key("y");
  *operations[0].mutable_put()->mutable_value() = DataValue(std::string("\0\xff", 2));
  operations[1].mutable_delete_()->set_key("x");
  EXPECT_TRUE(client.Write(operations).ok());
  EXPECT_FALSE(client.Delete("x").response.found());
  EXPECT_TRUE(client.Delete("y").response.found());
  EXPECT_EQ(client.Status().response.node_id(), "A");
  EXPECT_GT(client.clock(), put.response.clock().counter());
}

TEST(ClientGrpcTest, ScanGoesOverPages) {
  FakeNode node("A");
  node.service().SetPageKeysMax(3);
  Client client(PatientOptions({node.port()}));
  for (int i = 0; i < 10; ++i) client.Put("k" + std::to_string(i), TextValue("v"));
  client.Put("other", TextValue("v"));
  v1::ScanRequest request;
  request.set_prefix("k");
  ScanIterator scan(&client, request);
  int keys = 0;
  while (scan.Next()) ++keys;
  EXPECT_TRUE(scan.end().ok()) << scan.end().status;
  EXPECT_EQ(keys, 10);
}

TEST(ClientGrpcTest, FailsOverFromARefusedConnection) {
  FakeNode node("B");
  Client client(PatientOptions({DeadPort(), node.port()}));
  const auto put = client.Put("x", TextValue("1"));
  ASSERT_TRUE(put.ok()) << put.status;
  EXPECT_EQ(put.attempts, 2);
  EXPECT_EQ(put.response.version().node_id(), "B");
  EXPECT_EQ(client.Get("x").attempts, 1);
}

TEST(ClientGrpcTest, NobodyThereFailsForCertain) {
  ClientOptions options = PatientOptions({DeadPort(), DeadPort()});
  options.retry.attempts_max = 4;
  int not_sent = 0;
  options.observer = [&not_sent](const AttemptReport& report) {
    not_sent += report.reach == Reach::kNotSent;
  };
  Client client(options);
  const auto put = client.Put("x", TextValue("1"));
  EXPECT_EQ(put.status.code(), absl::StatusCode::kUnavailable) << put.status;
  EXPECT_EQ(ErrorReason(put.status), "NOT_CONNECTED");
  EXPECT_EQ(put.outcome, Outcome::kFailed);
  EXPECT_EQ(put.attempts, 4);
  EXPECT_EQ(not_sent, 4);
}

// The waits between attempts are the retry policy's: the channel's own back-off adds nothing to them.
TEST(ClientGrpcTest, ANodeThatIsBackIsFoundByTheNextAttempt) {
  const int port = DeadPort();
  ClientOptions options = PatientOptions({port});
  options.retry.attempts_max = 1;
  Client client(options);
  EXPECT_EQ(ErrorReason(client.Get("x").status), "NOT_CONNECTED");
  FakeNode node("A", port);
  ASSERT_EQ(node.port(), port);
  const auto get = client.Get("x");
  EXPECT_TRUE(get.ok()) << get.status;
}

TEST(ClientGrpcTest, FailsOverWhenANodeDiesBetweenCalls) {
  FakeNode a("A");
  FakeNode b("B");
  Client client(PatientOptions({a.port(), b.port()}));
  const auto first = client.Put("x", TextValue("1"));
  ASSERT_TRUE(first.ok());
  a.Stop();
  const auto second = client.Put("x", TextValue("2"));
  ASSERT_TRUE(second.ok()) << second.status;
  EXPECT_EQ(second.response.version().node_id(), "B");
  // The clock goes along: B had heard nothing of A, and yet its write is the later one.
  EXPECT_GT(second.response.version().counter(), first.response.version().counter());
}

TEST(ClientGrpcTest, ALostReplyIsReplayed) {
  FakeNode node("A");
  CuttingProxy proxy(node.port());
  std::atomic<int> cuts_left{1};
  node.service().SetAfterApply([&] {
    if (cuts_left.fetch_sub(1) > 0) proxy.Cut();
  });
  Client client(PatientOptions({proxy.port()}));
  const auto put = client.Put("x", TextValue("1"));
  ASSERT_TRUE(put.ok()) << put.status;
  EXPECT_EQ(put.attempts, 2);
  EXPECT_TRUE(put.response.replayed());
  EXPECT_EQ(node.service().writes_applied(), 1);
}

TEST(ClientGrpcTest, RepliesLostForEverMeanUnknown) {
  FakeNode node("A");
  CuttingProxy proxy(node.port());
  node.service().SetAfterApply([&] { proxy.Cut(); });
  ClientOptions options = PatientOptions({proxy.port()});
  options.retry.attempts_max = 3;
  Client client(options);
  const auto put = client.Put("x", TextValue("1"));
  EXPECT_FALSE(put.ok());
  EXPECT_EQ(put.outcome, Outcome::kUnknown) << put.status;
  EXPECT_NE(put.status.message().find(put.request_id), absl::string_view::npos) << put.status;
  EXPECT_EQ(node.service().writes_applied(), 1);
}

TEST(ClientGrpcTest, ANodeThatDoesNotAnswerCostsTheTimeoutAndNoMore) {
  std::mutex mutex;
  std::condition_variable changed;
  bool released = false;
  FakeNode node("A");  // goes first, with the hook that uses the above
  node.service().SetAfterApply([&] {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait_for(lock, std::chrono::seconds(60), [&] { return released; });
  });
  ClientOptions options = PatientOptions({node.port()});
  Client client(options);
  ASSERT_TRUE(client.Get("x").ok());  // connects
  CallOptions call;
  call.timeout_ms = 300;
  const int64_t start_ms = client.time().NowMs();
  const auto put = client.Put("x", TextValue("1"), call);
  const int64_t elapsed_ms = client.time().NowMs() - start_ms;
  {
    std::lock_guard<std::mutex> lock(mutex);
    released = true;
  }
  changed.notify_all();
  EXPECT_EQ(put.status.code(), absl::StatusCode::kDeadlineExceeded) << put.status;
  EXPECT_EQ(put.outcome, Outcome::kUnknown);
  EXPECT_GE(elapsed_ms, 290);
  EXPECT_LT(elapsed_ms, 10'000);
}

TEST(ClientGrpcTest, RefusalsCarryReasonDelayAndClock) {
  FakeNode node("A");
  node.service().RefuseNext(MakeRetryableError(absl::StatusCode::kResourceExhausted, "BUSY", "busy", 1));
  node.service().RefuseNext(MakeError(absl::StatusCode::kInvalidArgument, "KEY_TOO_LONG", "too long"));
  Client client(PatientOptions({node.port()}));
  const auto put = client.Put("x", TextValue("1"));
  EXPECT_EQ(put.attempts, 2);
  EXPECT_EQ(ErrorReason(put.status), "KEY_TOO_LONG") << put.status;
  EXPECT_EQ(put.outcome, Outcome::kFailed);
  EXPECT_GT(client.clock(), node.service().clock());
  EXPECT_EQ(node.service().writes_applied(), 0);
}

TEST(ClientGrpcTest, ThreadsShareAClient) {
  FakeNode node("A");
  Client client(PatientOptions({DeadPort(), node.port()}));
  std::vector<std::thread> threads;
  std::atomic<int> done{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        if (client.Put(std::to_string(t * 100 + i), TextValue("v")).ok()) ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done.load(), 160);
  EXPECT_EQ(node.service().entries().size(), 160u);
}

TEST(ClientGrpcTest, ARemovedNodeIsLeftForOneThatIsNone) {
  const absl::Status removed =
      MakeError(absl::StatusCode::kFailedPrecondition, "NODE_REMOVED", "it was removed");
  FakeNode gone("A");
  FakeNode other("B");
  Client client(PatientOptions({gone.port(), other.port()}));
  gone.service().RefuseNext(removed);
  EXPECT_TRUE(client.Put("k", TextValue("v")).status.ok());
  EXPECT_EQ(other.service().entries().count("k"), 1u);

  Client alone(PatientOptions({gone.port()}));
  gone.service().RefuseNext(removed);
  const auto put = alone.Put("k", TextValue("v"));
  EXPECT_EQ(ErrorReason(put.status), "NODE_REMOVED");
  EXPECT_EQ(put.outcome, Outcome::kFailed);
}

}  // namespace
}  // namespace lamppost::client
