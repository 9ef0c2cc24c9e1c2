// The lamppost command against three real nodes: what it prints, and with which code it ends.
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class Cli : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(cluster_.StartAll()); }

  // With --node for the given addresses, or none if there are none.
  Finished Run(const std::vector<std::string>& nodes, const std::vector<std::string>& words,
               const std::map<std::string, std::string>& environment = {{"LAMPPOST_NODE", ""}}) {
    ProcessOptions options;
    options.command = {"clients/cli/lamppost"};
    if (!nodes.empty()) options.command.insert(options.command.end(), {"--node", absl::StrJoin(nodes, ",")});
    options.command.insert(options.command.end(), words.begin(), words.end());
    options.environment = environment;
    return RunToEnd(options, absl::Seconds(60));
  }
  Finished RunAt(const std::string& id, const std::vector<std::string>& words) {
    return Run({Url(id)}, words);
  }

  std::string Url(const std::string& id) { return absl::StrCat("http://", cluster_.node(id)->address()); }

  Cluster cluster_{{}};
};

TEST_F(Cli, TheFirstExampleOfAll) {
  const Finished put = RunAt("A", {"put", "x", "10"});
  EXPECT_EQ(put.exit_code, 0) << put.err;
  ASSERT_OK(cluster_.WaitText("B", "x", "10", absl::Seconds(1)));
  const Finished get = RunAt("B", {"get", "x"});
  EXPECT_EQ(get.exit_code, 0) << get.err;
  EXPECT_EQ(get.out, "10\n");
  EXPECT_EQ(Run({cluster_.node("B")->address()}, {"get", "x"}).out, "10\n");  // without http://
  EXPECT_EQ(Run({}, {"get", "x"}, {{"LAMPPOST_NODE", Url("C")}}).out, "10\n");
  const Finished del = RunAt("C", {"del", "x"});
  EXPECT_EQ(del.exit_code, 0) << del.err;
  ASSERT_OK(WaitFor("the deletion at A", absl::Seconds(1), [&] { return !cluster_.client("A")->Text("x"); }));
  const Finished gone = RunAt("A", {"get", "x"});
  EXPECT_EQ(gone.exit_code, 1);
  EXPECT_EQ(gone.out, "");
  EXPECT_THAT(gone.err, HasSubstr("key not found: x"));
}

TEST_F(Cli, ScansByPrefix) {
  ASSERT_OK(cluster_.client("A")->Write(Batch({{"a1", "1"}, {"a2", "2"}, {"b1", "3"}})).status());
  ASSERT_OK(cluster_.WaitText("B", "b1", "3", absl::Seconds(1)));
  const Finished raw = RunAt("B", {"-o", "json", "scan", "a"});
  ASSERT_EQ(raw.exit_code, 0) << raw.err;
  const json page = json::parse(raw.out);
  EXPECT_EQ(page.at("count"), 2);
  EXPECT_EQ(page.at("entries").at(1).at("key"), "a2");
  EXPECT_EQ(page.at("entries").at(1).at("value"), "2");
}

TEST_F(Cli, StatusHasTheFieldsThatWerePromised) {
  ASSERT_OK(cluster_.client("A")->Put("x", "10").status());
  ASSERT_OK(cluster_.WaitConverged());
  const Finished finished = RunAt("A", {"status", "-o", "json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const json status = json::parse(finished.out);
  std::set<std::string> names;
  for (const auto& [name, value] : status.items()) names.insert(name);
  EXPECT_THAT(names, IsSupersetOf({"node_id", "incarnation", "clock", "heads", "keys", "tombstones",
                                   "content_hash", "stable", "peers", "converged"}));
  EXPECT_EQ(status.at("node_id"), "A");
  EXPECT_EQ(status.at("keys"), 1);
  EXPECT_EQ(status.at("converged"), true);
  EXPECT_EQ(status.at("content_hash"), cluster_.client("B")->Status()->content_hash());
  ASSERT_EQ(status.at("peers").size(), 2u);
  for (const json& peer : status.at("peers")) {
    for (const char* name : {"node_id", "address", "state", "heads", "lag"})
      EXPECT_TRUE(peer.contains(name)) << name;
    EXPECT_EQ(peer.at("state"), "live");
  }
  const Finished table = Run({Url("A"), Url("B"), Url("C")}, {"status"});
  EXPECT_EQ(table.exit_code, 0) << table.err;
  EXPECT_FALSE(absl::StrContains(table.out, "\x1b")) << "colour without a terminal";
}

TEST_F(Cli, WrongUsageIsExitCode2) {
  const std::vector<std::vector<std::string>> wrong = {
      {}, {"fly"}, {"put", "x"}, {"get"}, {"-o", "xml", "get", "x"}, {"--timeout", "soon", "get", "x"}};
  for (const std::vector<std::string>& words : wrong) {
    const Finished finished = RunAt("A", words);
    EXPECT_EQ(finished.exit_code, 2) << absl::StrJoin(words, " ");
    EXPECT_EQ(finished.out, "");
    EXPECT_NE(finished.err, "");
  }
  EXPECT_EQ(Run({"nonsense:port"}, {"get", "x"}).exit_code, 2);
}

TEST_F(Cli, WhatTheNodeRefusesHasFailedForCertain) {
  const Finished finished = RunAt("A", {"put", std::string(2000, 'k'), "v"});
  EXPECT_TRUE(finished.exit_code == 2 || finished.exit_code == 3) << finished.exit_code;
  EXPECT_NE(finished.err, "");
}

TEST_F(Cli, WithoutANodeItFailsForCertainAndInTime) {
  const std::string nobody = absl::StrCat("127.0.0.1:", ReservePort().value());
  const absl::Time begin = absl::Now();
  EXPECT_EQ(Run({nobody}, {"--timeout", "1s", "get", "x"}).exit_code, 3);
  EXPECT_EQ(Run({nobody}, {"--timeout", "1s", "put", "x", "10"}).exit_code, 3);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(8));
}

TEST_F(Cli, ADeadFirstNodeIsPassedOver) {
  ASSERT_OK(cluster_.client("B")->Put("x", "10").status());
  cluster_.node("A")->Kill();
  EXPECT_EQ(Run({Url("A"), Url("B")}, {"get", "x"}).out, "10\n");
  const Finished put = Run({Url("A"), Url("B")}, {"put", "x", "11"});
  EXPECT_EQ(put.exit_code, 0) << put.err;
  EXPECT_EQ(cluster_.client("B")->Text("x"), "11");
}

TEST_F(Cli, AFrozenFirstNodeIsPassedOver) {
  cluster_.node("A")->Pause();
  const Finished put = Run({Url("A"), Url("B")}, {"--attempt-timeout", "500ms", "put", "x", "11"});
  EXPECT_EQ(put.exit_code, 0) << put.err;
  EXPECT_EQ(cluster_.client("B")->Text("x"), "11");
  cluster_.node("A")->Resume();
}

TEST_F(Cli, ANodeThatComesBackWhileItRetriesIsFound) {
  ASSERT_OK(cluster_.client("A")->Put("x", "10").status());
  cluster_.node("A")->Kill();
  ProcessOptions options;
  options.command = {"clients/cli/lamppost", "--node", Url("A"), "--timeout", "20s", "get", "x"};
  options.output_path = NewTestPath("out");
  auto command = Process::Start(options);
  ASSERT_OK(command.status());
  ASSERT_OK(cluster_.node("A")->Start());
  const absl::Time served = absl::Now();
  const auto code = (*command)->Wait(absl::Seconds(20));
  ASSERT_OK(code.status());
  EXPECT_EQ(*code, 0) << ReadFile(options.output_path);
  EXPECT_LT(absl::Now() - served, absl::Seconds(5));
}

// The reply is lost once the write has landed: the retry must find the first attempt, not write again.
TEST_F(Cli, ARetriedPutLandsOnce) {
  LinkProxy way(cluster_.node("A")->port());
  const std::string marker = "value-whose-reply-is-lost";
  way.SwallowAnswersAfter(marker);
  const uint64_t before = cluster_.client("A")->Status()->heads(0).counter();
  ProcessOptions options;
  options.command = {"clients/cli/lamppost",
                     "--node",
                     absl::StrCat("127.0.0.1:", way.port()),
                     "-o",
                     "json",
                     "--attempt-timeout",
                     "5s",
                     "--timeout",
                     "30s",
                     "put",
                     "x",
                     marker};
  options.output_path = NewTestPath("out");
  options.error_path = NewTestPath("err");
  auto put = Process::Start(options);
  ASSERT_OK(put.status());
  ASSERT_OK(cluster_.WaitText("A", "x", marker, absl::Seconds(10)));
  EXPECT_TRUE((*put)->IsRunning());
  const auto first = cluster_.client("A")->Get("x")->version();
  // A second write in between, which the retry must not undo.
  ASSERT_OK(cluster_.client("A")->Put("x", "written since").status());
  way.SwallowAnswersAfter("");
  way.BreakConnections();
  const auto code = (*put)->Wait(absl::Seconds(30));
  ASSERT_OK(code.status());
  ASSERT_EQ(*code, 0) << ReadFile(options.error_path);
  EXPECT_EQ(way.swallowed(), 1);
  const json answer = json::parse(ReadFile(options.output_path));
  EXPECT_EQ(answer.at("replayed"), true);
  EXPECT_EQ(answer.at("version").at("counter"), first.counter());
  EXPECT_GT(first.counter(), before);
  EXPECT_EQ(cluster_.client("A")->Text("x"), "written since");
}

// All replies are lost until the time is up: whether it was written is not known, and it says so.
TEST_F(Cli, AnUnknownOutcomeIsExitCode4) {
  LinkProxy way(cluster_.node("A")->port());
  way.SwallowAnswersAfter("never-answered");
  const Finished put =
      Run({absl::StrCat("127.0.0.1:", way.port())},
          {"--attempt-timeout", "500ms", "--timeout", "1500ms", "put", "x", "never-answered"});
  EXPECT_EQ(put.exit_code, 4) << put.err;
  EXPECT_EQ(cluster_.client("A")->Text("x"), "never-answered");
}

TEST_F(Cli, DumpAndLoadARoundTripOf50000Keys) {
  constexpr int kKeys = 50000;
  const std::string source = NewTestPath("source");
  {
    std::ofstream file(source);
    for (int i = 0; i < kKeys; ++i) {
      file
          << json({{"key", absl::StrCat("key \"", i, "\" \u00e9")}, {"value", absl::StrCat("v\n", i)}}).dump()
          << "\n";
    }
  }
  const Finished load = RunAt("A", {"load", source});
  ASSERT_EQ(load.exit_code, 0) << load.err;
  ASSERT_OK(cluster_.WaitConverged());
  EXPECT_EQ(cluster_.client("C")->Status()->keys(), static_cast<uint64_t>(kKeys));
  const std::string dumped = NewTestPath("dumped");
  const Finished dump = RunAt("C", {"dump", dumped});
  ASSERT_EQ(dump.exit_code, 0) << dump.err;

  // Into an empty cluster, and out again: the same.
  ClusterOptions one;
  one.ids = {"Z"};
  Cluster other(one);
  ASSERT_OK(other.StartAll());
  ASSERT_EQ(Run({other.node("Z")->address()}, {"load", dumped}).exit_code, 0);
  const std::string again = NewTestPath("again");
  ASSERT_EQ(Run({other.node("Z")->address()}, {"dump", again}).exit_code, 0);
  EXPECT_TRUE(ReadFile(again) == ReadFile(dumped));
  EXPECT_EQ(other.client("Z")->Text("key \"7\" \u00e9"), "v\n7");
}

TEST_F(Cli, ASessionFileIsKeptFromCommandToCommand) {
  const std::string file = NewTestPath("session");
  ASSERT_EQ(RunAt("A", {"put", "x", "10", "--session", file}).exit_code, 0);
  const json written = json::parse(ReadFile(file));
  EXPECT_EQ(written.at("lamppost_session"), 1);
  for (int i = 0; i < 20; ++i) {
    const std::string value = absl::StrCat(i);
    ASSERT_EQ(RunAt("A", {"put", "x", value, "--session", file}).exit_code, 0);
    const Finished got = RunAt(i % 2 == 0 ? "B" : "C", {"get", "x", "--session", file});
    EXPECT_EQ(got.out, value + "\n") << got.err;
  }
  const Finished scanned = RunAt("B", {"scan", "--session", file, "-o", "raw"});
  EXPECT_EQ(scanned.out, "x\t19\n") << scanned.err;
  ASSERT_EQ(RunAt("C", {"del", "x", "--session", file}).exit_code, 0);
  EXPECT_EQ(RunAt("A", {"get", "x", "--session", file}).exit_code, 1);
}

TEST_F(Cli, ASessionThatANodeDoesNotHaveYetIsSaidSo) {
  const std::string file = NewTestPath("session");
  ASSERT_EQ(RunAt("A", {"put", "x", "10", "--session", file}).exit_code, 0);
  json ahead = json::parse(ReadFile(file));
  for (json& head : ahead.at("heads")) head["counter"] = head["counter"].get<uint64_t>() + 1000000;
  std::ofstream(file) << ahead.dump();
  const Finished got = RunAt("B", {"get", "x", "--session", file, "--timeout", "2s", "-o", "json"});
  EXPECT_EQ(got.exit_code, 3);
  EXPECT_EQ(json::parse(got.err).at("error").at("reason"), "SESSION_AHEAD") << got.err;
}

TEST_F(Cli, ADamagedSessionFileIsAUsageErrorAndNothingIsDone) {
  const std::string file = NewTestPath("session");
  std::ofstream(file) << "{\"lamppost_session\":";
  const Finished put = RunAt("A", {"put", "x", "10", "--session", file});
  EXPECT_EQ(put.exit_code, 2);
  EXPECT_THAT(put.err, HasSubstr(file));
  EXPECT_FALSE(cluster_.client("A")->Text("x").has_value());
  EXPECT_EQ(ReadFile(file), "{\"lamppost_session\":");
}

TEST_F(Cli, ReplicasArePromisedOrReported) {
  EXPECT_EQ(RunAt("A", {"put", "x", "10", "--replicas", "3"}).exit_code, 0);
  const Finished many = RunAt("A", {"put", "x", "11", "--replicas", "4"});
  EXPECT_EQ(many.exit_code, 3);
  EXPECT_THAT(many.err, HasSubstr("REPLICAS_TOO_MANY"));
  cluster_.node("B")->Kill();
  cluster_.node("C")->Kill();
  const Finished pending = RunAt("A", {"put", "x", "12", "--replicas", "2", "--timeout", "2s", "-o", "json"});
  EXPECT_EQ(pending.exit_code, 4);
  const json error = json::parse(pending.err).at("error");
  EXPECT_EQ(error.at("outcome"), "pending");
  EXPECT_EQ(error.at("details").at("have"), "1");
  EXPECT_EQ(error.at("details").at("wanted"), "2");
  const Finished told = RunAt("A", {"del", "x", "--replicas", "2", "--timeout", "1s"});
  EXPECT_EQ(told.exit_code, 4);
  EXPECT_THAT(told.err, HasSubstr("1 of 2 members"));
  EXPECT_THAT(told.err, HasSubstr("the write stands"));
  EXPECT_FALSE(cluster_.client("A")->Text("x").has_value());
}

TEST_F(Cli, ScansDownwardsAndCounts) {
  ASSERT_OK(cluster_.client("A")->Write(Batch({{"a", "1"}, {"b", "2"}, {"c", "3"}})).status());
  EXPECT_EQ(RunAt("A", {"scan", "--reverse", "--keys-only", "-o", "raw"}).out, "c\nb\na\n");
  EXPECT_EQ(RunAt("A", {"scan", "--reverse", "--limit", "1", "-o", "raw"}).out, "c\t3\n");
  EXPECT_EQ(RunAt("A", {"scan", "--count"}).out, "3\n");
  EXPECT_EQ(RunAt("A", {"scan", "b", "--count", "-o", "json"}).out, "{\"count\":1}\n");
}

TEST_F(Cli, ABrokenLineStopsALoadAndIsNamed) {
  const std::string source = NewTestPath("source");
  std::ofstream(source) << R"({"key":"a","value":"1"})"
                        << "\n"
                        << R"({"key":"b","value":)"
                        << "\n";
  const Finished load = RunAt("A", {"load", source});
  EXPECT_EQ(load.exit_code, 3);
  EXPECT_THAT(load.err, HasSubstr("line 2"));
}

}  // namespace
}  // namespace lamppost::testing
