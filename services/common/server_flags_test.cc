#include "services/common/server_flags.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <string>
#include <variant>
#include <vector>

namespace lamppost {
namespace {

std::variant<ServerSettings, ExitNow> Parse(std::vector<const char*> arguments,
                                            PlainText plain_text = PlainText::kNotAsked) {
  arguments.insert(arguments.begin(), "/somewhere/lamppost-test");
  CLI::App app;
  ServerFlags flags;
  DeclarePort(&app, &flags);
  DeclareServerFlags(&app, "loopback alone", &flags);
  if (auto exit_now =
          ParseFlags(&app, "lamppost-test", static_cast<int>(arguments.size()), arguments.data(), &flags)) {
    return *exit_now;
  }
  ServerSettings settings;
  const absl::Status status = CheckServerFlags(flags, plain_text, "read everything", &settings);
  if (!status.ok()) return WrongUsage("lamppost-test", status);
  return settings;
}

// A variable of the environment, for a test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Variable() { unsetenv(name_); }

 private:
  const char* const name_;
};

TEST(ServerFlagsTest, WhatTheCommandLineDoesNotGiveIsInTheEnvironment) {
  const Variable port("LAMPPOST_TEST_PORT", "7");
  const Variable drain("LAMPPOST_TEST_DRAIN_MS", "123");
  const Variable insecure("LAMPPOST_TEST_INSECURE", "true");
  const Variable empty("LAMPPOST_TEST_LOG_LEVEL", "");
  const auto settings = std::get<ServerSettings>(Parse({"--drain-ms", "4"}));
  EXPECT_EQ(settings.listen[0].HostPort(), "0.0.0.0:7");
  EXPECT_EQ(settings.drain_ms, 4u) << "the command line goes first";
  EXPECT_EQ(settings.log.level, LogLevel::kInfo);
}

TEST(ServerFlagsTest, AFlagInTheEnvironmentMayBeOff) {
  const Variable insecure("LAMPPOST_TEST_INSECURE", "false");
  EXPECT_EQ(std::get<ServerSettings>(Parse({"--port", "1"})).listen[0].host, "127.0.0.1");
}

TEST(ServerFlagsTest, AWrongVariableIsNamed) {
  const Variable port("LAMPPOST_TEST_PORT", "70000");
  const auto exit_now = std::get<ExitNow>(Parse({}));
  EXPECT_EQ(exit_now.code, 2);
  EXPECT_NE(exit_now.text.find("LAMPPOST_TEST_PORT"), std::string::npos) << exit_now.text;
  const auto on_the_line = std::get<ExitNow>(Parse({"--port", "80000"}));
  EXPECT_EQ(on_the_line.text.find("LAMPPOST_TEST_PORT"), std::string::npos) << on_the_line.text;
}

TEST(ServerFlagsTest, HelpNamesTheProgramAndTheVariables) {
  const auto help = std::get<ExitNow>(Parse({"--help"}));
  EXPECT_EQ(help.code, 0);
  EXPECT_NE(help.text.find("Usage: lamppost-test"), std::string::npos) << help.text;
  EXPECT_NE(help.text.find("(Env:LAMPPOST_TEST_PORT)"), std::string::npos) << help.text;
}

TEST(ServerFlagsTest, AVariableThatIsNoSettingIsWarnedAbout) {
  const Variable mistyped("LAMPPOST_TEST_PROT", "70000");
  const auto warnings = std::get<ServerSettings>(Parse({"--port", "1"})).warnings;
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0], "there is no setting LAMPPOST_TEST_PROT, which is in the environment");
}

TEST(ServerFlagsTest, TlsIsServedOnEveryInterfaceWithoutAWarning) {
  const Variable key("LAMPPOST_TEST_TLS_KEY", "/x/key");
  const auto settings = std::get<ServerSettings>(
      Parse({"--port", "1", "--tls-cert", "crt", "--tls-ca", "ca", "--access-file", "a"}));
  EXPECT_EQ(settings.listen[0].host, "0.0.0.0");
  EXPECT_TRUE(settings.warnings.empty());
  EXPECT_EQ(settings.tls.certificate, "crt");
  EXPECT_EQ(settings.tls.key, "/x/key");
  EXPECT_EQ(settings.tls.authorities, "ca");
  EXPECT_EQ(settings.tls.access, "a");
}

TEST(ServerFlagsTest, TlsIsWholeAndNotPlainText) {
  const std::vector<const char*> whole = {"--port",    "1",   "--tls-cert", "crt",
                                          "--tls-key", "key", "--tls-ca",   "ca"};
  EXPECT_TRUE(std::holds_alternative<ServerSettings>(Parse(whole)));
  EXPECT_EQ(std::get<ExitNow>(Parse(whole, PlainText::kAsked)).code, 2);
  for (const std::vector<const char*>& more :
       {std::vector<const char*>{"--tls-cert", ""}, {"--tls-ca", ""}, {"--tls-key", ""}, {"--insecure"}}) {
    std::vector<const char*> words(whole.begin(), whole.begin() + 2);
    for (size_t i = 2; i < whole.size(); i += 2) {
      if (more[0] != std::string(whole[i])) words.insert(words.end(), {whole[i], whole[i + 1]});
    }
    if (more.size() == 1) words.push_back(more[0]);
    EXPECT_EQ(std::get<ExitNow>(Parse(words)).code, 2) << more[0];
  }
}

TEST(ServerFlagsTest, LoopbackUnlessPlainTextIsAskedFor) {
  const auto host = [](std::vector<const char*> arguments, PlainText plain_text = PlainText::kNotAsked) {
    arguments.insert(arguments.end(), {"--port", "1"});
    return std::get<ServerSettings>(Parse(arguments, plain_text)).listen[0].host;
  };
  EXPECT_EQ(host({}), "127.0.0.1");
  EXPECT_EQ(host({}, PlainText::kAsked), "0.0.0.0");
  EXPECT_EQ(host({"--insecure"}), "0.0.0.0");
  EXPECT_EQ(host({"--listen", "::1"}), "::1");
}

TEST(ServerFlagsTest, PlainTextBeyondLoopbackIsWarnedAbout) {
  const auto warned = std::get<ServerSettings>(Parse({"--port", "1", "--insecure"})).warnings;
  ASSERT_EQ(warned.size(), 1u);
  EXPECT_EQ(warned[0], "serves plain text on 0.0.0.0:1: whoever can reach this port can read everything");
  EXPECT_TRUE(std::get<ServerSettings>(Parse({"--port", "1"})).warnings.empty());
}

TEST(ServerFlagsTest, MetricsAreServedIfAskedForAndOnLoopbackUnlessSaid) {
  EXPECT_FALSE(std::get<ServerSettings>(Parse({"--port", "1"})).metrics.has_value());
  const auto settings = std::get<ServerSettings>(Parse({"--port", "1", "--metrics-port", "0"}));
  EXPECT_EQ(settings.metrics->HostPort(), "127.0.0.1:0");
  EXPECT_TRUE(settings.warnings.empty());
  const Variable port("LAMPPOST_TEST_METRICS_PORT", "9100");
  const auto open = std::get<ServerSettings>(Parse({"--port", "1", "--metrics-listen", "0.0.0.0"}));
  EXPECT_EQ(open.metrics->HostPort(), "0.0.0.0:9100");
  ASSERT_EQ(open.warnings.size(), 1u);
  EXPECT_EQ(open.warnings[0],
            "serves metrics as plain text on 0.0.0.0:9100: whoever can reach this port can read them");
}

TEST(ServerFlagsTest, WrongUsageEndsWithTwoAndSaysWhy) {
  const std::vector<std::pair<std::vector<const char*>, std::string>> cases = {
      {{}, "--port"},
      {{"--port", "70000"}, "--port"},
      {{"--port", "1", "--listen", "example.com"}, "--listen"},
      {{"--port", "1", "--drain-ms", "-1"}, "--drain-ms"},
      {{"--port", "1", "--metrics-port", "65536"}, "--metrics-port"},
      {{"--port", "1", "--metrics-port", "1"}, "--metrics-port"},
      {{"--port", "1", "--metrics-port", "2", "--metrics-listen", "example.com"}, "--metrics-listen"},
      {{"--port", "1", "--metrics-port", "2", "--metrics-listen", "::1"}, "IPv4"},
      {{"--port", "1", "--metrics-listen", "127.0.0.1"}, "--metrics-listen"},
      {{"--port", "1", "--log-level", "loud"}, "--log-level"},
      {{"--port", "1", "--log-format", "xml"}, "--log-format"},
  };
  for (const auto& [arguments, expected] : cases) {
    const auto parsed = Parse(arguments);
    const auto* exit_now = std::get_if<ExitNow>(&parsed);
    ASSERT_NE(exit_now, nullptr) << expected;
    EXPECT_EQ(exit_now->code, 2);
    EXPECT_NE(exit_now->text.find(expected), std::string::npos) << exit_now->text;
  }
  EXPECT_EQ(std::get<ExitNow>(Parse({"--help"})).code, 0);
  EXPECT_EQ(std::get<ExitNow>(Parse({"--version"})).text.rfind("lamppost-test ", 0), 0u);
}

TEST(ServerFlagsTest, SystemdsDirectoryIsTheDefault) {
  ASSERT_EQ(setenv("STATE_DIRECTORY", "/var/lib/lamppost", 1), 0);
  EXPECT_EQ(DefaultDataDirectory("d"), "/var/lib/lamppost");
  ASSERT_EQ(unsetenv("STATE_DIRECTORY"), 0);
  EXPECT_EQ(DefaultDataDirectory("d"), "d");
}

}  // namespace
}  // namespace lamppost
