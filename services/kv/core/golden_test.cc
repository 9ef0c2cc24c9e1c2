// Plays the scripts in testdata/ and compares what they give with what stands in them.
//
// LAMPPOST_REWRITE=1 with the path of the files rewrites them (look at the difference before you keep it):
//   LAMPPOST_REWRITE=1 bazel-bin/services/kv/core/golden_test services/kv/core/testdata
#include <dirent.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/kv/core/testing/script.h"

namespace lamppost::kv::testing {
namespace {

std::vector<std::string> ScriptsIn(const std::string& directory) {
  std::vector<std::string> paths;
  DIR* opened = opendir(directory.c_str());
  if (opened == nullptr) return paths;
  while (const dirent* entry = readdir(opened)) {
    const std::string name = entry->d_name;
    if (absl::EndsWith(name, ".txt")) paths.push_back(absl::StrCat(directory, "/", name));
  }
  closedir(opened);
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class GoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, GivesWhatStandsInTheScript) {
  const std::string text = ReadFile(GetParam());
  ASSERT_FALSE(text.empty());
  EXPECT_EQ(Script::Play(text), text) << GetParam();
}

std::string NameOf(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param.substr(info.param.rfind('/') + 1);
  name.resize(name.size() - 4);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Scripts, GoldenTest, ::testing::ValuesIn(ScriptsIn("services/kv/core/testdata")),
                         NameOf);

TEST(GoldenTest, ThereAreScripts) {
  EXPECT_GE(ScriptsIn("services/kv/core/testdata").size(), 14u);
}

}  // namespace

void Rewrite(const std::string& directory) {
  for (const std::string& path : ScriptsIn(directory)) {
    const std::string text = ReadFile(path);
    const std::string result = Script::Play(text);
    if (result == text) continue;
    std::ofstream(path) << result;
    std::cout << "rewritten: " << path << std::endl;
  }
}

}  // namespace lamppost::kv::testing

int main(int argc, char** argv) {
  if (std::getenv("LAMPPOST_REWRITE") != nullptr && argc > 1) {
    lamppost::kv::testing::Rewrite(argv[1]);
    return 0;
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
