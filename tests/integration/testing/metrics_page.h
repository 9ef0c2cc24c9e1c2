// docs/metrics.md against what a server serves.
#ifndef LAMPPOST_TESTS_INTEGRATION_TESTING_METRICS_PAGE_H_
#define LAMPPOST_TESTS_INTEGRATION_TESTING_METRICS_PAGE_H_

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/process.h"
#include "tests/integration/testing/scrape.h"

namespace lamppost::testing {

struct ListedMetric {
  std::string type;
  std::set<std::string> labels;
};

// The tables below "## Both servers" and below the program's own heading.
inline std::map<std::string, ListedMetric> ListedFor(const std::string& program) {
  std::map<std::string, ListedMetric> listed;
  bool is_for_it = false;
  for (const absl::string_view line : absl::StrSplit(ReadFile("docs/metrics.md"), '\n')) {
    if (absl::StartsWith(line, "## ")) is_for_it = line == "## Both servers" || line == "## " + program;
    if (!is_for_it || !absl::StartsWith(line, "| `")) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, " | ");
    const std::vector<std::string> labels = absl::StrSplit(cells[2], ", ", absl::SkipEmpty());
    std::string name = cells[0].substr(3);
    name.pop_back();
    listed[name] = {cells[1], {labels.begin(), labels.end()}};
  }
  return listed;
}

// Every family is on the page, with its type and the labels of its series, and has a help text; and none is
// on the page only.
inline void ExpectAsListed(const Metrics& metrics, const std::string& program) {
  const std::map<std::string, ListedMetric> listed = ListedFor(program);
  EXPECT_GT(listed.size(), 20u) << "docs/metrics.md has no list for " << program;
  for (const auto& [name, type] : metrics.types) {
    const auto on_page = listed.find(name);
    if (on_page == listed.end()) {
      ADD_FAILURE() << program << " serves " << name << ", which is not in docs/metrics.md";
      continue;
    }
    EXPECT_EQ(type, on_page->second.type) << name;
    EXPECT_TRUE(metrics.helps.count(name)) << name;
    const auto labels = metrics.labels.find(name);
    if (labels != metrics.labels.end()) {
      EXPECT_EQ(labels->second, on_page->second.labels) << name;
    }
  }
  for (const auto& [name, metric] : listed) {
    EXPECT_TRUE(metrics.types.count(name)) << program << " does not serve " << name;
  }
}

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_TESTING_METRICS_PAGE_H_
