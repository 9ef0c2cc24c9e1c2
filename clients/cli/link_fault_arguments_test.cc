#include "clients/cli/link_fault_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "clients/cli/arguments.h"
#include "clients/cli/exit_code.h"

namespace lamppost::cli {
namespace {

using testing::HasSubstr;

class LinkFaultArgumentsTest : public testing::Test {
 protected:
  void SetUp() override {
    unsetenv("LAMPPOST_NODE");
    unsetenv("LAMPPOST_SERVER");
  }

  static ParsedArguments Parse(std::vector<std::string> words) {
    words.insert(words.begin(), {"lamppost", "fault"});
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    return ParseArguments(static_cast<int>(argv.size()), argv.data());
  }
  static LinkFaultArguments Good(const std::vector<std::string>& words) {
    const ParsedArguments parsed = Parse(words);
    EXPECT_TRUE(parsed.arguments.has_value()) << parsed.error;
    if (!parsed.arguments) return {};
    EXPECT_EQ(parsed.arguments->verb, Verb::kFaultLink);
    return parsed.arguments->link_fault;
  }
  static std::string Bad(const std::vector<std::string>& words) {
    const ParsedArguments parsed = Parse(words);
    EXPECT_FALSE(parsed.arguments.has_value()) << testing::PrintToString(words);
    EXPECT_EQ(parsed.exit_code, kExitUsage);
    EXPECT_EQ(parsed.output, "");
    return parsed.error;
  }
};

TEST_F(LinkFaultArgumentsTest, Delay) {
  const LinkFaultArguments plain = Good({"delay", "A", "C", "5s"});
  EXPECT_EQ(plain.action, LinkFaultAction::kSet);
  EXPECT_EQ(plain.effect, LinkEffect::kDelay);
  EXPECT_EQ(plain.from, "A");
  EXPECT_EQ(plain.to, "C");
  EXPECT_EQ(plain.ways, LinkWays::kBoth);
  EXPECT_EQ(plain.fault.ShortDebugString(), "delay_ms: 5000");
  const LinkFaultArguments full =
      Good({"delay", "A", "C", "1h", "--jitter", "1.5s", "--one-way", "--for", "30s"});
  EXPECT_EQ(full.ways, LinkWays::kOneWay);
  EXPECT_EQ(full.fault.ShortDebugString(), "delay_ms: 3600000 jitter_ms: 1500 for_ms: 30000");
}

TEST_F(LinkFaultArgumentsTest, EachEffectAlone) {
  EXPECT_EQ(Good({"drop", "A", "C", "30%"}).fault.ShortDebugString(), "drop: 0.3");
  EXPECT_EQ(Good({"duplicate", "A", "C", "20%"}).fault.ShortDebugString(), "duplicate: 0.2");
  EXPECT_EQ(Good({"reorder", "A", "C", "1"}).fault.ShortDebugString(), "reorder: 1");
  EXPECT_EQ(Good({"cut", "A", "C", "--for", "1m"}).fault.ShortDebugString(), "cut: true for_ms: 60000");
  const LinkFaultArguments pause = Good({"pause", "A"});
  EXPECT_EQ(pause.fault.ShortDebugString(), "pause: true");
  EXPECT_EQ(pause.from, "A");
  EXPECT_EQ(pause.to, "");
  EXPECT_EQ(Good({"drop", "A", "C", "30%"}).effect, LinkEffect::kDrop);
  EXPECT_EQ(Good({"duplicate", "A", "C", "30%"}).effect, LinkEffect::kDuplicate);
  EXPECT_EQ(Good({"reorder", "A", "C", "30%"}).effect, LinkEffect::kReorder);
  EXPECT_EQ(Good({"cut", "A", "C"}).effect, LinkEffect::kCut);
  EXPECT_EQ(pause.effect, LinkEffect::kPause);
}

TEST_F(LinkFaultArgumentsTest, ListAndClear) {
  EXPECT_EQ(Good({"list"}).action, LinkFaultAction::kList);
  EXPECT_EQ(Good({"clear"}).action, LinkFaultAction::kClear);
  EXPECT_EQ(Good({"clear"}).from, "");
  const LinkFaultArguments link = Good({"clear", "A", "C", "--one-way"});
  EXPECT_EQ(link.action, LinkFaultAction::kClear);
  EXPECT_EQ(link.from, "A");
  EXPECT_EQ(link.to, "C");
  EXPECT_EQ(link.ways, LinkWays::kOneWay);
  const LinkFaultArguments node = Good({"clear", "A"});
  EXPECT_EQ(node.from, "A");
  EXPECT_EQ(node.to, "");
  EXPECT_EQ(node.ways, LinkWays::kBoth);
}

TEST_F(LinkFaultArgumentsTest, NodesAreTakenAsTheyAreCalled) {
  EXPECT_EQ(Good({"cut", "list", "rpc"}).to, "rpc");
  EXPECT_EQ(Good({"cut", "cut", "clear"}).from, "cut");
  EXPECT_EQ(Good({"cut", "A.b_c-1", "2"}).from, "A.b_c-1");
}

TEST_F(LinkFaultArgumentsTest, WrongUseIsExitTwo) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"delay"},
                                             {"delay", "A"},
                                             {"delay", "A", "C"},
                                             {"drop", "A", "C"},
                                             {"cut"},
                                             {"cut", "A"},
                                             {"pause"},
                                             {"cut", "A", ""},
                                             {"cut", "", "C"},
                                             {"pause", ""},
                                             {"clear", "A", ""},
                                             {"clear", "", "C"},
                                             {"clear", ""},
                                             {"cut", "A", "C", "B"},
                                             {"pause", "A", "C"},
                                             {"list", "A"},
                                             {"break", "A", "C"},
                                             {"pause", "A", "--one-way"},
                                             {"clear", "--one-way"},
                                             {"clear", "A", "C", "--for", "1s"},
                                             {"list", "--for", "1s"},
                                             {"cut", "A", "C", "--jitter", "1s"}}) {
    Bad(words);
  }
  for (const char* verb : {"cut", "clear"})
    EXPECT_THAT(Bad({verb, "A", "A"}), HasSubstr("no link to itself"));
  EXPECT_THAT(Bad({"delay", "A", "A", "5s"}), HasSubstr("no link to itself"));
}

TEST_F(LinkFaultArgumentsTest, DurationsThatAreNone) {
  for (const char* duration : {"0s", "0", "-1s", "5", "soon", "", "inf", "-5%", "1h1ms", "2h"}) {
    EXPECT_NE(Bad({"delay", "A", "C", duration}), "") << duration;
    EXPECT_NE(Bad({"delay", "A", "C", "5s", "--jitter", duration}), "") << duration;
  }
  for (const char* duration : {"0s", "-1s", "5", "soon", "", "169h"}) {
    EXPECT_THAT(Bad({"cut", "A", "C", "--for", duration}), HasSubstr("--for")) << duration;
    EXPECT_THAT(Bad({"pause", "A", "--for", duration}), HasSubstr("--for")) << duration;
  }
  EXPECT_THAT(Bad({"delay", "A", "C", "1h1s"}), HasSubstr("DELAY: it is more than an hour"));
}

TEST_F(LinkFaultArgumentsTest, SharesThatAreNone) {
  for (const char* share : {"0%",  "0", "101%", "100.1%", "1.01", "30",   "-5%",  "-0.1", "nan", "nan%",
                            "inf", "%", "",     "often",  "3 %",  "30%%", "1e-1", "0x1",  ".",   "1.2.3"}) {
    for (const char* verb : {"drop", "duplicate", "reorder"}) Bad({verb, "A", "C", share});
  }
  EXPECT_THAT(Bad({"drop", "A", "C", "0%"}), HasSubstr("lamppost fault clear"));
  EXPECT_THAT(Bad({"drop", "A", "C", "30"}), HasSubstr("written with %"));
}

TEST_F(LinkFaultArgumentsTest, Shares) {
  EXPECT_EQ(ParseShare("30%").value(), 0.3);
  EXPECT_EQ(ParseShare("0.3").value(), 0.3);
  EXPECT_EQ(ParseShare("100%").value(), 1);
  EXPECT_EQ(ParseShare("1").value(), 1);
  EXPECT_EQ(ParseShare(".5").value(), 0.5);
  EXPECT_EQ(ParseShare("0.5%").value(), 0.005);
}

TEST_F(LinkFaultArgumentsTest, NodesAreAskedAndNotServers) {
  EXPECT_THAT(Bad({"list", "--server", "h:1"}), HasSubstr("--server"));
  EXPECT_THAT(Bad({"cut", "A", "C", "--server=h:1"}), HasSubstr("--server"));
  EXPECT_EQ(Parse({"list", "--node", "h:1"}).arguments->nodes[0].HostPort(), "h:1");
  EXPECT_THAT(Bad({"rpc", "list", "--node", "h:1"}), HasSubstr("--node"));
  EXPECT_EQ(Parse({"rpc", "list"}).arguments->verb, Verb::kFaultRpc);
  EXPECT_EQ(Parse({"rpc", "clear"}).arguments->verb, Verb::kFaultRpc);
  EXPECT_EQ(Parse({"list"}).arguments->attempt_timeout_ms, kDefaultAttemptTimeoutMs);
}

TEST_F(LinkFaultArgumentsTest, Help) {
  EXPECT_THAT(Parse({"--help"}).output, HasSubstr("--enable-faults"));
  EXPECT_THAT(Parse({"delay", "--help"}).output, HasSubstr("--jitter"));
  EXPECT_THAT(Parse({"rpc", "--help"}).output, HasSubstr("lose-reply"));
}

kv::v1::LinkFault Present() {
  kv::v1::LinkFault fault;
  fault.set_to("C");
  fault.set_delay_ms(100);
  fault.set_jitter_ms(50);
  fault.set_drop(0.5);
  fault.set_for_ms(7000);
  return fault;
}

TEST_F(LinkFaultArgumentsTest, EffectsAddUp) {
  EXPECT_EQ(WithEffect(Present(), Good({"cut", "A", "C"})).ShortDebugString(),
            "to: \"C\" cut: true delay_ms: 100 jitter_ms: 50 drop: 0.5 for_ms: 7000");
  EXPECT_EQ(WithEffect(Present(), Good({"duplicate", "A", "C", "1"})).ShortDebugString(),
            "to: \"C\" delay_ms: 100 jitter_ms: 50 drop: 0.5 duplicate: 1 for_ms: 7000");
  EXPECT_EQ(WithEffect(Present(), Good({"reorder", "A", "C", "1"})).ShortDebugString(),
            "to: \"C\" delay_ms: 100 jitter_ms: 50 drop: 0.5 reorder: 1 for_ms: 7000");
  EXPECT_EQ(WithEffect(Present(), Good({"drop", "A", "C", "1", "--for", "2s"})).ShortDebugString(),
            "to: \"C\" delay_ms: 100 jitter_ms: 50 drop: 1 for_ms: 2000");
  EXPECT_EQ(WithEffect(Present(), Good({"delay", "A", "C", "2s"})).ShortDebugString(),
            "to: \"C\" delay_ms: 2000 drop: 0.5 for_ms: 7000")
      << "a delay and its jitter are one effect";
  EXPECT_EQ(WithEffect({}, Good({"pause", "A", "--for", "2s"})).ShortDebugString(),
            "pause: true for_ms: 2000");
}

}  // namespace
}  // namespace lamppost::cli
