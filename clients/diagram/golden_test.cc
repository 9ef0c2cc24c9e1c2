// Draws the traces in testdata/ and compares the drawings with those that stand there.
//
// LAMPPOST_REWRITE=1 with the path of the files rewrites them (look at them before you keep them):
//   LAMPPOST_REWRITE=1 bazel-bin/clients/diagram/golden_test clients/diagram/testdata
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "clients/diagram/jsonl.h"
#include "clients/diagram/shiviz.h"
#include "clients/diagram/svg.h"
#include "gtest/gtest.h"

namespace lamppost::diagram {
namespace {

constexpr char kDirectory[] = "clients/diagram/testdata";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Golden {
  std::string path;  // without the ending
  std::string svg;
  std::string shiviz;
  std::vector<std::string> complaints;
};

Golden Draw(const std::string& directory, const std::string& name) {
  Golden golden;
  golden.path = directory + "/" + name;
  absl::StatusOr<std::vector<Event>> events = ParseJsonl(ReadFile(golden.path + ".jsonl"));
  const absl::StatusOr<History> history = events.ok() ? Build(*std::move(events)) : events.status();
  if (!history.ok()) {
    golden.complaints.emplace_back(history.status().message());
    return golden;
  }
  DrawOptions options;
  options.title = name;
  golden.svg = RenderSvg(*history, options);
  golden.shiviz = ToShiviz(*history, Quiet::kHidden);
  golden.complaints = CheckVectors(*history);
  golden.complaints.insert(golden.complaints.end(), history->violations.begin(), history->violations.end());
  return golden;
}

// race: three nodes, two writes that did not know of each other; a message delayed, one lost, one doubled,
// and a node that crashes and starts again. strange: names and values that no drawing likes, nodes outside,
// gaps.
class GoldenTest : public ::testing::TestWithParam<const char*> {};

TEST_P(GoldenTest, IsDrawnAsBefore) {
  const Golden golden = Draw(kDirectory, GetParam());
  EXPECT_EQ(golden.complaints, std::vector<std::string>());
  EXPECT_EQ(golden.svg, ReadFile(golden.path + ".svg"));
  EXPECT_EQ(golden.shiviz, ReadFile(golden.path + ".shiviz"));
}

INSTANTIATE_TEST_SUITE_P(Traces, GoldenTest, ::testing::Values("race", "strange"));

}  // namespace

void Rewrite(const std::string& directory) {
  for (const char* name : {"race", "strange"}) {
    const Golden golden = Draw(directory, name);
    std::ofstream(golden.path + ".svg", std::ios::binary) << golden.svg;
    std::ofstream(golden.path + ".shiviz", std::ios::binary) << golden.shiviz;
    std::cout << "rewritten: " << golden.path << std::endl;
  }
}

}  // namespace lamppost::diagram

int main(int argc, char** argv) {
  if (std::getenv("LAMPPOST_REWRITE") != nullptr && argc > 1) {
    lamppost::diagram::Rewrite(argv[1]);
    return 0;
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
