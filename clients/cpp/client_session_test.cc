#include "clients/cpp/client_session.h"

#include <gtest/gtest.h>

#include "clients/cpp/client.h"
#include "clients/cpp/fake_stub.h"
#include "services/common/error.h"

namespace lamppost::client {
namespace {

v1::Session Of(const std::string& node_id, uint64_t incarnation, uint64_t counter) {
  v1::Session session;
  clock::v1::Head* head = session.add_heads();
  head->mutable_origin()->set_node_id(node_id);
  head->mutable_origin()->set_incarnation(incarnation);
  head->set_counter(counter);
  return session;
}

TEST(ClientSession, KeepsTheGreatestCounterOfEachLife) {
  ClientSession session(Of("A", 1, 5));
  session.Merge(Of("A", 1, 3));
  session.Merge(Of("A", 2, 4));
  session.Merge(Of("B", 1, 9));
  session.Merge(Of("B", 1, 0));
  const v1::Session seen = session.Get();
  ASSERT_EQ(seen.heads_size(), 3);
  EXPECT_EQ(seen.heads(0).counter(), 5u);
  EXPECT_EQ(seen.heads(1).counter(), 4u);
  EXPECT_EQ(seen.heads(2).counter(), 9u);
}

TEST(ClientSession, IsBounded) {
  ClientSession session;
  for (uint64_t life = 1; life <= ClientSession::kHeadsMax + 10; ++life) session.Merge(Of("A", life, life));
  const v1::Session seen = session.Get();
  ASSERT_EQ(seen.heads_size(), static_cast<int>(ClientSession::kHeadsMax));
  EXPECT_EQ(seen.heads(0).counter(), 11u);
}

class SessionCallsTest : public testing::Test {
 protected:
  ClientOptions Options() {
    ClientOptions options = OptionsFor({1, 2, 3});
    options.session = session_;
    return options;
  }
  uint64_t Sent(size_t attempt) const {
    const v1::Session& sent = network_.seen[attempt].session;
    return sent.heads_size() == 0 ? 0 : sent.heads(0).counter();
  }

  FakeNetwork network_;
  std::shared_ptr<ClientSession> session_ = std::make_shared<ClientSession>();
};

TEST_F(SessionCallsTest, EachCallBringsWhatAllAnswersBeforeItSaid) {
  Client client(Options(), network_.Environment());
  network_.answered_session = Of("A", 1, 5);
  client.Put("x", TextValue("1"));
  network_.answered_session = Of("A", 1, 7);
  client.Get("x");
  client.Delete("x");
  network_.answered_session = Of("A", 1, 6);
  client.Write({});
  client.Scan({});
  client.Status();
  EXPECT_EQ(Sent(0), 0u);
  EXPECT_EQ(Sent(1), 5u);
  EXPECT_EQ(Sent(2), 7u);
  EXPECT_EQ(Sent(3), 7u);
  EXPECT_EQ(Sent(4), 7u);
  ASSERT_EQ(session_->Get().heads_size(), 1);
  EXPECT_EQ(session_->Get().heads(0).counter(), 7u);
}

TEST_F(SessionCallsTest, WithoutOneNothingIsSent) {
  Client client(OptionsFor({1}), network_.Environment());
  network_.answered_session = Of("A", 1, 5);
  client.Put("x", TextValue("1"));
  client.Get("x");
  EXPECT_EQ(network_.seen[1].session.heads_size(), 0);
}

TEST_F(SessionCallsTest, OtherNodesAreTriedAtOnceAndThenItWaits) {
  const absl::Status behind =
      MakeRetryableError(absl::StatusCode::kUnavailable, "SESSION_AHEAD", "behind", 200);
  for (int i = 0; i < 4; ++i) network_.Add(behind);
  Client client(Options(), network_.Environment());
  const auto got = client.Get("x");
  EXPECT_TRUE(got.ok());
  std::vector<int> ports;
  for (const SeenAttempt& attempt : network_.seen) ports.push_back(attempt.port);
  EXPECT_EQ(ports, (std::vector<int>{1, 2, 3, 1, 2}));
  ASSERT_EQ(network_.time->sleeps_ms.size(), 4u);
  EXPECT_EQ(network_.time->sleeps_ms[0], 0);
  EXPECT_EQ(network_.time->sleeps_ms[1], 0);
  EXPECT_GE(network_.time->sleeps_ms[2], 200);
}

absl::Status Pending() {
  absl::Status status = MakeError(absl::StatusCode::kDeadlineExceeded, "REPLICAS_PENDING", "1 of 2");
  return WithMetadata(std::move(status), "have", "1");
}

TEST_F(SessionCallsTest, AWriteThatOthersDoNotHaveYetIsWaitedForWhereItIs) {
  network_.Add(Pending());
  network_.Add(Pending());
  Client client(Options(), network_.Environment());
  CallOptions call;
  call.replicas = 2;
  const auto put = client.Put("x", TextValue("1"), call);
  EXPECT_TRUE(put.ok());
  ASSERT_EQ(network_.seen.size(), 3u);
  for (const SeenAttempt& attempt : network_.seen) {
    EXPECT_EQ(attempt.port, 1);
    EXPECT_EQ(attempt.request_id, "id-1");
    EXPECT_EQ(attempt.replicas, 2u);
  }
}

TEST_F(SessionCallsTest, IfItStaysSoTheOutcomeIsPending) {
  for (int i = 0; i < 10; ++i) network_.Add(Pending(), Reach::kSent, 1000);
  Client client(Options(), network_.Environment());
  CallOptions call;
  call.timeout_ms = 3000;
  const auto put = client.Put("x", TextValue("1"), call);
  EXPECT_EQ(put.outcome, Outcome::kPending);
  EXPECT_EQ(ErrorReason(put.status), "REPLICAS_PENDING");
  EXPECT_EQ(ErrorMetadata(put.status)["have"], "1");
}

TEST_F(SessionCallsTest, WhatComesAfterwardsDoesNotUndoIt) {
  network_.Add(Pending());
  for (int i = 0; i < 40; ++i) {
    network_.Add(MakeError(absl::StatusCode::kUnavailable, "NOT_CONNECTED", "no"), Reach::kNotSent, 500);
  }
  Client client(Options(), network_.Environment());
  const auto put = client.Put("x", TextValue("1"));
  EXPECT_EQ(put.outcome, Outcome::kPending);
  EXPECT_EQ(ErrorReason(put.status), "REPLICAS_PENDING");
}

}  // namespace
}  // namespace lamppost::client
