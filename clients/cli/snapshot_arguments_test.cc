#include "clients/cli/snapshot_arguments.h"

#include <string>
#include <vector>

#include "clients/cli/arguments.h"
#include "clients/cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamppost::cli {
namespace {

using ::testing::HasSubstr;

ParsedArguments Parse(std::vector<const char*> words) {
  words.insert(words.begin(), "lamppost");
  return ParseArguments(static_cast<int>(words.size()), words.data());
}

TEST(SnapshotArguments, Save) {
  const ParsedArguments parsed = Parse({"--node", "h:1,h:2", "snapshot", "save", "FILE"});
  ASSERT_TRUE(parsed.arguments) << parsed.error;
  EXPECT_EQ(parsed.arguments->verb, Verb::kSnapshot);
  EXPECT_EQ(parsed.arguments->snapshot.action, SnapshotAction::kSave);
  EXPECT_EQ(parsed.arguments->snapshot.file, "FILE");
  EXPECT_EQ(parsed.arguments->nodes.size(), 2u);
  EXPECT_FALSE(parsed.arguments->timeout_ms);  // a large store takes its time
}

TEST(SnapshotArguments, OnlyTheSaveHasASession) {
  const ParsedArguments parsed = Parse({"snapshot", "save", "FILE", "--session", "s"});
  ASSERT_TRUE(parsed.arguments) << parsed.error;
  EXPECT_EQ(parsed.arguments->session_file, "s");
  EXPECT_EQ(Parse({"snapshot", "verify", "FILE", "--session", "s"}).exit_code, kExitUsage);
}

TEST(SnapshotArguments, Verify) {
  const ParsedArguments parsed = Parse({"snapshot", "verify", "FILE", "-o", "json"});
  ASSERT_TRUE(parsed.arguments) << parsed.error;
  EXPECT_EQ(parsed.arguments->snapshot.action, SnapshotAction::kVerify);
  EXPECT_EQ(parsed.arguments->format, OutputFormat::kJson);
}

TEST(SnapshotArguments, Restore) {
  const ParsedArguments parsed =
      Parse({"snapshot", "restore", "FILE", "--data-dir", "DIR", "--id", "A", "--cluster", "c"});
  ASSERT_TRUE(parsed.arguments) << parsed.error;
  const SnapshotArguments& snapshot = parsed.arguments->snapshot;
  EXPECT_EQ(snapshot.action, SnapshotAction::kRestore);
  EXPECT_EQ(snapshot.file, "FILE");
  EXPECT_EQ(snapshot.data_directory, "DIR");
  EXPECT_EQ(snapshot.node_id, "A");
  EXPECT_EQ(snapshot.cluster, "c");
}

TEST(SnapshotArguments, WhatIsMissingIsUsage) {
  for (const std::vector<const char*>& words :
       std::vector<std::vector<const char*>>{{"snapshot"},
                                             {"snapshot", "save"},
                                             {"snapshot", "verify"},
                                             {"snapshot", "restore", "FILE", "--id", "A"},
                                             {"snapshot", "restore", "FILE", "--data-dir", "DIR"},
                                             {"snapshot", "remove", "FILE"}}) {
    const ParsedArguments parsed = Parse(words);
    EXPECT_FALSE(parsed.arguments);
    EXPECT_EQ(parsed.exit_code, kExitUsage);
  }
}

TEST(SnapshotArguments, Help) {
  EXPECT_THAT(Parse({"help", "snapshot", "restore"}).output, HasSubstr("takes a new life"));
}

}  // namespace
}  // namespace lamppost::cli
