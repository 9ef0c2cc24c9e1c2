#include "clients/cli/call_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cli/call_progress.h"
#include "clients/cli/functions_format.h"

namespace lamppost::cli {
namespace {

using testing::HasSubstr;

google::protobuf::Value Text(const std::string& text) {
  google::protobuf::Value value;
  value.set_string_value(text);
  return value;
}

TEST(CallFormatTest, Values) {
  google::protobuf::Value object;
  (*object.mutable_struct_value()->mutable_fields())["a"].set_number_value(3);
  EXPECT_EQ(FormatValue(object, OutputFormat::kTable), "{\n  \"a\": 3\n}\n");
  EXPECT_EQ(FormatValue(object, OutputFormat::kRaw), "{\"a\":3}\n");
  EXPECT_EQ(FormatValue(Text("two \"words\""), OutputFormat::kTable), "\"two \\\"words\\\"\"\n");
  EXPECT_EQ(FormatValue(Text("two \"words\""), OutputFormat::kRaw), "two \"words\"");
  google::protobuf::Value number;
  number.set_number_value(3);
  EXPECT_EQ(FormatValue(number, OutputFormat::kTable), "3\n");
  number.set_number_value(0.5);
  EXPECT_EQ(FormatValue(number, OutputFormat::kRaw), "0.5\n");
}

TEST(CallFormatTest, NothingSteersATerminal) {
  EXPECT_EQ(FormatValue(Text("\x1b[2J\x7f\xc2\x9b-ü"), OutputFormat::kTable),
            "\"\\u001b[2J\\u007f\\u009b-ü\"\n");
  rpc::v1::FunctionError error;
  error.set_reason("A\x1b[2J");
  error.set_message("B\x1b[2J");
  error.set_error_output("C\x1b[2J\nD");
  EXPECT_EQ(
      FormatFunctionError(error, Colour::kOff),
      "lamppost: function failed: A\\x1b[2J: B\\x1b[2J\nthe end of its standard error:\n  C\\x1b[2J\n  D\n");
  rpc::v1::Progress progress;
  progress.set_message("E\x1b[2J\n");
  EXPECT_EQ(RenderCallProgress(progress, 1500), "E\\x1b[2J\\n  1s");
}

TEST(CallFormatTest, FunctionErrors) {
  rpc::v1::FunctionError error;
  error.set_reason("SIGNAL");
  error.set_message("it was killed");
  error.set_signal(9);
  EXPECT_EQ(FormatFunctionError(error, Colour::kOff),
            "lamppost: function failed: SIGNAL: it was killed (signal 9)\n");
  rpc::v1::Outcome outcome;
  *outcome.mutable_error() = error;
  EXPECT_EQ(
      OutcomeJson(outcome).dump(),
      R"({"error":{"reason":"SIGNAL","message":"it was killed","exit_code":null,"signal":9,"error_output":""}})");
}

TEST(CallFormatTest, TheObjectOfACall) {
  client::FunctionCallResult result;
  result.request_id = "id";
  result.server = "h:1";
  result.attempts = 2;
  result.elapsed_ms = 30;
  result.replayed = true;
  result.server_clock = 12;
  result.answer.mutable_result()->set_number_value(3);
  result.answer.set_elapsed_ms(5);
  result.answer.mutable_started()->set_counter(7);
  EXPECT_EQ(
      CallJson(result).dump(),
      R"({"request_id":"id","outcome":{"result":3},"replayed":true,"attempts":2,"server":"h:1","clock":12,)"
      R"("elapsed_ms":30,"started":{"counter":7,"node_id":"","incarnation":"0"},)"
      R"("finished":{"counter":0,"node_id":"","incarnation":"0"},"run_ms":5})");
}

TEST(CallFormatTest, TheCommandThatAsksAgain) {
  FunctionArguments arguments;
  arguments.server_list = "10.0.0.1:5000,10.0.0.2:5000";
  arguments.method = "add";
  EXPECT_EQ(AskAgainCommand(arguments, rpc::Json::object(), "ID"),
            "lamppost --server 10.0.0.1:5000,10.0.0.2:5000 call add --request-id ID");
  arguments.security = {"--tls-ca", "my ca"};
  EXPECT_THAT(AskAgainCommand(arguments, rpc::Json::object(), "ID"),
              HasSubstr("0.2:5000 --tls-ca 'my ca' call"));
  arguments.security.clear();
  arguments.timeout = "5s";
  EXPECT_EQ(AskAgainCommand(arguments, {{"a", "it's"}, {"b", 2}}, "ID"),
            "lamppost --server 10.0.0.1:5000,10.0.0.2:5000 --timeout 5s call add "
            R"('{"a":"it'\''s","b":2}' --request-id ID)");
  arguments.timeout.clear();
  arguments.output = "json";
  EXPECT_THAT(AskAgainCommand(arguments, rpc::Json::object(), "ID"),
              HasSubstr(" -o json call add --request-id ID"));
  const rpc::Json large = {{"a", std::string(5000, 'x')}};
  arguments.params = {"@file name"};
  EXPECT_THAT(AskAgainCommand(arguments, large, "ID"), HasSubstr("call add '@file name' --request-id ID"));
  arguments.params = {"{}"};
  EXPECT_THAT(AskAgainCommand(arguments, large, "ID"), HasSubstr("xxxxx"));
}

// As call took it: lamppost call -- -f a=1
TEST(CallFormatTest, AFunctionThatLooksLikeAnOptionIsAskedForAgain) {
  FunctionArguments arguments;
  arguments.method = "-f";
  const std::string command = AskAgainCommand(arguments, {{"a", 1}}, "ID");
  EXPECT_EQ(command, R"(lamppost --server 127.0.0.1:5000 call --request-id ID -- -f '{"a":1}')");
  const char* const words[] = {"lamppost", "call", "--request-id", "ID", "--", "-f", R"({"a":1})"};
  const ParsedArguments parsed = ParseArguments(7, words);
  ASSERT_TRUE(parsed.arguments.has_value()) << parsed.error;
  EXPECT_EQ(parsed.arguments->functions.method, "-f");
  EXPECT_EQ(parsed.arguments->functions.request_id, "ID");
}

TEST(CallFormatTest, CallsWithoutAnOutcomeYet) {
  rpc::v1::GetCallResponse response;
  response.set_state(rpc::v1::CALL_STATE_QUEUED);
  EXPECT_EQ(FormatUnfinished(response), "queued\n");
  response.set_state(rpc::v1::CALL_STATE_RUNNING);
  response.set_method("report\x1b");
  response.mutable_progress()->set_fraction(0.4);
  response.mutable_progress()->set_message("reading\n");
  EXPECT_EQ(FormatUnfinished(response), "running (report\\x1b), 40%, reading\\n\n");
  response.mutable_progress()->clear_message();
  for (const auto& [fraction, shown] :
       {std::pair(1e300, "100%"), std::pair(-1e300, "0%"), std::pair(std::nan(""), "0%")}) {
    response.mutable_progress()->set_fraction(fraction);
    EXPECT_EQ(FormatUnfinished(response), absl::StrCat("running (report\\x1b), ", shown, "\n"));
  }
}

TEST(CallProgressTest, ABarIfItIsKnownHowFar) {
  rpc::v1::Progress progress;
  progress.set_fraction(0.5);
  progress.set_message("reading");
  EXPECT_EQ(RenderCallProgress(progress, 2000), "[============>           ]  50%  reading  2s");
  progress.set_fraction(7);
  EXPECT_THAT(RenderCallProgress(progress, 2000), HasSubstr("] 100%"));
  progress.set_fraction(-1);
  EXPECT_THAT(RenderCallProgress(progress, 2000), HasSubstr("]   0%"));
  progress.clear_fraction();
  progress.set_message(std::string(100, 'x'));
  EXPECT_EQ(RenderCallProgress(progress, 2000), std::string(40, 'x') + "…  2s");
}

TEST(FunctionsFormatTest, ParamsInShort) {
  google::protobuf::Struct schema;
  EXPECT_EQ(ParamsSummary(schema), "");
  auto* fields = schema.mutable_fields();
  (*fields)["properties"].set_number_value(1);
  EXPECT_EQ(ParamsSummary(schema), "");
  auto* properties = (*fields)["properties"].mutable_struct_value()->mutable_fields();
  (*(*properties)["a"].mutable_struct_value()->mutable_fields())["type"].set_string_value("number");
  (*properties)["b"].set_bool_value(true);
  (*fields)["required"].mutable_list_value()->add_values()->set_string_value("a");
  EXPECT_EQ(ParamsSummary(schema), "a:number b?:any");
}

TEST(FunctionsFormatTest, Faults) {
  rpc::v1::Fault fault;
  fault.set_kind(rpc::v1::FAULT_KIND_LOSE_REPLY);
  fault.set_times(2);
  EXPECT_EQ(FaultJson(fault).dump(),
            R"({"kind":"lose-reply","method":"","delay_ms":0,"times":2,"probability":1.0})");
  EXPECT_EQ(FaultKindName(static_cast<rpc::v1::FaultKind>(9)), "kind_9");
}

}  // namespace
}  // namespace lamppost::cli
