#include "services/rpc/functions/function_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "services/common/error.h"
#include "services/rpc/functions/program_fixture.h"

namespace lamppost::rpc {
namespace {

using testing::HasSubstr;

constexpr char kEcho[] = "#!/bin/sh\ncat\n";
constexpr size_t kBuiltIns = 10;

class FunctionHostTest : public testing::Test {
 protected:
  FunctionHostTest() : directory_(NewDirectory() + "/functions") {
    std::filesystem::create_directory(directory_);
  }

  ~FunctionHostTest() override {
    const pid_t launcher = launcher_;
    host_.reset();
    EXPECT_TRUE(MarkedProcesses(launcher).empty());
    EXPECT_EQ(ErrorReason(FatalError()), fatal_reason_);
  }

  void StartHost() {
    Launcher launcher = *Launcher::Fork();
    launcher_ = launcher.pid();
    FunctionHostOptions options;
    options.functions_directory = directory_;
    options.counter_directory = directory_ + "-counters";
    options.on_fatal_error = [this](const absl::Status& status) {
      absl::MutexLock lock(&mu_);
      fatal_error_ = status;
    };
    auto host =
        FunctionHost::Start(options, std::move(launcher), [this](std::shared_ptr<const Registry> registry) {
          absl::MutexLock lock(&mu_);
          told_ = std::move(registry);
          ++changes_;
        });
    ASSERT_TRUE(host.ok()) << host.status();
    host_ = *std::move(host);
  }

  void WriteManifest(const std::string& name, const std::string& text) {
    std::ofstream(directory_ + "/" + name) << text;
  }
  void WriteEcho(const std::string& name) {
    WriteScript(directory_ + "/" + name, kEcho);
    WriteManifest(name + ".json", R"({"command": ["./)" + name + "\"]}");
  }

  Registry::FunctionPtr Find(const std::string& name) { return host_->registry()->Find(name); }
  bool EventuallyThere(const std::string& name) {
    return Eventually([&] { return Find(name) != nullptr; });
  }
  bool EventuallyGone(const std::string& name) {
    return Eventually([&] { return Find(name) == nullptr; });
  }
  std::string Call(const std::string& name, Json params = Json::object()) {
    const Registry::FunctionPtr function = Find(name);
    return function == nullptr ? "there is none" : TextOf(runs_.Call(*function, std::move(params)));
  }
  std::string ProblemOf(const std::string& file) {
    for (const FunctionProblem& problem : host_->registry()->problems()) {
      if (problem.file == file) return problem.message;
    }
    return "";
  }
  size_t Changes() {
    absl::MutexLock lock(&mu_);
    return changes_;
  }

  absl::Status FatalError() {
    absl::MutexLock lock(&mu_);
    return fatal_error_;
  }

  const std::string directory_;
  pid_t launcher_ = 0;
  std::string fatal_reason_;  // what a test expects
  RunCollector runs_;
  std::unique_ptr<FunctionHost> host_;
  absl::Mutex mu_;
  absl::Status fatal_error_;
  std::shared_ptr<const Registry> told_;
  size_t changes_ = 0;
};

TEST_F(FunctionHostTest, BuiltInFunctionsAndManifestsAreOneRegistry) {
  WriteEcho("mine");
  StartHost();
  EXPECT_EQ(host_->registry()->functions().size(), kBuiltIns + 1);
  EXPECT_EQ(Call("add", {{"a", 1}, {"b", 2}}), "3");
  EXPECT_EQ(Call("mine", {{"x", 1}}), R"({"x":1})");
  EXPECT_EQ(Call("counter", {{"name", "c"}}), R"({"count":1})");
  EXPECT_EQ(Find("mine")->spec.source, "mine.json");
  EXPECT_TRUE(host_->registry()->problems().empty());
}

TEST_F(FunctionHostTest, ABadManifestIsReportedAndLeavesTheOthersWorking) {
  WriteEcho("good");
  WriteManifest("bad.json", "{");
  WriteManifest("gone.json", R"({"command": ["./gone"]})");
  WriteManifest("add.json", R"({"command": ["./good"]})");
  WriteManifest("twin.json", R"({"name": "good", "command": ["./good"]})");
  WriteManifest("wide.json", R"({"command": ["./good"], "concurrency_max": 0})");
  WriteManifest("large.json", std::string(100'000, ' '));
  WriteManifest(".hidden.json", "{");
  WriteManifest("readme.txt", "{");
  std::filesystem::create_directory(directory_ + "/folder.json");
  ASSERT_EQ(mkfifo((directory_ + "/pipe.json").c_str(), 0644), 0);
  StartHost();
  EXPECT_EQ(Call("good", {{"x", 1}}), R"({"x":1})");
  EXPECT_EQ(Call("add", {{"a", 1}, {"b", 2}}), "3");
  EXPECT_EQ(host_->registry()->functions().size(), kBuiltIns + 1);
  EXPECT_EQ(ProblemOf("bad.json"), "not JSON text");
  EXPECT_THAT(ProblemOf("gone.json"), HasSubstr("No such file"));
  EXPECT_EQ(ProblemOf("add.json"), "there is a function add already (built in)");
  EXPECT_EQ(ProblemOf("twin.json"), "name: must be the file's name without .json, \"twin\"");
  EXPECT_EQ(ProblemOf("wide.json"), "concurrency_max must be 1 to 1000, not 0");
  EXPECT_EQ(ProblemOf("large.json"), "more than 65536 bytes of JSON");
  EXPECT_EQ(ProblemOf("folder.json"), "is not a file");
  EXPECT_EQ(ProblemOf("pipe.json"), "is not a file");
  EXPECT_EQ(host_->registry()->problems().size(), 8u);
}

TEST_F(FunctionHostTest, ChangesAreNoticedAndTheUnchangedStayTheSame) {
  WriteEcho("stays");
  StartHost();
  const Registry::FunctionPtr stays = Find("stays");
  WriteEcho("comes");
  ASSERT_TRUE(EventuallyThere("comes"));
  EXPECT_EQ(Call("comes", {{"x", 1}}), R"({"x":1})");
  EXPECT_EQ(Find("stays"), stays);
  // As editors do it: another file takes its place.
  WriteManifest("comes.json.tmp", R"({"command": ["./comes"], "description": "new"})");
  rename((directory_ + "/comes.json.tmp").c_str(), (directory_ + "/comes.json").c_str());
  ASSERT_TRUE(Eventually([&] { return Find("comes")->spec.description == "new"; }));
  EXPECT_EQ(Find("stays"), stays);
  std::filesystem::remove(directory_ + "/comes.json");
  ASSERT_TRUE(EventuallyGone("comes"));
  EXPECT_EQ(Find("stays"), stays);
  absl::MutexLock lock(&mu_);
  EXPECT_EQ(told_, host_->registry());
}

TEST_F(FunctionHostTest, AManifestThatIsMendedWorksAndOneThatIsSpoiledIsReported) {
  WriteManifest("f.json", "{");
  StartHost();
  EXPECT_EQ(Find("f"), nullptr);
  WriteEcho("f");
  ASSERT_TRUE(EventuallyThere("f"));
  EXPECT_EQ(ProblemOf("f.json"), "");
  WriteManifest("f.json", "{");
  ASSERT_TRUE(EventuallyGone("f"));
  EXPECT_EQ(ProblemOf("f.json"), "not JSON text");
}

TEST_F(FunctionHostTest, AProgramThatGoesComesOrChangesIsNoticed) {
  WriteEcho("f");
  StartHost();
  std::filesystem::remove(directory_ + "/f");
  ASSERT_TRUE(EventuallyGone("f"));
  EXPECT_THAT(ProblemOf("f.json"), HasSubstr("No such file"));
  WriteScript(directory_ + "/f", "#!/bin/sh\necho 1\n");
  ASSERT_TRUE(EventuallyThere("f"));
  EXPECT_EQ(Call("f"), "1");
  WriteScript(directory_ + "/f", "#!/bin/sh\necho 2\n");
  EXPECT_EQ(Call("f"), "2");
}

// Answers every call with the same.
std::string ShellWorker(const std::string& result) {
  return absl::StrCat("#!/bin/sh\nwhile read line; do\n  echo \"$line\" | sed 's/\"params\":{}/\"result\":",
                      result, "/'\ndone\n");
}

TEST_F(FunctionHostTest, WorkersOfAReplacedProgramAreReplaced) {
  const std::string worker = ShellWorker("VERSION");
  const auto version = [&](const char* number) {
    std::string text = worker;
    WriteScript(directory_ + "/w", text.replace(text.find("VERSION"), 7, number));
  };
  version("1");
  WriteManifest("w.json", R"({"command": ["./w"], "mode": "worker"})");
  StartHost();
  EXPECT_EQ(Call("w"), "1");
  EXPECT_EQ(ChildrenOf(launcher_).size(), 1u);
  version("2");
  ASSERT_TRUE(Eventually([&] { return Call("w") == "2"; }));
  EXPECT_TRUE(Eventually([&] { return ChildrenOf(launcher_).size() == 1; }));
}

TEST_F(FunctionHostTest, TheDirectoryMayComeGoAndBeReplaced) {
  std::filesystem::remove(directory_);
  StartHost();
  EXPECT_THAT(ProblemOf(directory_), HasSubstr("cannot read the directory"));
  EXPECT_EQ(Call("add", {{"a", 1}, {"b", 2}}), "3");
  std::filesystem::create_directory(directory_);
  WriteEcho("one");
  ASSERT_TRUE(EventuallyThere("one"));
  EXPECT_EQ(ProblemOf(directory_), "");
  std::filesystem::rename(directory_, directory_ + "-old");
  ASSERT_TRUE(EventuallyGone("one"));
  std::filesystem::create_directory(directory_);
  WriteEcho("two");
  ASSERT_TRUE(EventuallyThere("two"));
  WriteEcho("three");
  ASSERT_TRUE(EventuallyThere("three"));
  std::filesystem::remove_all(directory_);
  ASSERT_TRUE(EventuallyGone("two"));
}

TEST_F(FunctionHostTest, AHundredManifestsAtOnceAreFewChanges) {
  StartHost();
  for (int i = 0; i < 100; ++i) WriteEcho(absl::StrCat("f", i));
  ASSERT_TRUE(Eventually([&] { return host_->registry()->functions().size() == kBuiltIns + 100; }));
  EXPECT_LT(Changes(), 50u);
  EXPECT_EQ(Call("f99", {{"x", 1}}), R"({"x":1})");
}

TEST_F(FunctionHostTest, FilesThatAreNobodysDoNotMatter) {
  WriteEcho("f");
  StartHost();
  WriteManifest("notes.txt", "x");
  WriteEcho("last");
  ASSERT_TRUE(EventuallyThere("last"));
  EXPECT_LE(Changes(), 3u);
}

TEST_F(FunctionHostTest, ThatTheLauncherIsGoneIsFatal) {
  WriteScript(directory_ + "/f", "#!/bin/sh\nkill -9 $PPID\nsleep 1000\n");
  WriteManifest("f.json", R"({"command": ["./f"]})");
  StartHost();
  fatal_reason_ = "LAUNCHER_GONE";
  const RunId run = runs_.Start(*Find("f"), {});
  EXPECT_TRUE(Eventually([&] { return absl::IsInternal(FatalError()); }));
  host_->Stop();
  EXPECT_FALSE(runs_.HasEnded(run));
}

TEST_F(FunctionHostTest, AfterStopRunsEndAtOnceAndFunctionsMayLiveOn) {
  WriteEcho("f");
  WriteScript(directory_ + "/w", ShellWorker("1"));
  WriteManifest("w.json", R"({"command": ["./w"], "mode": "worker"})");
  StartHost();
  EXPECT_EQ(Call("w"), "1");
  const RunId asleep = runs_.Start(*Find("sleep"), {{"ms", 1'000'000}});
  host_->Stop();
  EXPECT_EQ(ReasonOf(runs_.Wait(asleep)), kKilled);
  for (const char* name : {"f", "w", "echo"}) EXPECT_THAT(Call(name), HasSubstr(kKilled)) << name;
  const std::shared_ptr<const Registry> registry = host_->registry();
  host_.reset();
  EXPECT_EQ(ReasonOf(runs_.Call(*registry->Find("f"), {})), kKilled);
}

}  // namespace
}  // namespace lamppost::rpc
