#include "clients/cli/function_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "clients/cli/arguments.h"
#include "clients/cli/exit_code.h"

namespace lamppost::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FunctionArgumentsTest : public testing::Test {
 protected:
  void SetUp() override { unsetenv("LAMPPOST_SERVER"); }
  void TearDown() override { unsetenv("LAMPPOST_SERVER"); }

  static ParsedArguments Parse(std::vector<const char*> words) {
    words.insert(words.begin(), "lamppost");
    return ParseArguments(static_cast<int>(words.size()), words.data());
  }
  static Arguments Good(const std::vector<const char*>& words) {
    ParsedArguments parsed = Parse(words);
    EXPECT_TRUE(parsed.arguments.has_value()) << parsed.error;
    return parsed.arguments.value_or(Arguments());
  }
  static std::string Bad(const std::vector<const char*>& words) {
    const ParsedArguments parsed = Parse(words);
    EXPECT_FALSE(parsed.arguments.has_value());
    EXPECT_EQ(parsed.exit_code, kExitUsage);
    return parsed.error;
  }
};

TEST_F(FunctionArgumentsTest, Defaults) {
  const Arguments arguments = Good({"call", "add"});
  EXPECT_EQ(arguments.verb, Verb::kCall);
  EXPECT_EQ(arguments.functions.method, "add");
  EXPECT_TRUE(arguments.functions.params.empty());
  ASSERT_EQ(arguments.functions.servers.size(), 1u);
  EXPECT_EQ(arguments.functions.servers[0].HostPort(), "127.0.0.1:5000");
  EXPECT_EQ(arguments.timeout_ms, 30'000);
  EXPECT_EQ(arguments.attempt_timeout_ms, 5'000);
  EXPECT_FALSE(arguments.functions.retries.has_value());
  EXPECT_FALSE(arguments.functions.hedge_delay_ms.has_value());
  EXPECT_EQ(arguments.functions.form, CallForm::kUnary);
  EXPECT_EQ(Good({"functions"}).timeout_ms, 10'000);
  EXPECT_EQ(Good({"functions"}).attempt_timeout_ms, 5'000);
  EXPECT_EQ(Good({"get", "x"}).attempt_timeout_ms, 2'000);
}

TEST_F(FunctionArgumentsTest, CallOptions) {
  const Arguments arguments = Good({"call", "add", "--server", "a:1,b:2", "--retries", "0", "--hedge", "50ms",
                                    "--request-id", "id", "--timeout", "1m", "x=1"});
  EXPECT_EQ(arguments.functions.server_list, "a:1,b:2");
  EXPECT_EQ(arguments.functions.servers.size(), 2u);
  EXPECT_EQ(arguments.functions.retries, 0);
  EXPECT_EQ(arguments.functions.hedge_delay_ms, 50);
  EXPECT_EQ(arguments.functions.request_id, "id");
  EXPECT_EQ(arguments.functions.timeout, "1m");
  EXPECT_THAT(arguments.functions.params, ElementsAre("x=1"));
  EXPECT_EQ(Good({"call", "add", "--stream"}).functions.form, CallForm::kStream);
}

TEST_F(FunctionArgumentsTest, ParamsAreTakenAsTheyAre) {
  for (const char* word : {"{\"a\":[1,2]}", "-", "@file", "a=-1", "a=[1,2]", "a=b=c", "a=", "[\"a\",\"b\"]",
                           "[a=1,b=2]", "[]", "[[x]]"}) {
    EXPECT_THAT(Good({"call", "add", word}).functions.params, ElementsAre(word));
  }
  EXPECT_THAT(Good({"call", "add", "a=1", "b=2", "c=3"}).functions.params, ElementsAre("a=1", "b=2", "c=3"));
  EXPECT_THAT(Good({"call", "[f,g]", "a=1", "-o", "raw", "[b=2,c=3]", "-v", "d=4"}).functions.params,
              ElementsAre("a=1", "[b=2,c=3]", "d=4"));
  EXPECT_THAT(Good({"call", "add", "--", "--x=1", "[1,2]"}).functions.params, ElementsAre("--x=1", "[1,2]"));
  EXPECT_TRUE(Good({"call", "add", "-v"}).functions.params.empty());
  EXPECT_EQ(Good({"call", "status"}).functions.method, "status") << "a function may be named as a command is";
}

TEST_F(FunctionArgumentsTest, TheServerFromTheEnvironment) {
  setenv("LAMPPOST_SERVER", "http://e:1", 1);
  EXPECT_EQ(Good({"call", "add"}).functions.servers[0].HostPort(), "e:1");
  EXPECT_EQ(Good({"call", "add"}).functions.server_list, "http://e:1");
  EXPECT_EQ(Good({"--server", "f:1", "call", "add"}).functions.servers[0].HostPort(), "f:1");
}

TEST_F(FunctionArgumentsTest, Faults) {
  const FunctionArguments delay =
      Good({"fault", "rpc", "delay", "2s", "--method", "m", "--times", "3", "--probability", "0.5"})
          .functions;
  EXPECT_EQ(delay.fault_action, FaultAction::kAdd);
  EXPECT_EQ(delay.fault.kind(), rpc::v1::FAULT_KIND_DELAY);
  EXPECT_EQ(delay.fault.delay_ms(), 2000u);
  EXPECT_EQ(delay.fault.method(), "m");
  EXPECT_EQ(delay.fault.times(), 3u);
  EXPECT_EQ(delay.fault.probability(), 0.5);
  EXPECT_EQ(Good({"fault", "rpc", "fail-before"}).functions.fault.kind(), rpc::v1::FAULT_KIND_FAIL_BEFORE);
  EXPECT_EQ(Good({"fault", "rpc", "lose-reply"}).functions.fault.kind(), rpc::v1::FAULT_KIND_LOSE_REPLY);
  EXPECT_EQ(Good({"fault", "rpc", "crash"}).functions.fault.delay_ms(), 0u);
  EXPECT_EQ(Good({"fault", "rpc", "crash", "20ms"}).functions.fault.delay_ms(), 20u);
  EXPECT_EQ(Good({"fault", "rpc", "list"}).functions.fault_action, FaultAction::kList);
  EXPECT_EQ(Good({"fault", "rpc", "clear"}).functions.fault_action, FaultAction::kClear);
  EXPECT_EQ(Good({"fault", "rpc", "clear"}).verb, Verb::kFaultRpc);
}

TEST_F(FunctionArgumentsTest, WrongUseIsExitTwo) {
  Bad({"call"});
  Bad({"outcome"});
  Bad({"fault"});
  Bad({"fault", "rpc"});
  Bad({"fault", "rpc", "delay"});
  EXPECT_THAT(Bad({"fault", "rpc", "delay", ""}), HasSubstr("DELAY"));
  Bad({"call", "add", "--retries", "-1"});
  Bad({"call", "add", "--retries", "some"});
  EXPECT_THAT(Bad({"call", "add", "--hedge", "soon"}), HasSubstr("--hedge"));
  EXPECT_THAT(Bad({"call", "add", "--hedge", "1s", "--stream"}), HasSubstr("--hedge"));
  EXPECT_THAT(Bad({"--server", "nonsense", "call", "add"}), HasSubstr("--server"));
  EXPECT_THAT(Bad({"fault", "rpc", "delay", "2h"}), HasSubstr("hour"));
  EXPECT_THAT(Bad({"fault", "rpc", "delay", "soon"}), HasSubstr("DELAY"));
  EXPECT_THAT(Bad({"fault", "rpc", "delay", ""}), HasSubstr("DELAY"));
  for (const char* probability : {"0", "-1", "1.5", "nan", "often"}) {
    Bad({"fault", "rpc", "crash", "--probability", probability});
  }
}

TEST_F(FunctionArgumentsTest, Help) {
  EXPECT_THAT(Parse({"help"}).output, HasSubstr("functions"));
  EXPECT_THAT(Parse({"help"}).output, HasSubstr("LAMPPOST_SERVER"));
  for (const auto& words : std::vector<std::vector<const char*>>{{"help", "call"}, {"call", "--help"}}) {
    const std::string output = Parse(words).output;
    for (const char* part : {"lamppost call", "--hedge", "--request-id", "@FILE", "Examples"}) {
      EXPECT_THAT(output, HasSubstr(part));
    }
  }
  for (const auto& words : std::vector<std::vector<const char*>>{{"help", "fault", "rpc", "delay"},
                                                                 {"fault", "rpc", "delay", "--help"}}) {
    EXPECT_THAT(Parse(words).output, HasSubstr("lamppost fault rpc delay"));
    EXPECT_THAT(Parse(words).output, HasSubstr("--probability"));
  }
  Bad({"help", "fault", "kv"});
}

}  // namespace
}  // namespace lamppost::cli
