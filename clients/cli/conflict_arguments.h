// The conflicts commands, understood and checked.
#ifndef LAMPPOST_CLIENTS_CLI_CONFLICT_ARGUMENTS_H_
#define LAMPPOST_CLIENTS_CLI_CONFLICT_ARGUMENTS_H_

#include <CLI/CLI.hpp>
#include <string>

namespace lamppost::cli {

enum class ConflictAction { kList, kWatch, kResolve };
// Which entries of the ledger are listed.
enum class ConflictFilter { kAll, kOpen };

struct ConflictArguments {
  ConflictAction action = ConflictAction::kList;
  std::string key;  // kList, kWatch: empty for all
  ConflictFilter filter = ConflictFilter::kAll;
  std::string keep;   // kResolve: "loser", "winner" or a value as of put
  std::string loser;  // kResolve: a version as `conflicts` shows it; empty: all
};

// Adds the commands; `arguments` must outlive the app. The one that writes is returned: it takes further
// options.
CLI::App* AddConflictVerbs(CLI::App* app, ConflictArguments* arguments);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_CONFLICT_ARGUMENTS_H_
