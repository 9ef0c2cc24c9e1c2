// The rules of retrying and fail-over, against scripted nodes. The retry policy has its own test.
#include "clients/cpp/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/cpp/client.h"
#include "clients/cpp/fake_stub.h"
#include "services/common/error.h"

namespace lamppost::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const absl::Status kLost = absl::UnavailableError("socket closed");
const absl::Status kRefused = MakeError(absl::StatusCode::kUnavailable, "NOT_CONNECTED", "no");
const absl::Status kDraining = MakeError(absl::StatusCode::kUnavailable, "DRAINING", "stopping");
const absl::Status kSlow = absl::DeadlineExceededError("slow");

class ConnectionTest : public testing::Test {
 protected:
  Client MakeClient(const std::vector<int>& ports = {1, 2, 3}) {
    ClientOptions options = OptionsFor(ports);
    options.timeout_ms = timeout_ms_;
    options.retry = retry_;
    options.observer = [this](const AttemptReport& report) {
      reports_.push_back(report);
      reports_.back().node = "";  // lives only as long as the call
    };
    return Client(options, network_.Environment());
  }
  std::vector<int> PortsAsked() const {
    std::vector<int> ports;
    for (const SeenAttempt& attempt : network_.seen) ports.push_back(attempt.port);
    return ports;
  }

  FakeNetwork network_;
  std::optional<int64_t> timeout_ms_ = 10'000;
  RetryOptions retry_;
  std::vector<AttemptReport> reports_;
};

TEST_F(ConnectionTest, OneIdForAllAttempts) {
  network_.Add(kLost);
  network_.Add(kSlow);
  const auto put = MakeClient().Put("x", TextValue("10"));
  EXPECT_TRUE(put.ok());
  EXPECT_EQ(put.outcome, Outcome::kDone);
  EXPECT_EQ(put.attempts, 3);
  EXPECT_EQ(put.request_id, "id-1");
  for (const SeenAttempt& attempt : network_.seen) EXPECT_EQ(attempt.request_id, "id-1");
}

TEST_F(ConnectionTest, SleepsFollowTheBackOff) {
  for (int i = 0; i < 3; ++i) network_.Add(kRefused, Reach::kNotSent);
  EXPECT_TRUE(MakeClient().Get("x").ok());
  EXPECT_THAT(network_.time->sleeps_ms, ElementsAre(50, 100, 200));
}

TEST_F(ConnectionTest, AnUnreachableNodeIsLeftAndStayedAwayFrom) {
  network_.Add(kRefused, Reach::kNotSent);
  Client client = MakeClient();
  EXPECT_EQ(client.Put("x", TextValue("1")).node, "127.0.0.1:2");
  EXPECT_EQ(client.Get("x").node, "127.0.0.1:2");
  EXPECT_THAT(PortsAsked(), ElementsAre(1, 2, 2));
}

TEST_F(ConnectionTest, NodesAreTriedRoundAndRound) {
  for (int i = 0; i < 4; ++i) network_.Add(kRefused, Reach::kNotSent);
  EXPECT_TRUE(MakeClient().Get("x").ok());
  EXPECT_THAT(PortsAsked(), ElementsAre(1, 2, 3, 1, 2));
}

TEST_F(ConnectionTest, AnAmbiguousWriteIsTriedOnceMoreWhereItWas) {
  for (int i = 0; i < 3; ++i) network_.Add(kLost);
  EXPECT_TRUE(MakeClient().Put("x", TextValue("1")).ok());
  EXPECT_THAT(PortsAsked(), ElementsAre(1, 1, 2, 2));
}

TEST_F(ConnectionTest, AnAmbiguousWriteLeavesANodeThatHasGone) {
  network_.Add(kLost);
  network_.Add(kRefused, Reach::kNotSent);
  EXPECT_TRUE(MakeClient().Put("x", TextValue("1")).ok());
  EXPECT_THAT(PortsAsked(), ElementsAre(1, 1, 2));
}

TEST_F(ConnectionTest, ALostReadMovesOnAtOnce) {
  network_.Add(kLost);
  EXPECT_TRUE(MakeClient().Get("x").ok());
  EXPECT_THAT(PortsAsked(), ElementsAre(1, 2));
}

TEST_F(ConnectionTest, AnOverloadedNodeIsWaitedFor) {
  network_.Add(MakeRetryableError(absl::StatusCode::kResourceExhausted, "BUSY", "busy", 300));
  EXPECT_TRUE(MakeClient().Put("x", TextValue("1")).ok());
  EXPECT_THAT(PortsAsked(), ElementsAre(1, 1));
  EXPECT_THAT(network_.time->sleeps_ms, ElementsAre(350));
}

TEST_F(ConnectionTest, WhatNeverLeftFailedForCertain) {
  retry_.attempts_max = 4;
  for (int i = 0; i < 4; ++i) network_.Add(kRefused, Reach::kNotSent);
  const auto put = MakeClient().Put("x", TextValue("1"));
  EXPECT_EQ(put.outcome, Outcome::kFailed);
  EXPECT_EQ(put.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(put.status), "NOT_CONNECTED");
  EXPECT_EQ(put.status.message(), "no (4 attempts in 350 ms; all 4 attempts failed)");
}

TEST_F(ConnectionTest, OneAmbiguousAttemptMakesTheWholeUnknown) {
  network_.Add(kLost);
  network_.Add(MakeError(absl::StatusCode::kInvalidArgument, "BAD_KEY", "bad key"));
  const auto put = MakeClient().Put("x", TextValue("1"));
  EXPECT_EQ(put.outcome, Outcome::kUnknown);
  EXPECT_EQ(put.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(put.status.message()), HasSubstr("request id id-1"));
}

TEST_F(ConnectionTest, RefusalsAreCertain) {
  retry_.attempts_max = 2;
  network_.Add(kDraining);
  network_.Add(kDraining);
  EXPECT_EQ(MakeClient().Delete("x").outcome, Outcome::kFailed);
  network_.Add(MakeError(absl::StatusCode::kInvalidArgument, "BAD_KEY", "bad key"));
  const auto put = MakeClient().Put("x", TextValue("1"));
  EXPECT_EQ(put.outcome, Outcome::kFailed);
  EXPECT_EQ(put.status.message(), "bad key");
  EXPECT_EQ(put.attempts, 1);
}

TEST_F(ConnectionTest, AReadIsNeverUnknown) {
  retry_.attempts_max = 1;
  network_.Add(kLost);
  EXPECT_EQ(MakeClient().Get("x").outcome, Outcome::kFailed);
}

TEST_F(ConnectionTest, TheTimeoutBoundsAttemptsAndSleeps) {
  timeout_ms_ = 5000;
  for (int i = 0; i < 10; ++i) network_.Add(kSlow, Reach::kSent, 2000);
  const int64_t start_us = network_.time->now_us;
  const auto put = MakeClient().Put("x", TextValue("1"));
  EXPECT_EQ(put.outcome, Outcome::kUnknown);
  std::vector<int64_t> timeouts_ms;
  for (const SeenAttempt& attempt : network_.seen) timeouts_ms.push_back(attempt.timeout_ms);
  EXPECT_THAT(timeouts_ms, ElementsAre(2000, 2000, 850));
  EXPECT_LE(network_.time->now_us - start_us, 6'150'000);  // the script ignores the last timeout
}

TEST_F(ConnectionTest, ATimeoutOfNothingSendsNothing) {
  CallOptions call;
  call.timeout_ms = 0;
  const auto put = MakeClient().Put("x", TextValue("1"), call);
  EXPECT_EQ(put.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ErrorReason(put.status), "TIMEOUT");
  EXPECT_EQ(put.outcome, Outcome::kFailed);
  EXPECT_TRUE(network_.seen.empty());
}

TEST_F(ConnectionTest, TheBudgetEndsRetriesOfAllCalls) {
  timeout_ms_ = std::nullopt;
  retry_.budget_tokens_max = 4;
  for (int i = 0; i < 10; ++i) network_.Add(kRefused, Reach::kNotSent);
  Client client = MakeClient();
  EXPECT_EQ(client.Get("x").attempts, 3);
  EXPECT_EQ(client.Get("x").attempts, 1);
}

TEST_F(ConnectionTest, TheClockIsCarriedFromErrorsToTheNextAttempt) {
  network_.script.push_back({{kDraining, Reach::kSent, 100}, 0});
  network_.script.push_back({{absl::OkStatus(), Reach::kSent, 500}, 0});
  Client client = MakeClient();
  EXPECT_TRUE(client.Put("x", TextValue("1")).ok());
  EXPECT_EQ(network_.seen[0].clock, 1u);
  EXPECT_EQ(network_.seen[1].clock, 102u);  // observed as 101, then ticked
  EXPECT_EQ(client.clock(), 501u);
}

TEST_F(ConnectionTest, EveryAttemptIsReported) {
  network_.script.push_back({{kDraining, Reach::kSent, 100}, 7});
  EXPECT_TRUE(MakeClient().Put("x", TextValue("1")).ok());
  ASSERT_EQ(reports_.size(), 2u);
  EXPECT_EQ(reports_[0].method, "Put");
  EXPECT_EQ(reports_[0].number, 1);
  EXPECT_EQ(reports_[0].elapsed_us, 7000);
  EXPECT_EQ(reports_[0].clock_sent, 1u);
  EXPECT_EQ(reports_[0].clock_received, 100u);
  EXPECT_EQ(reports_[0].retry_after_ms, 50);
  EXPECT_EQ(reports_[1].number, 2);
  EXPECT_TRUE(reports_[1].status.ok());
  EXPECT_FALSE(reports_[1].retry_after_ms.has_value());
}

}  // namespace
}  // namespace lamppost::client
