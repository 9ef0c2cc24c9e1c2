#include "clients/cli/scenario_arguments.h"

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

class ScenarioArgumentsTest : public testing::Test {
 protected:
  void SetUp() override {
    unsetenv("LAMPPOST_NODE");
    unsetenv("LAMPPOST_SERVER");
  }

  static ParsedArguments Parse(std::vector<std::string> words) {
    words.insert(words.begin(), {"lamppost", "scenario"});
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    return ParseArguments(static_cast<int>(argv.size()), argv.data());
  }
};

TEST_F(ScenarioArgumentsTest, OneOrAll) {
  for (const char* name : {"A", "B", "C", "all"}) {
    const ParsedArguments parsed = Parse({name});
    ASSERT_TRUE(parsed.arguments.has_value()) << parsed.error;
    EXPECT_EQ(parsed.arguments->verb, Verb::kScenario);
    EXPECT_EQ(parsed.arguments->scenario.name, name);
    EXPECT_EQ(parsed.arguments->scenario.draw_directory, "");
    EXPECT_EQ(parsed.arguments->timeout_ms, std::nullopt) << "it is over when it is over";
  }
  EXPECT_EQ(Parse({"all", "--draw", "out"}).arguments->scenario.draw_directory, "out");
}

TEST_F(ScenarioArgumentsTest, WrongUseIsExitTwo) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {""},
                                             {"D"},
                                             {"a"},
                                             {"A", "B"},
                                             {"--draw", "out"},
                                             {"A", "--draw"},
                                             {"A", "--server", "h:1"}}) {
    const ParsedArguments parsed = Parse(words);
    EXPECT_FALSE(parsed.arguments.has_value()) << testing::PrintToString(words);
    EXPECT_EQ(parsed.exit_code, kExitUsage);
    EXPECT_EQ(parsed.output, "");
    EXPECT_NE(parsed.error, "");
  }
}

TEST_F(ScenarioArgumentsTest, Help) {
  EXPECT_THAT(Parse({"--help"}).output, AllOf(HasSubstr("--enable-faults"), HasSubstr("A|B|C|all")));
}

}  // namespace
}  // namespace lamppost::cli
