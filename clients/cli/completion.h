// Completion of a command line by the shell: scripts for bash, zsh and fish, made from what the program
// parses, so that they know each command and option there is.
#ifndef LAMPPOST_CLIENTS_CLI_COMPLETION_H_
#define LAMPPOST_CLIENTS_CLI_COMPLETION_H_

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace lamppost::cli {

enum class Shell { kBash, kZsh, kFish };

// A command and what may follow it. "" is the program itself, "fault delay" what is behind two words.
struct CompletionCommand {
  struct Option {
    std::vector<std::string> names;  // "-o", "--output"
    std::string description;
    bool takes_value = false;
    std::vector<std::string> choices;  // of the value; empty: any
  };
  struct Subcommand {
    std::string name;
    std::string description;
  };
  std::string path;
  std::vector<Subcommand> subcommands;  // and words that an argument must be one of
  std::vector<Option> options;          // of its own; those of the program hold for every command
};

// The program first, then each of its commands and theirs.
std::vector<CompletionCommand> DescribeCommands(const CLI::App& app);

// To be read by that shell. program: a word, as it is typed.
std::string CompletionScript(Shell shell, const std::string& program,
                             const std::vector<CompletionCommand>& commands);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_COMPLETION_H_
