#include "clients/cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "clients/cli/exit_code.h"

namespace lamppost::cli {
namespace {

using testing::HasSubstr;

class ArgumentsTest : public testing::Test {
 protected:
  void SetUp() override { unsetenv("LAMPPOST_NODE"); }
  void TearDown() override { unsetenv("LAMPPOST_NODE"); }

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
    EXPECT_EQ(parsed.output, "");
    return parsed.error;
  }
};

TEST_F(ArgumentsTest, Defaults) {
  const Arguments arguments = Good({"get", "x"});
  EXPECT_EQ(arguments.verb, Verb::kGet);
  EXPECT_EQ(arguments.key, "x");
  ASSERT_EQ(arguments.nodes.size(), 1u);
  EXPECT_EQ(arguments.nodes[0].HostPort(), "127.0.0.1:8000");
  EXPECT_EQ(arguments.format, OutputFormat::kTable);
  EXPECT_EQ(arguments.timeout_ms, 10'000);
  EXPECT_EQ(arguments.attempt_timeout_ms, 2'000);
  EXPECT_EQ(arguments.verbosity, Verbosity::kNormal);
}

TEST_F(ArgumentsTest, SessionsReplicasAndScans) {
  const Arguments put = Good({"put", "x", "1", "--session", "f", "--replicas", "3"});
  EXPECT_EQ(put.session_file, "f");
  EXPECT_EQ(put.replicas, 3u);
  EXPECT_EQ(Good({"del", "x", "--replicas", "2"}).replicas, 2u);
  EXPECT_EQ(Good({"get", "x", "--session", "f"}).session_file, "f");
  EXPECT_EQ(Good({"get", "x"}).session_file, "");
  EXPECT_EQ(Good({"dump", "-", "--session", "f"}).session_file, "f");
  const Arguments scan = Good({"scan", "--reverse", "--count", "--session", "f"});
  EXPECT_EQ(scan.scan_order, ScanOrder::kDescending);
  EXPECT_EQ(scan.scan_content, ScanContent::kCount);
  EXPECT_EQ(scan.session_file, "f");
  for (const char* replicas : {"0", "-1", "1001", "two", "4294967297"}) {
    EXPECT_THAT(Bad({"put", "x", "1", "--replicas", replicas}), HasSubstr("--replicas")) << replicas;
  }
  EXPECT_THAT(Bad({"get", "x", "--session", ""}), HasSubstr("--session"));
  EXPECT_THAT(Bad({"scan", "--count", "--keys-only"}), HasSubstr("--count"));
  EXPECT_THAT(Bad({"scan", "--count", "--limit", "3"}), HasSubstr("--count"));
}

TEST_F(ArgumentsTest, Write) {
  const Arguments plain = Good({"write"});
  EXPECT_EQ(plain.verb, Verb::kWrite);
  EXPECT_EQ(plain.file, "-");
  EXPECT_EQ(plain.timeout_ms, 10'000);
  EXPECT_EQ(Good({"write", "-"}).file, "-");
  const Arguments full =
      Good({"write", "f", "--session", "s", "--replicas", "3", "--request-id", "r", "--timeout", "3s"});
  EXPECT_EQ(full.file, "f");
  EXPECT_EQ(full.session_file, "s");
  EXPECT_EQ(full.replicas, 3u);
  EXPECT_EQ(full.request_id, "r");
  EXPECT_EQ(full.timeout_ms, 3000);
  EXPECT_THAT(Bad({"write", "f", "g"}), HasSubstr("g"));
  EXPECT_THAT(Bad({"write", "--replicas", "0"}), HasSubstr("--replicas"));
  EXPECT_THAT(Bad({"write", "--ttl", "1s"}), HasSubstr("--ttl"));
  EXPECT_THAT(Parse({"help", "write"}).output, HasSubstr("\"event\":\"delete\""));
}

TEST_F(ArgumentsTest, BulkCommandsHaveNoTimeoutUnlessAsked) {
  EXPECT_FALSE(Good({"load", "f"}).timeout_ms.has_value());
  EXPECT_FALSE(Good({"dump", "-"}).timeout_ms.has_value());
  EXPECT_EQ(Good({"dump", "-", "--timeout", "3s"}).timeout_ms, 3000);
}

TEST_F(ArgumentsTest, OptionsStandBeforeOrBehindTheVerb) {
  for (const auto& words : std::vector<std::vector<const char*>>{
           {"--node", "h:1", "-o", "json", "--timeout", "1m", "-v", "get", "x"},
           {"get", "--node", "h:1", "x", "-o", "json", "--timeout=1m", "-v"}}) {
    const Arguments arguments = Good(words);
    EXPECT_EQ(arguments.nodes[0].HostPort(), "h:1");
    EXPECT_EQ(arguments.format, OutputFormat::kJson);
    EXPECT_EQ(arguments.timeout_ms, 60'000);
    EXPECT_EQ(arguments.verbosity, Verbosity::kEachAttempt);
  }
}

TEST_F(ArgumentsTest, TheFlagWinsOverTheEnvironment) {
  setenv("LAMPPOST_NODE", "http://e:1,http://f:2", 1);
  EXPECT_EQ(Good({"get", "x"}).nodes.size(), 2u);
  EXPECT_EQ(Good({"get", "x"}).nodes[1].HostPort(), "f:2");
  EXPECT_EQ(Good({"--node", "g:3", "get", "x"}).nodes[0].HostPort(), "g:3");
  setenv("LAMPPOST_NODE", "", 1);
  EXPECT_EQ(Good({"get", "x"}).nodes[0].HostPort(), "127.0.0.1:8000");
}

TEST_F(ArgumentsTest, ADestinationOfTheOtherKindIsNotPassedOver) {
  EXPECT_THAT(Bad({"--node", "h:1", "call", "add"}), HasSubstr("--node"));
  EXPECT_THAT(Bad({"outcome", "id", "--node=h:1"}), HasSubstr("--node"));
  EXPECT_THAT(Bad({"--node", "h:1", "fault", "rpc", "list"}), HasSubstr("--node"));
  EXPECT_THAT(Bad({"--server", "h:1", "get", "x"}), HasSubstr("--server"));
  EXPECT_THAT(Bad({"status", "--server", "h:1"}), HasSubstr("--server"));
  EXPECT_THAT(Bad({"fault", "list", "--server", "h:1"}), HasSubstr("--server"));
  setenv("LAMPPOST_NODE", "h:1", 1);
  setenv("LAMPPOST_SERVER", "h:2", 1);
  Good({"call", "add"});
  Good({"get", "x"});
  unsetenv("LAMPPOST_SERVER");
}

TEST_F(ArgumentsTest, ValuesAreTakenAsTheyAre) {
  for (const char* value :
       {"-5", "-", "[1,2]", "{\"a\":1}", "", "get", "a b", "%%", "\"q\"", "load", "1,2"}) {
    const Arguments arguments = Good({"put", "x", value});
    EXPECT_EQ(arguments.key, "x");
    EXPECT_EQ(arguments.value, value);
  }
  EXPECT_EQ(Good({"put", "--", "-k", "--value"}).value, "--value");
  EXPECT_EQ(Good({"get", "status"}).key, "status");
}

TEST_F(ArgumentsTest, VerbOptions) {
  const Arguments put = Good({"put", "x", "1", "--bytes", "--request-id", "r"});
  EXPECT_EQ(put.value_kind, ValueKind::kData);
  EXPECT_EQ(put.request_id, "r");
  const Arguments scan = Good({"scan", "--limit", "5", "--keys-only", "--start", "a", "--end", "b"});
  EXPECT_EQ(scan.limit, 5u);
  EXPECT_EQ(scan.scan_content, ScanContent::kKeysOnly);
  EXPECT_EQ(scan.start_key, "a");
  EXPECT_EQ(scan.end_key, "b");
  EXPECT_FALSE(Good({"scan", "p"}).limit.has_value());
  EXPECT_EQ(Good({"scan", "p"}).prefix, "p");
  EXPECT_EQ(Good({"status", "--all"}).status_scope, StatusScope::kEveryNode);
  EXPECT_EQ(Good({"load", "-", "--in-flight", "3"}).in_flight, 3);
}

TEST_F(ArgumentsTest, WrongUseIsExitTwo) {
  EXPECT_THAT(Bad({}), HasSubstr("subcommand"));
  Bad({"frobnicate"});
  Bad({"put", "x"});
  Bad({"get"});
  Bad({"get", "x", "y"});
  Bad({"get", "x", "--nonsense"});
  Bad({"get", "x", "-o", "xml"});
  Bad({"scan", "--limit", "0"});
  Bad({"scan", "--limit", "many"});
  Bad({"load", "f", "--in-flight", "65"});
  Bad({"help", "frobnicate"});
  EXPECT_THAT(Bad({"get", "x", "--timeout", "10"}), HasSubstr("--timeout"));
  EXPECT_THAT(Bad({"get", "x", "--attempt-timeout", "0s"}), HasSubstr("--attempt-timeout"));
  EXPECT_THAT(Bad({"--node", "nonsense", "get", "x"}), HasSubstr("--node"));
  EXPECT_THAT(Bad({"scan", "p", "--start", "a"}), HasSubstr("PREFIX"));
}

TEST_F(ArgumentsTest, HelpAndVersion) {
  for (const auto& words : std::vector<std::vector<const char*>>{{"--help"}, {"help"}, {"-h"}}) {
    const ParsedArguments parsed = Parse(words);
    EXPECT_FALSE(parsed.arguments.has_value());
    EXPECT_EQ(parsed.exit_code, kExitDone);
    EXPECT_THAT(parsed.output, HasSubstr("Exit codes"));
  }
  for (const auto& words : std::vector<std::vector<const char*>>{{"help", "put"}, {"put", "--help"}}) {
    EXPECT_THAT(Parse(words).output, HasSubstr("--request-id"));
  }
  EXPECT_THAT(Parse({"--version"}).output, testing::StartsWith("lamppost 0."));
}

TEST_F(ArgumentsTest, Ttl) {
  EXPECT_FALSE(Good({"put", "x", "1"}).ttl_ms.has_value());
  EXPECT_EQ(Good({"put", "x", "1", "--ttl", "60s"}).ttl_ms, 60'000);
  EXPECT_THAT(Bad({"put", "x", "1", "--ttl", "60"}), HasSubstr("--ttl"));
  EXPECT_THAT(Bad({"put", "x", "1", "--ttl", "0s"}), HasSubstr("--ttl"));
}

TEST_F(ArgumentsTest, Members) {
  EXPECT_EQ(Good({"member", "list"}).verb, Verb::kMember);
  EXPECT_EQ(Good({"member", "list"}).member.action, MemberAction::kList);
  const MemberArguments add = Good({"member", "add", "http://h:1", "--id", "D"}).member;
  EXPECT_EQ(add.action, MemberAction::kAdd);
  EXPECT_EQ(add.address, "http://h:1");
  EXPECT_EQ(add.node_id, "D");
  const MemberArguments remove = Good({"member", "remove", "C"}).member;
  EXPECT_EQ(remove.action, MemberAction::kRemove);
  EXPECT_EQ(remove.node_id, "C");
  EXPECT_EQ(remove.confirmation, Confirmation::kNeeded);
  EXPECT_EQ(remove.force, client::Force::kNo);
  const MemberArguments forced = Good({"member", "remove", "C", "--yes", "--force"}).member;
  EXPECT_EQ(forced.confirmation, Confirmation::kGiven);
  EXPECT_EQ(forced.force, client::Force::kYes);
  Bad({"member"});
  Bad({"member", "add"});
  Bad({"member", "remove"});
  Bad({"member", "list", "--yes"});
}

}  // namespace
}  // namespace lamppost::cli
