#include "clients/cli/trace_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "clients/cli/arguments.h"
#include "clients/cli/exit_code.h"

namespace lamppost::cli {
namespace {

using diagram::KeyFilter;
using diagram::Quiet;
using testing::HasSubstr;

class TraceArgumentsTest : public testing::Test {
 protected:
  void SetUp() override {
    unsetenv("LAMPPOST_NODE");
    unsetenv("LAMPPOST_SERVER");
  }

  static ParsedArguments Parse(std::vector<std::string> words) {
    words.insert(words.begin(), {"lamppost", "trace"});
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    return ParseArguments(static_cast<int>(argv.size()), argv.data());
  }
  static Arguments Good(const std::vector<std::string>& words) {
    const ParsedArguments parsed = Parse(words);
    EXPECT_TRUE(parsed.arguments.has_value()) << parsed.error;
    if (!parsed.arguments) return {};
    EXPECT_EQ(parsed.arguments->verb, Verb::kTrace);
    return *parsed.arguments;
  }
  static std::string Bad(const std::vector<std::string>& words) {
    const ParsedArguments parsed = Parse(words);
    EXPECT_FALSE(parsed.arguments.has_value()) << testing::PrintToString(words);
    EXPECT_EQ(parsed.exit_code, kExitUsage);
    EXPECT_EQ(parsed.output, "");
    return parsed.error;
  }
};

TEST_F(TraceArgumentsTest, OneOutputIsEnough) {
  const Arguments arguments = Good({"-o", "a.svg"});
  const TraceArguments& trace = arguments.trace;
  ASSERT_EQ(trace.outputs.size(), 1u);
  EXPECT_EQ(trace.outputs[0].form, TraceForm::kSvg);
  EXPECT_EQ(trace.outputs[0].path, "a.svg");
  EXPECT_EQ(trace.for_ms, std::nullopt) << "until it is interrupted";
  EXPECT_EQ(trace.from_file, "");
  EXPECT_EQ(trace.draw.quiet, Quiet::kHidden);
  EXPECT_EQ(trace.draw.keys.match, KeyFilter::Match::kAll);
  EXPECT_EQ(arguments.timeout_ms, std::nullopt);
}

TEST_F(TraceArgumentsTest, SeveralOutputsInTheirOrder) {
  const TraceArguments trace = Good({"-o", "a.jsonl", "--output", "b.html", "-o", "shiviz"}).trace;
  ASSERT_EQ(trace.outputs.size(), 3u);
  EXPECT_EQ(trace.outputs[0].form, TraceForm::kJsonl);
  EXPECT_EQ(trace.outputs[1].path, "b.html");
  EXPECT_EQ(trace.outputs[2].form, TraceForm::kShiviz);
  EXPECT_EQ(trace.outputs[2].path, "") << "standard output";
}

TEST_F(TraceArgumentsTest, WhatIsDrawn) {
  EXPECT_EQ(Good({"-o", "svg", "--for", "1m30s"}).trace.for_ms, 90'000);
  EXPECT_EQ(Good({"-o", "svg", "--title", "Two writers"}).trace.draw.title, "Two writers");
  EXPECT_EQ(Good({"-o", "svg", "--all"}).trace.draw.quiet, Quiet::kShown);
  EXPECT_EQ(Good({"-o", "svg", "--from", "-"}).trace.from_file, "-");
  const KeyFilter key = Good({"-o", "svg", "--key", "x"}).trace.draw.keys;
  EXPECT_EQ(key.match, KeyFilter::Match::kExact);
  EXPECT_EQ(key.key, "x");
  const KeyFilter prefix = Good({"-o", "svg", "--prefix", "users/"}).trace.draw.keys;
  EXPECT_EQ(prefix.match, KeyFilter::Match::kPrefix);
  EXPECT_EQ(prefix.key, "users/");
}

TEST_F(TraceArgumentsTest, WrongUseIsExitTwo) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"-o"},
                                             {"-o", "a.svg", "b.svg"},
                                             {"-o", "a.svg", "--from", "t.jsonl", "--for", "2s"},
                                             {"-o", "a.svg", "--key", "x", "--prefix", "x"},
                                             {"-o", "a.svg", "--server", "h:1"}}) {
    Bad(words);
  }
  EXPECT_THAT(Bad({"-o", "a.png"}), AllOf(HasSubstr("-o: "), HasSubstr("FILE.svg")));
  EXPECT_THAT(Bad({"-o", "a.svg", "-o", "a.txt"}), HasSubstr("'a.txt'"));
  for (const char* duration : {"0s", "-1s", "5", "soon", "inf", "169h"}) {
    EXPECT_THAT(Bad({"-o", "a.svg", "--for", duration}), HasSubstr("--for")) << duration;
  }
}

TEST_F(TraceArgumentsTest, Help) {
  EXPECT_THAT(Parse({"--help"}).output, AllOf(HasSubstr("FILE.shiviz"), HasSubstr("--from")));
}

}  // namespace
}  // namespace lamppost::cli
