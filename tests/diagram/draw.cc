// Draws a stored trace, for the tests of the drawings.
//
// usage: draw svg|html|shiviz|check [--quiet shown] [--key KEY | --prefix KEY] [--max EVENTS] [--title TITLE]
//             [--subtitle TEXT] < TRACE.jsonl
// check prints what is wrong with the counters and vectors, and exits with 1 if there is anything.
#include <iostream>
#include <iterator>
#include <string>

#include "absl/strings/numbers.h"
#include "clients/diagram/history.h"
#include "clients/diagram/html.h"
#include "clients/diagram/jsonl.h"
#include "clients/diagram/shiviz.h"
#include "clients/diagram/svg.h"

namespace lamppost::diagram {
namespace {

bool Apply(const std::string& flag, const std::string& value, DrawOptions& options) {
  if (flag == "--quiet") {
    options.quiet = value == "shown" ? Quiet::kShown : Quiet::kHidden;
  } else if (flag == "--key") {
    options.keys = {KeyFilter::Match::kExact, value};
  } else if (flag == "--prefix") {
    options.keys = {KeyFilter::Match::kPrefix, value};
  } else if (flag == "--title") {
    options.title = value;
  } else if (flag == "--subtitle") {
    options.subtitle = value;
  } else {
    return flag == "--max" && absl::SimpleAtoi(value, &options.events_max);
  }
  return true;
}

int Check(const History& history) {
  for (const std::string& line : history.violations) std::cout << line << "\n";
  const std::vector<std::string> differences = CheckVectors(history);
  for (const std::string& line : differences) std::cout << line << "\n";
  return history.violations.empty() && differences.empty() ? 0 : 1;
}

int Run(int argc, char** argv) {
  DrawOptions options;
  for (int i = 2; i + 1 < argc; i += 2) {
    if (!Apply(argv[i], argv[i + 1], options)) {
      std::cerr << "unknown: " << argv[i] << " " << argv[i + 1] << "\n";
      return 2;
    }
  }
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  absl::StatusOr<std::vector<Event>> events = ParseJsonl(text);
  const absl::StatusOr<History> history = events.ok() ? Build(*std::move(events)) : events.status();
  if (!history.ok()) {
    std::cerr << history.status().message() << "\n";
    return 2;
  }
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "check") return Check(*history);
  if (what == "svg") std::cout << RenderSvg(*history, options);
  if (what == "html") std::cout << RenderHtml(*history, options);
  if (what == "shiviz") std::cout << ToShiviz(*history, options.quiet);
  return 0;
}

}  // namespace
}  // namespace lamppost::diagram

int main(int argc, char** argv) {
  return lamppost::diagram::Run(argc, argv);
}
