#include "services/rpc/functions/builtins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "services/rpc/functions/run_collector.h"

namespace lamppost::rpc {
namespace {

using testing::HasSubstr;

class BuiltInsTest : public testing::Test {
 protected:
  BuiltInsTest() {
    std::string directory = absl::StrCat(testing::TempDir(), "/counters-XXXXXX");
    EXPECT_NE(mkdtemp(directory.data()), nullptr);
    directory_ = directory + "/made/when/needed";
    std::vector<BuiltIn> builtins = PlainBuiltIns();
    builtins.push_back(CounterBuiltIn(directory_));
    for (BuiltIn& each : builtins) {
      const std::string name = each.spec.name;
      const auto function = MakeFunction(std::move(each), pool_);
      EXPECT_TRUE(function.ok()) << name << function.status();
      functions_[name] = *function;
    }
  }

  // As the engine does: the params are checked first.
  std::string Call(const std::string& name, const std::string& params) {
    const Function& function = *functions_.at(name);
    const Json parsed = Json::parse(params);
    const absl::Status fits = function.params->Check(parsed);
    return fits.ok() ? TextOf(runs_.Call(function, parsed)) : std::string(fits.message());
  }

  std::string directory_;
  RunCollector runs_;
  std::shared_ptr<BuiltInPool> pool_ = std::make_shared<BuiltInPool>(8);
  std::map<std::string, std::shared_ptr<const Function>> functions_;
};

TEST_F(BuiltInsTest, OnlyTheCounterMayNotBeRepeated) {
  EXPECT_EQ(functions_.size(), 10u);
  for (const auto& [name, function] : functions_) {
    EXPECT_EQ(function->spec.repeat == Repeat::kOnce, name == "counter") << name;
    EXPECT_FALSE(function->spec.description.empty()) << name;
  }
}

TEST_F(BuiltInsTest, Numbers) {
  EXPECT_EQ(Call("add", R"({"a": 1, "b": 2})"), "3");
  EXPECT_EQ(Call("add", R"({"a": 0.5, "b": -2})"), "-1.5");
  EXPECT_EQ(Call("add", R"({"a": 1e308, "b": 1e308})"),
            "RESULT_OUT_OF_RANGE: the result is beyond a double's range");
  EXPECT_EQ(Call("add", R"({"a": "1", "b": 2})"), "params.a: must be a number, not a string");
  EXPECT_EQ(Call("sum", R"({"numbers": [1, 2, 3.5]})"), "6.5");
  EXPECT_EQ(Call("sum", R"({"numbers": []})"), "0");
}

TEST_F(BuiltInsTest, Texts) {
  EXPECT_EQ(Call("echo", R"({"b": [1, null], "a": "x"})"), R"({"a":"x","b":[1,null]})");
  EXPECT_EQ(Call("reverse", "{\"text\": \"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\xa1z\"}"),
            "\"z\xf0\x9f\x92\xa1\xe2\x82\xac\xc3\xa9"
            "a\"");
  EXPECT_EQ(Call("reverse", R"({"text": ""})"), "\"\"");
  EXPECT_EQ(Call("uppercase", "{\"text\": \"ab\xc3\xa9 1z\"}"), "\"AB\xc3\xa9 1Z\"");
  EXPECT_EQ(Call("hash", R"({"text": "abc"})"),
            "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"");
}

TEST_F(BuiltInsTest, SleepTellsItsProgressAndCanFail) {
  const RunId run = runs_.Start(*functions_["sleep"], {{"ms", 250}});
  EXPECT_EQ(TextOf(runs_.Wait(run)), R"({"slept_ms":250})");
  const auto progress = runs_.ProgressOf(run);
  ASSERT_EQ(progress.size(), 3u);
  EXPECT_EQ(progress[0].fraction, 0.4);
  EXPECT_EQ(progress[2].fraction, 1);
  EXPECT_EQ(Call("sleep", R"({"ms": 0, "fail": "nightmare"})"), "SLEPT_BADLY: nightmare");
  EXPECT_THAT(Call("sleep", R"({"ms": -1})"), HasSubstr("at least 0"));
}

TEST_F(BuiltInsTest, SleepIsCutShort) {
  const RunId run = runs_.Start(*functions_["sleep"], {{"ms", 3'600'000}});
  functions_["sleep"]->runnable->Kill(run);
  EXPECT_EQ(ReasonOf(runs_.Wait(run)), kKilled);
}

TEST_F(BuiltInsTest, TheServerAndItsHost) {
  const Json host = Json::parse(Call("host", "{}"));
  for (const char* name : {"hostname", "system", "kernel", "machine", "cpus", "memory_bytes", "load_1m"})
    EXPECT_TRUE(host.contains(name)) << name;
  EXPECT_GT(host["memory_bytes"].get<uint64_t>(), 1u << 20);
  EXPECT_GT(host["cpus"].get<int>(), 0);
  const Json uptime = Json::parse(Call("uptime", "{}"));
  EXPECT_GE(uptime["host_s"].get<int64_t>(), 0);
  EXPECT_GE(uptime["server_ms"].get<int64_t>(), 0);
}

TEST_F(BuiltInsTest, TheCounterKeepsTheIdsThatCounted) {
  const RunRequest request = runs_.Request(*functions_["counter"], {{"name", "visits"}});
  functions_["counter"]->runnable->Start(request, &runs_);
  EXPECT_EQ(TextOf(runs_.Wait(request.run)), R"({"count":1})");
  EXPECT_EQ(Call("counter", R"({"name": "visits"})"), R"({"count":2})");
  EXPECT_EQ(Call("counter", R"({"name": "other"})"), R"({"count":1})");
  std::ifstream file(directory_ + "/visits");
  std::string first;
  std::getline(file, first);
  EXPECT_EQ(first, ToString(request.id));
}

TEST_F(BuiltInsTest, ACountersNameIsNoPath) {
  for (const char* name : {"", ".", "..", "a/b", "../x", "UP", "a b", "a\\u0000"})
    EXPECT_THAT(Call("counter", absl::StrCat("{\"name\": \"", name, "\"}")), HasSubstr("NAME_INVALID"))
        << name;
  EXPECT_THAT(Call("counter", absl::StrCat("{\"name\": \"", std::string(65, 'a'), "\"}")),
              HasSubstr("NAME_INVALID"));
}

TEST_F(BuiltInsTest, PartOfALineThatACrashLeftCountsForNothing) {
  Call("counter", R"({"name": "c"})");
  std::ofstream(directory_ + "/c", std::ios::app) << "0190f3c2-7a8b";
  EXPECT_EQ(Call("counter", R"({"name": "c"})"), R"({"count":2})");
}

TEST_F(BuiltInsTest, WithoutADirectoryTheCounterFails) {
  const auto counter = *MakeFunction(CounterBuiltIn(""), pool_);
  EXPECT_EQ(ReasonOf(runs_.Call(*counter, {{"name", "c"}})), "COUNTER_UNAVAILABLE");
  const auto in_a_file = *MakeFunction(CounterBuiltIn("/dev/null/x"), pool_);
  EXPECT_EQ(ReasonOf(runs_.Call(*in_a_file, {{"name", "c"}})), "COUNTER_UNAVAILABLE");
}

TEST_F(BuiltInsTest, TwoHundredCountsAtATimeAreTwoHundred) {
  std::vector<RunId> started;
  for (int i = 0; i < 200; ++i) started.push_back(runs_.Start(*functions_["counter"], {{"name", "c"}}));
  std::set<std::string> counts;
  for (const RunId run : started) counts.insert(TextOf(runs_.Wait(run)));
  EXPECT_EQ(counts.size(), 200u);
  EXPECT_EQ(counts.count(R"({"count":200})"), 1u);
}

}  // namespace
}  // namespace lamppost::rpc
