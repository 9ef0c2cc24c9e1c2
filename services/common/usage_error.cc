#include "services/common/usage_error.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace lamppost {
namespace {

// How many letters have to be put in, taken out or exchanged (Levenshtein's distance).
size_t Distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t exchanged = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({exchanged, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

// " (did you mean X?)", or nothing if none is near.
std::string Guess(const std::string& word, const std::vector<std::string>& names) {
  const auto nearest = std::min_element(names.begin(), names.end(), [&](const auto& a, const auto& b) {
    return Distance(word, a) < Distance(word, b);
  });
  const bool is_near = nearest != names.end() && Distance(word, *nearest) <= 2 && word.size() > 2;
  return is_near ? absl::StrCat(" (did you mean ", *nearest, "?)") : "";
}

// The command that was being parsed, and those above it.
std::vector<const CLI::App*> Parsed(const CLI::App& app) {
  std::vector<const CLI::App*> parsed = {&app};
  while (!parsed.back()->get_subcommands().empty()) parsed.push_back(parsed.back()->get_subcommands().back());
  return parsed;
}

std::vector<std::string> OptionsOf(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands) {
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

std::vector<std::string> CommandsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

}  // namespace

std::string DescribeUsageError(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<const CLI::App*> parsed = Parsed(app);
  const std::vector<std::string> commands = CommandsOf(*parsed.back());
  for (const std::string& word : app.remaining(true)) {
    if (absl::StartsWith(word, "--") && word.size() > 2) {
      const std::string name = word.substr(0, word.find('='));
      return absl::StrCat("there is no option ", name, Guess(name, OptionsOf(parsed)));
    }
    if (absl::StartsWith(word, "-") && word.size() > 1) {
      return absl::StrCat("there is no option ", word, "; what begins with a - and is none goes behind --");
    }
    if (!commands.empty()) return absl::StrCat("there is no command ", word, Guess(word, commands));
  }
  return error.what();
}

}  // namespace lamppost
