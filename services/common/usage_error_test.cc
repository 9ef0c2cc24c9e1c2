#include "services/common/usage_error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace lamppost {
namespace {

std::string ErrorOf(std::vector<std::string> words) {
  CLI::App app;
  app.require_subcommand(1);
  std::string node;
  app.add_option("--node", node);
  app.fallthrough();
  CLI::App* put = app.add_subcommand("put");
  std::string key;
  std::string value;
  put->add_option("KEY", key)->required();
  put->add_option("VALUE", value)->required();
  put->add_option("--replicas", value);
  CLI::App* member = app.add_subcommand("member");
  member->require_subcommand(1);
  member->add_subcommand("remove");
  try {
    std::reverse(words.begin(), words.end());
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return DescribeUsageError(app, error);
  }
  return "";
}

TEST(UsageErrorTest, AMisspeltCommand) {
  EXPECT_EQ(ErrorOf({"putt", "x", "1"}), "there is no command putt (did you mean put?)");
  EXPECT_EQ(ErrorOf({"frobnicate"}), "there is no command frobnicate");
  EXPECT_EQ(ErrorOf({"member", "remov"}), "there is no command remov (did you mean remove?)");
}

TEST(UsageErrorTest, AMisspeltOption) {
  EXPECT_EQ(ErrorOf({"put", "--replica=2", "x", "1"}),
            "there is no option --replica (did you mean --replicas?)");
  EXPECT_EQ(ErrorOf({"put", "--nod", "h:1", "x", "1"}), "there is no option --nod (did you mean --node?)");
  EXPECT_EQ(ErrorOf({"--xyzzy", "put", "x", "1"}), "there is no option --xyzzy");
}

TEST(UsageErrorTest, AValueThatLooksLikeAnOption) {
  EXPECT_EQ(ErrorOf({"put", "x", "-abc"}),
            "there is no option -abc; what begins with a - and is none goes behind --");
  EXPECT_EQ(ErrorOf({"put", "x", "--", "-abc"}), "");
}

TEST(UsageErrorTest, WhatIsMissingIsSaidByTheParser) {
  EXPECT_EQ(ErrorOf({}), "A subcommand is required");
  EXPECT_EQ(ErrorOf({"put", "x"}), "VALUE is required");
}

}  // namespace
}  // namespace lamppost
