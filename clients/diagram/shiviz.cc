#include "clients/diagram/shiviz.h"

#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/diagram/describe.h"
#include "nlohmann/json.hpp"

namespace lamppost::diagram {
namespace {

constexpr char kPattern[] = R"((?<host>\S*) (?<clock>{.*})\n(?<event>.*))";

std::vector<std::string> HostNames(const History& history) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const Lane& lane : history.lanes) {
    std::string base = lane.node;
    for (char& c : base) {
      if (c <= ' ' || c > '~') c = '_';
    }
    std::string name = base;
    for (int number = 2; !taken.insert(name).second; ++number) name = absl::StrCat(base, "_", number);
    names.push_back(name);
  }
  return names;
}

}  // namespace

std::string ToShiviz(const History& history, Quiet quiet) {
  const std::vector<std::string> hosts = HostNames(history);
  // Per lane, how many of its first points are told.
  std::vector<std::vector<uint32_t>> told(history.lanes.size(), {0});
  std::string text = absl::StrCat(kPattern, "\n\n");
  for (const Point& point : history.points) {
    std::vector<uint32_t>& own = told[point.lane];
    const bool is_told = quiet == Quiet::kShown || !IsQuiet(point);
    own.push_back(own.back() + (is_told ? 1 : 0));
    if (!is_told) continue;
    nlohmann::json clock = nlohmann::json::object();
    for (size_t lane = 0; lane < hosts.size(); ++lane) {
      const uint32_t count = told[lane][point.seen[lane]];
      if (count > 0) clock[hosts[lane]] = count;
    }
    absl::StrAppend(&text, hosts[point.lane], " ", clock.dump(), "\n", Describe(point), "\n");
  }
  return text;
}

}  // namespace lamppost::diagram
