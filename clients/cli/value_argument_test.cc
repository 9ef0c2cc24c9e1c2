#include "clients/cli/value_argument.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace lamppost::cli {
namespace {

TEST(ValueArgumentTest, LiteralStdinFileAndEscape) {
  const std::string path = testing::TempDir() + "/value";
  std::ofstream(path) << "from a file\n";
  std::istringstream in("from stdin\n");
  EXPECT_EQ(ReadValueArgument("10", ValueKind::kText, &in)->text(), "10");
  EXPECT_EQ(ReadValueArgument("", ValueKind::kText, &in)->text(), "");
  EXPECT_TRUE(ReadValueArgument("", ValueKind::kText, &in)->has_text());
  EXPECT_EQ(ReadValueArgument("-", ValueKind::kText, &in)->text(), "from stdin\n");
  EXPECT_EQ(ReadValueArgument("@" + path, ValueKind::kText, &in)->text(), "from a file\n");
  EXPECT_EQ(ReadValueArgument("@@x", ValueKind::kText, &in)->text(), "@x");
  EXPECT_EQ(ReadValueArgument("10", ValueKind::kData, &in)->data(), "10");
}

TEST(ValueArgumentTest, BytesThatAreNoTextNeedBytes) {
  std::istringstream in;
  const auto refused = ReadValueArgument("\xff", ValueKind::kText, &in);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(refused.status().message().find("--bytes"), absl::string_view::npos);
  EXPECT_EQ(ReadValueArgument("\xff", ValueKind::kData, &in)->data(), "\xff");
}

TEST(ValueArgumentTest, WhatCannotBeRead) {
  std::istringstream in(std::string(kInputBytesMax + 1, 'x'));
  EXPECT_FALSE(ReadValueArgument("-", ValueKind::kText, &in).ok());
  EXPECT_FALSE(ReadValueArgument("@/nonexistent", ValueKind::kText, &in).ok());
  EXPECT_FALSE(ReadValueArgument("@" + testing::TempDir(), ValueKind::kText, &in).ok());
}

}  // namespace
}  // namespace lamppost::cli
