// The services over a real gRPC server in this process.
#include "services/rpc/server/function_service.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "lamppost/rpc/v1/fault_service.grpc.pb.h"
#include "services/rpc/server/testing/service_fixture.h"

namespace lamppost::rpc {
namespace {

using testing::Answer;
using testing::IdText;
using testing::Request;
using testing::ServiceFixture;

class FunctionServiceTest : public ServiceFixture {};

TEST_F(FunctionServiceTest, ACallRunsOnceAndItsOutcomeIsReplayedByteForByte) {
  const Answer first = Call(Request(1, "echo", R"({"b":[1,{"z":1,"y":2}],"a":"ä","c":null})"));
  ASSERT_TRUE(first.status.ok()) << first.status.error_message();
  EXPECT_FALSE(first.response.replayed());
  EXPECT_EQ(first.response.request_id(), IdText(1));
  EXPECT_GT(first.response.clock().counter(), 0u);
  EXPECT_EQ(first.response.clock().node_id(), "A");
  EXPECT_EQ(first.response.clock().incarnation(), 5u);
  EXPECT_EQ(first.response.outcome().result().struct_value().fields().at("a").string_value(), "ä");
  const Answer again = Call(Request(1, "echo", R"({"a":"ä","c":null,"b":[1,{"y":2,"z":1}]})"));
  ASSERT_TRUE(again.status.ok());
  EXPECT_TRUE(again.response.replayed());
  EXPECT_GT(again.response.clock().counter(), first.response.clock().counter());
  EXPECT_EQ(again.outcome_bytes, first.outcome_bytes);
  EXPECT_FALSE(first.outcome_bytes.empty());
}

TEST_F(FunctionServiceTest, TheClientsClockIsObserved) {
  v1::CallRequest request = Request(1, "echo");
  request.mutable_clock()->set_counter(1'000'000);
  EXPECT_GT(Call(request).response.clock().counter(), 1'000'000u);
  request.mutable_clock()->set_counter(~uint64_t{0});
  EXPECT_EQ(Call(request).reason, "CLOCK_TOO_FAR_AHEAD");
  request.mutable_clock()->set_counter(uint64_t{1} << 40);  // beyond what is reserved
  const Answer far = Call(request);
  ASSERT_TRUE(far.status.ok()) << far.status.error_message();
  EXPECT_GT(far.response.clock().counter(), uint64_t{1} << 40);
}

TEST_F(FunctionServiceTest, EachErrorHasItsCodeAReasonAndTheClock) {
  ASSERT_TRUE(Call(Request(1, "echo")).status.ok());
  const auto expect = [this](const v1::CallRequest& request, grpc::StatusCode code,
                             const std::string& reason) {
    const Answer answer = Call(request);
    EXPECT_EQ(answer.status.error_code(), code) << reason;
    EXPECT_EQ(answer.reason, reason);
    ASSERT_TRUE(answer.trailer.has_value()) << reason;
    EXPECT_GT(answer.trailer->counter, 0u);
    EXPECT_EQ(answer.trailer->origin.node_id, "A");
  };
  using grpc::StatusCode;
  expect(Request(1, "held"), StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED");
  expect(Request(1, "echo", R"({"other":1})"), StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED");
  expect(Request(2, "ecko"), StatusCode::NOT_FOUND, "FUNCTION_UNKNOWN");
  expect(Request(2, "echo", R"({"number":"x"})"), StatusCode::INVALID_ARGUMENT, "PARAMS_INVALID");
  expect(Request(2, ""), StatusCode::INVALID_ARGUMENT, "METHOD_MISSING");
  v1::CallRequest request = Request(2, "echo");
  request.set_request_id("");
  expect(request, StatusCode::INVALID_ARGUMENT, "REQUEST_ID_MISSING");
  request.set_request_id("not a uuid");
  expect(request, StatusCode::INVALID_ARGUMENT, "REQUEST_ID_INVALID");
  request = Request(2, "echo");
  request.set_client_id("\n");
  expect(request, StatusCode::INVALID_ARGUMENT, "CLIENT_ID_INVALID");
  request.set_client_id("me");
  request.set_watermark(IdText(3));  // of version 4
  expect(request, StatusCode::INVALID_ARGUMENT, "WATERMARK_INVALID");
  request = Request(2, "echo");
  (*request.mutable_params()->mutable_fields())["n"].set_number_value(
      std::numeric_limits<double>::infinity());
  expect(request, StatusCode::INVALID_ARGUMENT, "PARAMS_NOT_JSON");
  request = Request(2, "echo");
  google::protobuf::Value* value = &(*request.mutable_params()->mutable_fields())["a"];
  for (int i = 0; i < 100; ++i) value = value->mutable_list_value()->add_values();
  value->set_bool_value(true);
  expect(request, StatusCode::INVALID_ARGUMENT, "PARAMS_TOO_DEEP");
  request = Request(2, "echo");
  (*request.mutable_params()->mutable_fields())["a"].set_string_value(std::string(kParamsBytesMax, 'x'));
  expect(request, StatusCode::INVALID_ARGUMENT, "PARAMS_TOO_LARGE");
}

TEST_F(FunctionServiceTest, BytesThatAreNoRequestAreRefusedPrecisely) {
  for (const std::string& bytes : {std::string("\xff\xff\xff"), std::string("\x1a\x02\xc3\x28")}) {
    const Answer unary = CallRaw("/lamppost.rpc.v1.FunctionService/Call", bytes);
    EXPECT_EQ(unary.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(unary.reason, "REQUEST_UNREADABLE");
    EXPECT_TRUE(unary.trailer.has_value());
  }
}

TEST_F(FunctionServiceTest, ADeadlineThatHasPassedRecordsNothing) {
  Fault delay;
  delay.delay_ms = 400;
  ASSERT_TRUE(faults_->Add(delay).ok());
  const Answer answer = Call(Request(1, "echo"), absl::Milliseconds(20));
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  ASSERT_TRUE(faults_->Clear().ok());
  ASSERT_TRUE(Call(Request(2, "echo")).status.ok());
  EXPECT_EQ(store_.created(), 1);
  EXPECT_EQ(Get(1).reason, "REQUEST_ID_UNKNOWN");
}

TEST_F(FunctionServiceTest, ACallerThatGoesLeavesTheRunAlone) {
  grpc::ClientContext context;
  std::thread caller([&] {
    v1::CallResponse response;
    EXPECT_EQ(stub_->Call(&context, Request(1, "held"), &response).error_code(), grpc::StatusCode::CANCELLED);
  });
  const auto run = functions_.held->Next();
  context.TryCancel();
  caller.join();
  EXPECT_EQ(Get(1).get.state(), v1::CALL_STATE_RUNNING);
  run.Finish(5);
  const Answer answer = Call(Request(1, "held"));
  EXPECT_TRUE(answer.response.replayed());
  EXPECT_EQ(answer.response.outcome().result().number_value(), 5);
}

TEST_F(FunctionServiceTest, ACallerThatGoesEndsARunThatMayBeKilled) {
  grpc::ClientContext context;
  std::thread caller([&] {
    v1::CallResponse response;
    EXPECT_EQ(stub_->Call(&context, Request(1, "killable"), &response).error_code(),
              grpc::StatusCode::CANCELLED);
  });
  functions_.held->Next();
  context.TryCancel();
  caller.join();
  EXPECT_TRUE(functions_.held->AwaitKill());
  const Answer answer = Call(Request(1, "killable"));
  EXPECT_EQ(answer.response.outcome().error().reason(), "CANCELLED");
}

TEST_F(FunctionServiceTest, AStreamTellsOfProgressAndEndsWithTheOutcome) {
  grpc::ClientContext context;
  const auto stream = stub_->CallStream(&context, testing::StreamRequest(1, "held"));
  const auto run = functions_.held->Next();
  v1::CallStreamResponse message;
  run.Progress(0.25, "a quarter");
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.progress().fraction(), 0.25);
  EXPECT_EQ(message.progress().message(), "a quarter");
  EXPECT_EQ(message.request_id(), IdText(1));
  EXPECT_GT(message.clock().counter(), 0u);
  EXPECT_EQ(Get(1).get.progress().message(), "a quarter");
  run.Finish(7);
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.outcome().result().number_value(), 7);
  EXPECT_FALSE(message.replayed());
  EXPECT_FALSE(stream->Read(&message));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(FunctionServiceTest, ASlowReaderMissesProgressButNotTheOutcome) {
  grpc::ClientContext context;
  const auto stream = stub_->CallStream(&context, testing::StreamRequest(1, "held"));
  const auto run = functions_.held->Next();
  const std::string large(kProgressMessageBytesMax, 'x');
  for (int i = 0; i < 20'000; ++i) run.Progress(0.5, large);
  run.Progress(1, "the last");
  run.Finish(7);
  ASSERT_TRUE(Call(Request(1, "held")).status.ok());  // joined or replayed: the outcome is there
  v1::CallStreamResponse message;
  int news = 0;
  while (stream->Read(&message)) ++news;
  EXPECT_EQ(message.outcome().result().number_value(), 7);
  EXPECT_LT(news, 20'000);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(FunctionServiceTest, AStreamsErrorCarriesReasonAndClock) {
  grpc::ClientContext context;
  const auto stream = stub_->CallStream(&context, testing::StreamRequest(1, "nothing"));
  v1::CallStreamResponse message;
  EXPECT_FALSE(stream->Read(&message));
  const Answer answer(stream->Finish(), context);
  EXPECT_EQ(answer.reason, "FUNCTION_UNKNOWN");
  EXPECT_TRUE(answer.trailer.has_value());
}

TEST_F(FunctionServiceTest, AStreamMayBeCancelled) {
  grpc::ClientContext context;
  const auto stream = stub_->CallStream(&context, testing::StreamRequest(1, "killable"));
  functions_.held->Next();
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(functions_.held->AwaitKill());
}

TEST_F(FunctionServiceTest, GetCallTellsWithoutRunning) {
  EXPECT_EQ(Get(1).status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Get(1).reason, "REQUEST_ID_UNKNOWN");
  EXPECT_TRUE(Get(1).trailer.has_value());
  const Answer call = Call(Request(1, "echo"));
  const Answer got = Get(1);
  ASSERT_TRUE(got.status.ok());
  EXPECT_EQ(got.get.state(), v1::CALL_STATE_DONE);
  EXPECT_EQ(got.get.method(), "echo");
  EXPECT_EQ(got.get.request_id(), IdText(1));
  EXPECT_EQ(got.get.outcome().SerializeAsString(), call.response.outcome().SerializeAsString());
}

TEST_F(FunctionServiceTest, ListsWhatCanBeCalled) {
  grpc::ClientContext context;
  v1::ListFunctionsResponse response;
  ASSERT_TRUE(stub_->ListFunctions(&context, v1::ListFunctionsRequest(), &response).ok());
  EXPECT_GT(response.clock().counter(), 0u);
  ASSERT_EQ(response.functions_size(), 4);
  EXPECT_EQ(response.functions(1).name(), "echo");
  ASSERT_EQ(response.problems_size(), 1);
}

TEST_F(FunctionServiceTest, TooManyCallsAreRefused) {
  grpc::ClientContext context;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::CallStreamResponse>>> streams;
  for (size_t i = 0; i < kCallsMax; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    streams.push_back(stub_->CallStream(contexts.back().get(),
                                        testing::StreamRequest(static_cast<uint8_t>(10 + i), "held")));
    functions_.held->Next();
  }
  const Answer refused = Call(Request(1, "echo"));
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.reason, "OVERLOADED");
  EXPECT_TRUE(refused.retry_delay_ms.has_value());
  for (const auto& each : contexts) each->TryCancel();
  for (const auto& each : streams) each->Finish();
}

}  // namespace
}  // namespace lamppost::rpc
