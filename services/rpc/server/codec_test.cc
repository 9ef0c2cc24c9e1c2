#include "services/rpc/server/codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "services/common/error.h"
#include "services/common/message_bytes.h"
#include "services/rpc/server/testing/fake_functions.h"

namespace lamppost::rpc {
namespace {

namespace pb = google::protobuf;

constexpr char kId[] = "0190f3c2-7a8b-7c3d-9e4f-0123456789ab";

std::string Bytes(const pb::MessageLite& message) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(MessageBytes(message).Dump(&slices).ok());
  std::string text;
  for (const grpc::Slice& slice : slices) text.append(slice.begin(), slice.end());
  return text;
}

pb::Struct StructOf(const Json& json) {
  pb::Struct message;
  ToProto(json, &message);
  return message;
}

TEST(CodecTest, ParamsComeThroughAsTheyWere) {
  const Json params = {{"text", "ä"},
                       {"whole", 3},
                       {"part", 0.5},
                       {"no", nullptr},
                       {"yes", true},
                       {"list", {1, "two", Json::array(), Json::object()}},
                       {"", {{"deep", {{"er", -7}}}}}};
  const absl::StatusOr<Json> read = ParamsFromProto(StructOf(params));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(CanonicalText(*read), CanonicalText(params));
  EXPECT_EQ(*ParamsFromProto(pb::Struct()), Json::object());
}

TEST(CodecTest, WholeNumbersAreIntegers) {
  pb::Struct params;
  (*params.mutable_fields())["n"].set_number_value(3.0);
  const absl::StatusOr<Json> read = ParamsFromProto(params);
  EXPECT_EQ(read->dump(), R"({"n":3})");
}

TEST(CodecTest, WhatIsNoJsonIsRefused) {
  for (const double number :
       {std::nan(""), std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()}) {
    pb::Struct params;
    (*params.mutable_fields())["n"].mutable_list_value()->add_values()->set_number_value(number);
    EXPECT_EQ(ErrorReason(ParamsFromProto(params).status()), "PARAMS_NOT_JSON");
  }
  pb::Struct of_no_kind;
  (*of_no_kind.mutable_fields())["n"];
  EXPECT_EQ(ErrorReason(ParamsFromProto(of_no_kind).status()), "PARAMS_NOT_JSON");
}

TEST(CodecTest, ParamsMayBeAsDeepAsJsonAndNoDeeper) {
  const auto nested = [](size_t depth) {
    pb::Struct params;  // itself one level
    pb::Value* value = &(*params.mutable_fields())["a"];
    for (size_t i = 1; i < depth; ++i) value = value->mutable_list_value()->add_values();
    value->set_bool_value(true);
    return params;
  };
  EXPECT_TRUE(ParamsFromProto(nested(kJsonDepthMax)).ok());
  EXPECT_EQ(ErrorReason(ParamsFromProto(nested(kJsonDepthMax + 1)).status()), "PARAMS_TOO_DEEP");
  EXPECT_EQ(ErrorReason(ParamsFromProto(nested(100)).status()), "PARAMS_TOO_DEEP");
}

TEST(CodecTest, ParamsBeyondTheirSizeAreRefused) {
  const std::string fits(kParamsBytesMax - 10, 'x');  // {"a":"…"} around it
  EXPECT_TRUE(ParamsFromProto(StructOf({{"a", fits}})).ok());
  EXPECT_EQ(ErrorReason(ParamsFromProto(StructOf({{"a", fits + "xxxx"}})).status()), "PARAMS_TOO_LARGE");
}

TEST(CodecTest, ValuesBeyondTheDepthAreCutNotFollowed) {
  Json deep = 1;
  for (int i = 0; i < 200; ++i) deep = Json::array({deep});
  pb::Value message;
  ToProto(deep, &message);
  size_t depth = 0;
  for (const pb::Value* at = &message; at->has_list_value(); at = &at->list_value().values(0)) ++depth;
  EXPECT_EQ(depth, kJsonDepthMax);
}

Outcome Result(const std::string& json) {
  Outcome outcome;
  outcome.kind = Outcome::Kind::kResult;
  outcome.result = json;
  outcome.started = {17, {"A", 5}};
  outcome.finished = {18, {"B", 6}};
  outcome.elapsed_ms = 12;
  return outcome;
}

TEST(CodecTest, AnOutcomeHasTheSameBytesEachTime) {
  std::string json = "{";
  for (int i = 0; i < 100; ++i)
    json += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":[{\"b\":1,\"a\":2}]";
  json += "}";
  v1::Outcome first;
  ASSERT_TRUE(ToProto(Result(json), &first).ok());
  for (int i = 0; i < 20; ++i) {
    v1::Outcome again;
    ASSERT_TRUE(ToProto(Result(json), &again).ok());
    ASSERT_EQ(Bytes(again), Bytes(first));
  }
  EXPECT_EQ(first.started().counter(), 17u);
  EXPECT_EQ(first.started().node_id(), "A");
  EXPECT_EQ(first.finished().incarnation(), 6u);
  EXPECT_EQ(first.elapsed_ms(), 12u);
}

TEST(CodecTest, AFunctionsErrorKeepsItsParts) {
  Outcome outcome;
  outcome.kind = Outcome::Kind::kError;
  outcome.error = {"EXIT_CODE", "it said \xff", 3, std::nullopt, "last words"};
  v1::Outcome message;
  ASSERT_TRUE(ToProto(outcome, &message).ok());
  EXPECT_EQ(message.error().reason(), "EXIT_CODE");
  EXPECT_EQ(message.error().exit_code(), 3);
  EXPECT_FALSE(message.error().has_signal());
  EXPECT_EQ(message.error().error_output(), "last words");
  EXPECT_EQ(message.error().message(), "it said \xef\xbf\xbd");  // as the store would give it back
}

TEST(CodecTest, AnUnknownOutcomeSaysWhy) {
  Outcome outcome;
  outcome.error.reason = "SERVER_CRASHED";
  v1::Outcome message;
  ASSERT_TRUE(ToProto(outcome, &message).ok());
  EXPECT_EQ(message.unknown().reason(), "SERVER_CRASHED");
}

TEST(CodecTest, AResultThatNoMessageCanHoldIsTheFunctionsFailure) {
  std::string json = "[0";
  for (size_t i = 0; i < kResultMessageBytesMax / 11; ++i) json += ",0";  // 11 bytes each in a message
  v1::Outcome message;
  ASSERT_TRUE(ToProto(Result(json + "]"), &message).ok());
  EXPECT_EQ(message.error().reason(), "RESULT_TOO_LARGE");
  EXPECT_FALSE(message.has_result());
}

TEST(CodecTest, AKeptResultThatIsNoJsonIsDamage) {
  v1::Outcome message;
  EXPECT_EQ(ErrorReason(ToProto(Result("{\"a\":"), &message)), "DATA_CORRUPT");
}

TEST(CodecTest, AFunctionIsDescribed) {
  FunctionList list;
  const testing::FakeFunctions functions;
  list.registry = functions.registry;
  list.loads["again"] = {2, 3};
  v1::ListFunctionsResponse message;
  ToProto(list, &message);
  ASSERT_EQ(message.functions_size(), 4);
  const v1::FunctionInfo& again = message.functions(0);
  EXPECT_EQ(again.name(), "again");
  EXPECT_TRUE(again.idempotent());
  EXPECT_EQ(again.running(), 2u);
  EXPECT_EQ(again.waiting(), 3u);
  EXPECT_EQ(again.params().fields().at("type").string_value(), "object");
  EXPECT_EQ(message.functions(3).name(), "killable");
  EXPECT_TRUE(message.functions(3).cancellable());
  ASSERT_EQ(message.problems_size(), 1);
  EXPECT_EQ(message.problems(0).file(), "bad.json");
}

v1::CallRequest Good() {
  v1::CallRequest request;
  request.set_request_id(kId);
  request.set_method("add");
  return request;
}

TEST(CallInputTest, TakesWhatIsComplete) {
  v1::CallRequest request = Good();
  request.set_client_id("me");
  request.set_watermark(kId);
  (*request.mutable_params()->mutable_fields())["a"].set_number_value(1);
  const absl::StatusOr<CallInput> input = ToCallInput(request);
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(ToString(input->id), kId);
  EXPECT_EQ(input->method, "add");
  EXPECT_EQ(input->params.dump(), R"({"a":1})");
  EXPECT_EQ(input->client_id, "me");
  EXPECT_EQ(ToString(*input->watermark), kId);
}

TEST(CallInputTest, SaysWhatIsWrong) {
  const auto reason = [](auto change) {
    v1::CallRequest request = Good();
    change(&request);
    return ErrorReason(ToCallInput(request).status());
  };
  using Request = v1::CallRequest*;
  EXPECT_EQ(reason([](Request r) { r->clear_request_id(); }), "REQUEST_ID_MISSING");
  EXPECT_EQ(reason([](Request r) { r->set_request_id("7"); }), "REQUEST_ID_INVALID");
  EXPECT_EQ(reason([](Request r) { r->clear_method(); }), "METHOD_MISSING");
  EXPECT_EQ(reason([](Request r) { r->set_method(std::string(65, 'x')); }), "METHOD_INVALID");
  EXPECT_EQ(reason([](Request r) { r->set_client_id("ü"); }), "CLIENT_ID_INVALID");
  EXPECT_EQ(reason([](Request r) { r->set_client_id(std::string(65, 'x')); }), "CLIENT_ID_INVALID");
  EXPECT_EQ(reason([](Request r) { r->set_watermark(kId); }), "WATERMARK_INVALID");
  EXPECT_EQ(reason([](Request r) {
              r->set_client_id("me");
              r->set_watermark("11111111-1111-4111-8111-111111111111");
            }),
            "WATERMARK_INVALID");
  EXPECT_EQ(reason([](Request) {}), "");
}

}  // namespace
}  // namespace lamppost::rpc
