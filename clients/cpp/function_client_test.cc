// FunctionClient against scripted servers: ids, outcomes, times, watermarks.
#include "clients/cpp/function_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/cpp/fake_function_stub.h"
#include "services/common/error.h"

namespace lamppost::client {
namespace {

using rpc::Json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kId[] = "0190f3c2-7a8b-7c3d-9e4f-0123456789ab";
const absl::Status kLost = absl::UnavailableError("socket closed");
const absl::Status kSlow = absl::DeadlineExceededError("slow");
const absl::Status kRefused = MakeError(absl::StatusCode::kUnavailable, "NOT_CONNECTED", "no");
const absl::Status kExpired = MakeError(absl::StatusCode::kFailedPrecondition, "REQUEST_ID_EXPIRED", "old");

class FunctionClientTest : public testing::Test {
 protected:
  FunctionClientTest() { options_.servers = *ParseAddresses("127.0.0.1:1,127.0.0.1:2"); }

  FunctionClient& client() {
    if (!client_) client_ = std::make_unique<FunctionClient>(options_, network_.Environment());
    return *client_;
  }
  FunctionCallResult Call(const std::string& request_id = "") {
    FunctionCallOptions call;
    call.request_id = request_id;
    return client().Call("add", {{"a", 1}, {"b", 2}}, call);
  }

  FakeFunctionNetwork network_;
  FunctionClientOptions options_;
  std::unique_ptr<FunctionClient> client_;
};

TEST_F(FunctionClientTest, OneIdForAllAttemptsAndARisingClock) {
  network_.Add(kLost);
  network_.Add(MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "stopping"));
  network_.script.back().end.server_clock = 100;
  const FunctionCallResult result = Call();
  ASSERT_TRUE(result.ok()) << result.status;
  EXPECT_EQ(result.result(), Json(true));
  EXPECT_EQ(result.attempts, 3);
  ASSERT_EQ(network_.seen.size(), 3u);
  const auto id = rpc::ParseRequestId(result.request_id);
  ASSERT_TRUE(id.ok());
  EXPECT_TRUE(id->minted_ms().has_value()) << "version 7";
  std::vector<uint64_t> clocks;
  for (const SeenFunctionCall& call : network_.seen) {
    EXPECT_EQ(call.request.request_id(), result.request_id);
    EXPECT_EQ(call.request.method(), "add");
    EXPECT_EQ(call.request.params().fields().at("b").number_value(), 2);
    clocks.push_back(call.request.clock().counter());
  }
  EXPECT_THAT(clocks, ElementsAre(1, 2, 102));
}

TEST_F(FunctionClientTest, TheIdIsToldOnceAndBeforeTheFirstAttempt) {
  network_.Add(kLost);
  std::vector<std::string> told;
  FunctionCallOptions call;
  call.on_request_id = [&](const std::string& id) {
    EXPECT_TRUE(network_.seen.empty());
    told.push_back(id);
  };
  const FunctionCallResult result = client().Call("add", Json::object(), call);
  EXPECT_EQ(result.attempts, 2);
  EXPECT_THAT(told, ElementsAre(result.request_id));
  client().Call("\xff", Json::object(), call);
  EXPECT_EQ(told.size(), 1u) << "nothing was sent";
}

TEST_F(FunctionClientTest, IdsRise) {
  const std::string first = Call().request_id;
  EXPECT_LT(first, Call().request_id);
}

TEST_F(FunctionClientTest, TheOutcomes) {
  network_.script.resize(3);
  network_.script[0].outcome.mutable_error()->set_reason("EXIT_CODE");
  network_.script[1].outcome.mutable_unknown()->set_reason("SERVER_CRASHED");
  network_.script[2].outcome.mutable_result()->set_null_value({});
  const FunctionCallResult failed = Call();
  EXPECT_EQ(failed.outcome, CallOutcome::kFunctionFailed);
  EXPECT_TRUE(failed.status.ok());
  EXPECT_EQ(failed.answer.error().reason(), "EXIT_CODE");
  EXPECT_EQ(Call().outcome, CallOutcome::kUnknown);
  const FunctionCallResult result = Call();
  EXPECT_EQ(result.outcome, CallOutcome::kResult);
  EXPECT_EQ(result.result(), Json(nullptr));
}

TEST_F(FunctionClientTest, AnAnswerWithoutOutcomeOrOfAnotherIsNone) {
  network_.script.resize(2);
  network_.script[1].outcome.mutable_result()->set_bool_value(true);
  network_.script[1].request_id = kId;
  for (int i = 0; i < 2; ++i) {
    const FunctionCallResult result = Call();
    EXPECT_EQ(result.outcome, CallOutcome::kUnknown);
    EXPECT_EQ(ErrorReason(result.status), "BAD_ANSWER");
  }
}

TEST_F(FunctionClientTest, RefusalsAreCertain) {
  options_.retry.attempts_max = 2;
  for (const char* reason : {"SHUTTING_DOWN", "FAULT_INJECTED", "REQUEST_STORE_UNAVAILABLE"}) {
    for (int i = 0; i < 2; ++i) network_.Add(MakeError(absl::StatusCode::kUnavailable, reason, "no"));
    EXPECT_EQ(Call().outcome, CallOutcome::kFailed) << reason;
  }
  for (int i = 0; i < 2; ++i) {
    network_.Add(MakeRetryableError(absl::StatusCode::kResourceExhausted, "FUNCTION_BUSY", "busy", 40));
  }
  EXPECT_EQ(Call().outcome, CallOutcome::kFailed);
  EXPECT_EQ(network_.time->sleeps_ms.back(), 90) << "what the server asked for, and the jitter";
  network_.Add(kExpired);
  EXPECT_EQ(Call().outcome, CallOutcome::kFailed) << "a fresh id, refused at once, never ran";
}

TEST_F(FunctionClientTest, WhatMayHaveRunIsUnknown) {
  options_.retry.attempts_max = 2;
  network_.Add(kLost);
  network_.Add(kLost);
  const FunctionCallResult lost = Call();
  EXPECT_EQ(lost.outcome, CallOutcome::kUnknown);
  EXPECT_THAT(std::string(lost.status.message()), HasSubstr("the call may or may not have taken effect"));
  EXPECT_THAT(std::string(lost.status.message()), HasSubstr(lost.request_id));
  network_.Add(kLost);
  network_.Add(kExpired);
  EXPECT_EQ(Call().outcome, CallOutcome::kUnknown) << "the first attempt may have been taken";
  network_.Add(MakeError(absl::StatusCode::kInternal, "STORAGE_FAILED", "disk"));
  EXPECT_EQ(Call().outcome, CallOutcome::kUnknown);
}

TEST_F(FunctionClientTest, OfAGivenIdOnlyWordsAboutTheRequestAreCertain) {
  options_.retry.attempts_max = 1;
  const auto outcome = [this](const absl::Status& status, Reach reach = Reach::kSent) {
    network_.Add(status, reach);
    return Call(kId).outcome;
  };
  EXPECT_EQ(outcome(kExpired), CallOutcome::kUnknown);
  EXPECT_EQ(outcome(kRefused, Reach::kNotSent), CallOutcome::kUnknown) << "it may have run before";
  EXPECT_EQ(outcome(MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "no")), CallOutcome::kUnknown);
  EXPECT_EQ(outcome(MakeError(absl::StatusCode::kInvalidArgument, "REQUEST_ID_REUSED", "other params")),
            CallOutcome::kFailed);
  EXPECT_EQ(outcome(MakeError(absl::StatusCode::kNotFound, "FUNCTION_UNKNOWN", "none")),
            CallOutcome::kFailed);
  EXPECT_EQ(network_.seen.back().request.request_id(), kId);
}

TEST_F(FunctionClientTest, BadInputSendsNothing) {
  FunctionCallOptions call;
  EXPECT_EQ(ErrorReason(client().Call("add", Json::array(), call).status), "PARAMS_INVALID");
  EXPECT_EQ(ErrorReason(client().Call("\xff", Json::object()).status), "METHOD_INVALID");
  const FunctionCallResult result = Call("not-a-uuid");
  EXPECT_EQ(ErrorReason(result.status), "REQUEST_ID_INVALID");
  EXPECT_EQ(result.outcome, CallOutcome::kFailed);
  EXPECT_EQ(result.request_id, "not-a-uuid");
  EXPECT_EQ(ErrorReason(client().GetCall("").status), "REQUEST_ID_MISSING");
  EXPECT_TRUE(network_.seen.empty());
  EXPECT_EQ(network_.asked, 0);
}

TEST_F(FunctionClientTest, ServersThatDoNotGoTogether) {
  options_.servers = *ParseAddresses("dns:///a:1,b:2");
  EXPECT_EQ(ErrorReason(Call().status), "BAD_ADDRESS");
  EXPECT_EQ(ErrorReason(client().ListFunctions().status), "BAD_ADDRESS");
}

TEST_F(FunctionClientTest, AnAttemptsTimeIsWhatRemainsAtMost) {
  options_.timeout_ms = 12'000;
  options_.retry.attempt_timeout_ms = 5000;
  for (int i = 0; i < 3; ++i) network_.Add(kSlow, Reach::kSent, 5000);
  EXPECT_EQ(Call().outcome, CallOutcome::kUnknown);
  std::vector<int64_t> timeouts_ms;
  for (const SeenFunctionCall& call : network_.seen) timeouts_ms.push_back(call.plan.timeout_ms);
  EXPECT_THAT(timeouts_ms, ElementsAre(5000, 5000, 1900));
}

TEST_F(FunctionClientTest, WaitingForASlowFunctionCostsNoBudgetAndNoGrowingPauses) {
  options_.timeout_ms = 3'600'000;
  for (int i = 0; i < 60; ++i) network_.Add(kSlow, Reach::kSent, 5000);
  const FunctionCallResult result = Call();
  EXPECT_TRUE(result.ok()) << result.status;
  EXPECT_EQ(result.attempts, 61);
  EXPECT_THAT(network_.time->sleeps_ms, testing::Each(50));
}

TEST_F(FunctionClientTest, HedgesAreAskedForOnlyWhileFewAttemptsFail) {
  options_.hedge.delay_ms = 200;
  options_.retry.budget_tokens_max = 4;
  EXPECT_TRUE(Call().ok());
  EXPECT_EQ(network_.seen[0].plan.hedge_delay_ms, 200);
  EXPECT_EQ(network_.seen[0].plan.hedges_max, 1);
  const uint64_t before = client().clock();
  EXPECT_EQ(network_.seen[0].plan.tick(), before + 1) << "a hedge has the client's clock";
  for (int i = 0; i < 3; ++i) network_.Add(kLost);
  EXPECT_FALSE(Call().ok());
  EXPECT_TRUE(Call().ok());
  EXPECT_FALSE(network_.seen.back().plan.hedge_delay_ms.has_value());
}

TEST_F(FunctionClientTest, AStreamTellsOfProgressAndIsBoundedBySilence) {
  network_.Add(kLost);
  std::vector<std::string> told;
  const FunctionCallResult result =
      client().CallStream("add", Json::object(),
                          [&told](const rpc::v1::Progress& progress) { told.push_back(progress.message()); });
  EXPECT_TRUE(result.ok());
  EXPECT_THAT(told, ElementsAre("one", "one"));
  ASSERT_EQ(network_.seen_streams.size(), 2u);
  EXPECT_EQ(network_.seen_streams[0].request_id(), network_.seen_streams[1].request_id());
  EXPECT_EQ(network_.stream_plans[0].silence_timeout_ms, 5000);
  EXPECT_EQ(network_.stream_plans[1].timeout_ms, 29'950);
}

TEST_F(FunctionClientTest, NoWatermarkUnlessAsked) {
  EXPECT_TRUE(Call().ok());
  EXPECT_EQ(network_.seen[0].request.client_id(), "");
  EXPECT_EQ(network_.seen[0].request.watermark(), "");
}

TEST_F(FunctionClientTest, TheWatermarkStopsAtUnknownOutcomes) {
  options_.watermark = Watermark::kAutomatic;
  options_.client_id = "me";
  options_.retry.attempts_max = 1;
  const std::string first = Call().request_id;
  EXPECT_EQ(network_.seen[0].request.client_id(), "me");
  EXPECT_EQ(network_.seen[0].request.watermark(), first);
  const std::string second = Call().request_id;
  EXPECT_EQ(network_.seen[1].request.watermark(), second) << "the first one is done";
  network_.Add(kLost);
  const std::string unknown = Call().request_id;
  Call();
  EXPECT_EQ(network_.seen[3].request.watermark(), unknown);
  EXPECT_TRUE(Call(unknown).ok());  // asked again: now it is done
  EXPECT_EQ(network_.seen[4].request.client_id(), "me");
  const std::string last = Call().request_id;
  EXPECT_EQ(network_.seen[5].request.watermark(), last);
  EXPECT_TRUE(Call(kId).ok());
  EXPECT_EQ(network_.seen[6].request.client_id(), "") << "an id of somebody else is not below our watermark";
  network_.Add(kLost);
  client().Forget(Call().request_id);
  const std::string after = Call().request_id;
  EXPECT_EQ(network_.seen.back().request.watermark(), after);
}

TEST_F(FunctionClientTest, FaultsAreNotAddedTwice) {
  network_.Add(kLost);
  const auto added = client().AddFault({});
  EXPECT_EQ(added.outcome, Outcome::kUnknown);
  EXPECT_EQ(network_.asked, 1);
  network_.Add(kLost);
  EXPECT_TRUE(client().ClearFaults().ok());
  EXPECT_EQ(network_.asked, 3);
}

}  // namespace
}  // namespace lamppost::client
