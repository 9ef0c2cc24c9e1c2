#include "services/rpc/server/settings.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

namespace lamppost::rpc {
namespace {

std::variant<Settings, ExitNow> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "lamppost-rpc");
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

TEST(SettingsTest, TheCommandOfTheReadme) {
  const Settings settings = Good({"--port", "5000", "--functions-dir", "f", "--data-dir", "d"});
  EXPECT_EQ(settings.listen[0].HostPort(), "127.0.0.1:5000");
  EXPECT_EQ(settings.functions_directory, "f");
  EXPECT_EQ(settings.data_directory, "d");
  EXPECT_EQ(settings.store.kind, StoreChoice::Kind::kRocksDb);
  EXPECT_EQ(settings.retention_ms, 24u * 3600 * 1000);
  EXPECT_EQ(settings.faults, Faults::Mode::kDisabled);
  EXPECT_TRUE(settings.warnings.empty());
}

TEST(SettingsTest, WhatIsRiskyIsWarnedAbout) {
  EXPECT_EQ(Good({"--port", "1", "--request-store", "memory"}).warnings.size(), 1u);
  EXPECT_EQ(Good({"--port", "1", "--enable-faults"}).warnings.size(), 1u);
  EXPECT_EQ(Good({"--port", "1", "--insecure"}).warnings.size(), 1u);
}

TEST(SettingsTest, EtcdNamesItsEndpointsAndTheFleet) {
  const absl::StatusOr<StoreChoice> choice = ParseStoreChoice("etcd://a:2379,127.0.0.1:2380/blue");
  ASSERT_TRUE(choice.ok()) << choice.status();
  EXPECT_EQ(choice->kind, StoreChoice::Kind::kEtcd);
  ASSERT_EQ(choice->etcd.endpoints.size(), 2u);
  EXPECT_EQ(choice->etcd.endpoints[1].HostPort(), "127.0.0.1:2380");
  EXPECT_EQ(choice->etcd.name, "blue");
  EXPECT_EQ(ParseStoreChoice("etcd://a:2379")->etcd.name, "default");
  for (const char* text : {"etcd://", "etcd://a", "etcd://a:1/b/c", "redis", "", "etcd://a:1/ü"}) {
    EXPECT_FALSE(ParseStoreChoice(text).ok()) << text;
  }
}

TEST(SettingsTest, TheNodeIdIsTheHostsNameAndThePort) {
  EXPECT_EQ(DefaultNodeId("box.example.com", 5000), "box.example.com-5000");
  EXPECT_EQ(DefaultNodeId("", 0), "rpc-0");
  EXPECT_EQ(DefaultNodeId("a b/c", 1), "a-b-c-1");
  EXPECT_EQ(DefaultNodeId(std::string(64, 'x'), 65535).size(), 32u);
  EXPECT_EQ(Good({"--port", "1", "--id", "R1"}).node_id, "R1");
}

TEST(SettingsTest, WrongUsageSaysWhatIsWrong) {
  const std::vector<std::pair<std::vector<const char*>, std::string>> cases = {
      {{}, "--port"},
      {{"--port", "1", "--id", "a b"}, "--id"},
      {{"--port", "1", "--retention", "soon"}, "--retention"},
      {{"--port", "1", "--retention", "10ms"}, "--retention"},
      {{"--port", "1", "--retention", "inf"}, "--retention"},
      {{"--port", "1", "--request-store", "redis"}, "--request-store"},
      {{"--port", "1", "--requests-max", "0"}, "--requests-max"},
      {{"--port", "1", "--builtin-threads", "0"}, "--builtin-threads"},
      {{"--port", "1", "--colour", "red"}, "--colour"},
  };
  for (const auto& [arguments, expected] : cases) {
    const auto parsed = Parse(arguments);
    const auto* exit_now = std::get_if<ExitNow>(&parsed);
    ASSERT_NE(exit_now, nullptr) << expected;
    EXPECT_EQ(exit_now->code, 2);
    EXPECT_NE(exit_now->text.find(expected), std::string::npos) << exit_now->text;
  }
}

TEST(SettingsTest, HelpAndVersionExitWithZero) {
  EXPECT_NE(std::get<ExitNow>(Parse({"--help"})).text.find("--functions-dir"), std::string::npos);
  EXPECT_EQ(std::get<ExitNow>(Parse({"--version"})).code, 0);
}

}  // namespace
}  // namespace lamppost::rpc
