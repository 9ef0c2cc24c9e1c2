#include "clients/diagram/testing/shiviz_log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "nlohmann/json.hpp"

namespace lamppost::diagram::testing {
namespace {

absl::Status Wrong(size_t line, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", why));
}

absl::StatusOr<ShivizEvent> ParseEvent(const std::string& first, const std::string& second, size_t line) {
  ShivizEvent event;
  const size_t space = first.find(' ');
  if (space == std::string::npos || space == 0) return Wrong(line, "no host");
  event.host = first.substr(0, space);
  if (event.host.find_first_of("\t\r\v\f") != std::string::npos)
    return Wrong(line, "white space in a host's name");
  const std::string clock = first.substr(space + 1);
  if (clock.size() < 2 || clock.front() != '{' || clock.back() != '}') return Wrong(line, "no clock");
  const nlohmann::json json = nlohmann::json::parse(clock, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Wrong(line, "the clock is no JSON object");
  for (const auto& [host, count] : json.items()) {
    if (!count.is_number_unsigned() || count.get<uint64_t>() == 0) return Wrong(line, "an entry is no count");
    event.clock[host] = count.get<uint64_t>();
  }
  if (event.clock.count(event.host) == 0) return Wrong(line, "the host's own entry is missing");
  event.text = second;
  if (event.text.empty()) return Wrong(line + 1, "no event");
  return event;
}

using ByHost = std::map<std::string, std::vector<ShivizEvent>>;

absl::Status CheckClock(const ShivizEvent& event, const ByHost& by_host, size_t line) {
  for (const auto& [host, count] : event.clock) {
    const auto own = by_host.find(host);
    if (own == by_host.end())
      return Wrong(line, absl::StrCat("the clock names ", host, ", which is no host"));
    if (count > own->second.size()) return Wrong(line, absl::StrCat("host ", host, " has no event ", count));
    const ShivizEvent& other = own->second[count - 1];
    if (host != event.host && IsAtMost(event, other)) return Wrong(line, "two events come before each other");
    if (!IsAtMost(other, event)) {
      return Wrong(line, absl::StrCat("event ", count, " of ", host, " knows more than what comes after it"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<ShivizEvent>> ParseShiviz(const std::string& log) {
  std::vector<std::string> lines = absl::StrSplit(log, '\n');
  if (lines.size() < 3 || !lines.back().empty()) return Wrong(lines.size(), "the last line has no end");
  lines.pop_back();
  if (lines[0] != R"((?<host>\S*) (?<clock>{.*})\n(?<event>.*))") return Wrong(1, "another pattern");
  if (!lines[1].empty()) return Wrong(2, "a delimiter, where one execution is told");
  if (lines.size() % 2 != 0) return Wrong(lines.size(), "half an event");
  std::vector<ShivizEvent> events;
  ByHost by_host;
  for (size_t i = 2; i < lines.size(); i += 2) {
    absl::StatusOr<ShivizEvent> event = ParseEvent(lines[i], lines[i + 1], i + 1);
    if (!event.ok()) return event.status();
    by_host[event->host].push_back(*event);
    events.push_back(*std::move(event));
  }
  for (auto& [host, own] : by_host) {
    const std::string name = host;
    std::sort(own.begin(), own.end(), [&](const ShivizEvent& a, const ShivizEvent& b) {
      return a.clock.at(name) < b.clock.at(name);
    });
    for (size_t i = 0; i < own.size(); ++i) {
      if (own[i].clock.at(name) != i + 1)
        return Wrong(0, absl::StrCat("host ", name, " lacks event ", i + 1));
      if (i > 0 && !IsAtMost(own[i - 1], own[i])) return Wrong(0, absl::StrCat("host ", name, " forgets"));
    }
  }
  for (size_t i = 0; i < events.size(); ++i) {
    if (absl::Status status = CheckClock(events[i], by_host, 2 * i + 3); !status.ok()) return status;
  }
  return events;
}

bool IsAtMost(const ShivizEvent& a, const ShivizEvent& b) {
  return std::all_of(a.clock.begin(), a.clock.end(), [&b](const auto& entry) {
    const auto other = b.clock.find(entry.first);
    return other != b.clock.end() && other->second >= entry.second;
  });
}

}  // namespace lamppost::diagram::testing
