#include "services/kv/server/settings.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>
#include <variant>
#include <vector>

namespace lamppost::kv {
namespace {

std::variant<Settings, ExitNow> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "lamppost-kv");
  return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
}

Settings Good(std::vector<const char*> arguments) {
  auto parsed = Parse(std::move(arguments));
  if (const auto* exit_now = std::get_if<ExitNow>(&parsed)) {
    ADD_FAILURE() << exit_now->text;
    return Settings();
  }
  return std::get<Settings>(parsed);
}

// The text of a refusal; "" if there was none.
std::string Refused(std::vector<const char*> arguments) {
  auto parsed = Parse(std::move(arguments));
  const auto* exit_now = std::get_if<ExitNow>(&parsed);
  if (exit_now == nullptr) return "";
  EXPECT_EQ(exit_now->code, 2);
  return exit_now->text;
}

TEST(SettingsTest, TheCommandOfTheReadme) {
  const Settings settings =
      Good({"--id", "A", "--port", "8000", "--peers", "http://127.0.0.1:8001,http://127.0.0.1:8002"});
  EXPECT_EQ(settings.node_id, "A");
  ASSERT_EQ(settings.peers.size(), 2u);
  EXPECT_EQ(settings.peers[1].HostPort(), "127.0.0.1:8002");
  EXPECT_EQ(settings.listen[0].HostPort(), "127.0.0.1:8000");
  EXPECT_EQ(settings.durability, Durability::kSync);
  EXPECT_EQ(settings.data_directory, "A.lamppost");
  EXPECT_TRUE(settings.warnings.empty());
}

TEST(SettingsTest, WhereItListensFollowsWhatWasSaid) {
  const auto host = [](std::vector<const char*> more) {
    std::vector<const char*> arguments = {"--id", "A", "--port", "8000"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Good(arguments).listen[0].host;
  };
  EXPECT_EQ(host({}), "127.0.0.1");
  EXPECT_EQ(host({"--peers", "10.0.0.2:8001"}), "127.0.0.1");  // plain text was not asked for
  EXPECT_EQ(host({"--peers", "http://10.0.0.2:8001"}), "0.0.0.0");
  EXPECT_EQ(host({"--insecure"}), "0.0.0.0");
  EXPECT_EQ(host({"--listen", "127.0.0.2", "--peers", "http://10.0.0.2:8001"}), "127.0.0.2");
  EXPECT_EQ(host({"--listen", "::1"}), "::1");
}

TEST(SettingsTest, PlainTextBeyondLoopbackIsWarnedAbout) {
  EXPECT_EQ(Good({"--id", "A", "--port", "1", "--insecure"}).warnings.size(), 1u);
  EXPECT_EQ(Good({"--id", "A", "--port", "1", "--listen", "127.0.0.1"}).warnings.size(), 0u);
}

TEST(SettingsTest, SystemdsDirectoryIsTheDefault) {
  ASSERT_EQ(setenv("STATE_DIRECTORY", "/var/lib/lamppost", 1), 0);
  EXPECT_EQ(Good({"--id", "A", "--port", "1"}).data_directory, "/var/lib/lamppost");
  EXPECT_EQ(Good({"--id", "A", "--port", "1", "--data-dir", "d"}).data_directory, "d");
  ASSERT_EQ(unsetenv("STATE_DIRECTORY"), 0);
}

TEST(SettingsTest, WrongUsageSaysWhatIsWrong) {
  const std::vector<std::pair<std::vector<const char*>, std::string>> cases = {
      {{"--port", "8000"}, "--id"},
      {{"--id", "A"}, "--port"},
      {{"--id", "A", "--port", "70000"}, "--port"},
      {{"--id", "A b", "--port", "1"}, "node id"},
      {{"--id", "", "--port", "1"}, "node id"},
      {{"--id", "A", "--port", "1", "--cluster", "ü"}, "cluster"},
      {{"--id", "A", "--port", "1", "--durability", "never"}, "--durability"},
      {{"--id", "A", "--port", "1", "--colour", "red"}, "--colour"},
      {{"--id", "A", "--port", "8000", "--peers", "http://127.0.0.1:8000"}, "own address"},
      {{"--id", "A", "--port", "8000", "--peers", "localhost:8000"}, "own address"},
      {{"--id", "A", "--port", "1", "--peers", "h:1,h:1"}, "twice"},
      {{"--id", "A", "--port", "1", "--peers", "https://h:1"}, "--peers"},
      {{"--id", "A", "--port", "1", "--peers", "h"}, "--peers"},
      {{"--id", "A", "--port", "1", "--listen", "example.com"}, "--listen"},
      {{"--id", "A", "--port", "1", "--log-level", "loud"}, "--log-level"},
      {{"--id", "A", "--port", "1", "--value-bytes-max", "0"}, "--value-bytes-max"},
  };
  for (const auto& [arguments, expected] : cases) {
    const std::string text = Refused(arguments);
    EXPECT_NE(text.find(expected), std::string::npos) << "expected " << expected << " in: " << text;
  }
}

TEST(SettingsTest, HelpAndVersionExitWithZero) {
  const auto help = Parse({"--help"});
  EXPECT_EQ(std::get<ExitNow>(help).code, 0);
  EXPECT_NE(std::get<ExitNow>(help).text.find("--peers"), std::string::npos);
  const auto version = Parse({"--version"});
  EXPECT_EQ(std::get<ExitNow>(version).code, 0);
}

}  // namespace
}  // namespace lamppost::kv
