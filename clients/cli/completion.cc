#include "clients/cli/completion.h"

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace lamppost::cli {
namespace {

using Option = CompletionCommand::Option;
using Subcommand = CompletionCommand::Subcommand;

// "FORMAT:{table,json,raw}" is how CLI11 shows a value that must be one of some.
std::vector<std::string> ChoicesOf(const std::string& type_name) {
  const size_t begin = type_name.find('{');
  const size_t end = type_name.find('}');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return {};
  return absl::StrSplit(type_name.substr(begin + 1, end - begin - 1), ',', absl::SkipEmpty());
}

// The first sentence, in one line.
std::string Brief(const std::string& description) {
  return absl::StrReplaceAll(description.substr(0, description.find("; ")), {{"\n", " "}});
}

std::vector<Option> OptionsOf(const CLI::App& app) {
  std::vector<Option> options;
  for (const CLI::Option* each : app.get_options()) {
    Option option;
    for (const std::string& name : each->get_snames()) option.names.push_back("-" + name);
    for (const std::string& name : each->get_lnames()) option.names.push_back("--" + name);
    if (option.names.empty()) continue;  // positional
    option.description = Brief(each->get_description());
    option.takes_value = each->get_items_expected_max() != 0;
    option.choices = ChoicesOf(each->get_type_name());
    options.push_back(std::move(option));
  }
  return options;
}

void Describe(const CLI::App& app, const std::string& path, std::vector<CompletionCommand>* commands) {
  const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
  CompletionCommand command;
  command.path = path;
  command.options = OptionsOf(app);
  for (const CLI::App* each : subcommands)
    command.subcommands.push_back({each->get_name(), Brief(each->get_description())});
  for (const CLI::Option* each : app.get_options()) {
    if (!each->get_positional()) continue;
    for (std::string& choice : ChoicesOf(each->get_type_name()))
      command.subcommands.push_back({std::move(choice), ""});
  }
  commands->push_back(std::move(command));
  for (const CLI::App* each : subcommands)
    Describe(*each, path.empty() ? each->get_name() : absl::StrCat(path, " ", each->get_name()), commands);
}

// In single quotes, whatever it holds.
std::string Quoted(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

// A fish string in single quotes escapes with a backslash.
std::string FishQuoted(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

std::string FunctionName(const std::string& program) {
  return absl::StrCat("_", absl::StrReplaceAll(program, {{"-", "_"}}));
}

std::vector<std::string> NamesOf(const CompletionCommand& command) {
  std::vector<std::string> names;
  for (const Option& option : command.options)
    names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

// The patterns "PATH OPTION" of a shell's case; those of the program match behind every command.
std::string Patterns(const CompletionCommand& command, const Option& option) {
  return absl::StrJoin(option.names, "|", [&command](std::string* out, const std::string& name) {
    absl::StrAppend(out, command.path.empty() ? absl::StrCat("*", Quoted(" " + name))
                                              : Quoted(absl::StrCat(command.path, " ", name)));
  });
}

// Shell functions that both bash and zsh read: what a command has, and what an option wants. Commands' own
// options go before the program's of the same name.
std::string PosixTables(const std::string& function, const std::vector<CompletionCommand>& commands) {
  std::string subcommands, options, values;
  for (auto command = commands.rbegin(); command != commands.rend(); ++command) {
    for (const Option& option : command->options) {
      if (!option.takes_value) continue;
      absl::StrAppend(&values, "    ", Patterns(*command, option),
                      ") reply=", Quoted(option.choices.empty() ? "?" : absl::StrJoin(option.choices, " ")),
                      " ;;\n");
    }
  }
  for (const CompletionCommand& command : commands) {
    if (!command.subcommands.empty()) {
      absl::StrAppend(
          &subcommands, "    ", Quoted(command.path), ") reply=",
          Quoted(absl::StrJoin(command.subcommands, " ",
                               [](std::string* out, const Subcommand& each) { out->append(each.name); })),
          " ;;\n");
    }
    if (command.path.empty()) continue;
    absl::StrAppend(&options, "    ", Quoted(command.path),
                    ") reply=", Quoted(absl::StrJoin(NamesOf(command), " ")), " ;;\n");
  }
  const auto table = [&function](absl::string_view name, absl::string_view cases) {
    return absl::StrCat(function, "_", name, "() {\n  reply=''\n  case $1 in\n", cases, "  esac\n}\n");
  };
  return absl::StrCat(
      "# Each sets $reply. What a command of the given path has behind it:\n",
      table("subcommands", subcommands), "# its own options:\n", table("options", options),
      "# the values of an option, given as \"PATH OPTION\"; ? for any, nothing if it takes none:\n",
      table("values", values));
}

std::string BashScript(const std::string& program, const std::vector<CompletionCommand>& commands) {
  const std::string function = FunctionName(program);
  return absl::StrReplaceAll(
      absl::StrCat("# bash completion of @PROGRAM@\n", PosixTables(function, commands), R"(
@FUNCTION@() {
  local current=${COMP_WORDS[COMP_CWORD]} path='' reply='' option='' word i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if [ -n "$option" ]; then
      # Bash makes words of their own of = and :, which stand within --option=value and addresses.
      case $word in = | : | //*) continue ;; esac
      case ${COMP_WORDS[i + 1]} in : | //*) continue ;; esac
      option=''
      continue
    fi
    case $word in
      -*)
        @FUNCTION@_values "$path $word"
        [ -z "$reply" ] || option=$word
        ;;
      *)
        @FUNCTION@_subcommands "$path"
        case " $reply " in *" $word "*) path=${path:+$path }$word ;; esac
        ;;
    esac
  done
  [ "$current" != = ] || current=''
  if [ -n "$option" ]; then
    @FUNCTION@_values "$path $option"
    if [ "$reply" = '?' ]; then
      COMPREPLY=($(compgen -f -- "$current"))
    else
      COMPREPLY=($(compgen -W "$reply" -- "$current"))
    fi
    return
  fi
  case $current in
    -*)
      @FUNCTION@_options "$path"
      COMPREPLY=($(compgen -W "$reply @COMMON@" -- "$current"))
      ;;
    *)
      @FUNCTION@_subcommands "$path"
      if [ -n "$reply" ]; then
        COMPREPLY=($(compgen -W "$reply" -- "$current"))
      else
        COMPREPLY=($(compgen -f -- "$current"))
      fi
      ;;
  esac
}
complete -F @FUNCTION@ @PROGRAM@
)"),
      {{"@FUNCTION@", function},
       {"@PROGRAM@", program},
       {"@COMMON@", absl::StrJoin(NamesOf(commands[0]), " ")}});
}

// "name:description", as _describe takes it.
std::string ZshItem(const std::string& name, const std::string& description) {
  return Quoted(absl::StrCat(absl::StrReplaceAll(name, {{":", "\\:"}}), ":", description));
}

std::string ZshScript(const std::string& program, const std::vector<CompletionCommand>& commands) {
  std::string subcommands, options;
  for (const CompletionCommand& command : commands) {
    std::string items;
    for (const Subcommand& each : command.subcommands)
      absl::StrAppend(&items, " ", ZshItem(each.name, each.description));
    if (!items.empty())
      absl::StrAppend(&subcommands, "    ", Quoted(command.path), ") items=(", items, " ) ;;\n");
    items.clear();
    for (const Option& option : command.options) {
      for (const std::string& name : option.names)
        absl::StrAppend(&items, " ", ZshItem(name, option.description));
    }
    if (!command.path.empty())
      absl::StrAppend(&options, "    ", Quoted(command.path), ") items+=(", items, " ) ;;\n");
  }
  std::string common;
  for (const Option& option : commands[0].options) {
    for (const std::string& name : option.names)
      absl::StrAppend(&common, " ", ZshItem(name, option.description));
  }
  const std::string function = FunctionName(program);
  return absl::StrReplaceAll(
      absl::StrCat("#compdef @PROGRAM@\n# zsh completion of @PROGRAM@\n", PosixTables(function, commands), R"(
@FUNCTION@() {
  local reply='' path_='' option='' word i
  local -a items
  for ((i = 2; i < CURRENT; ++i)); do
    word=${words[i]}
    if [[ -n $option ]]; then
      option=''
      continue
    fi
    case $word in
      -*=*) ;;
      -*)
        @FUNCTION@_values "$path_ $word"
        [[ -z $reply ]] || option=$word
        ;;
      *)
        @FUNCTION@_subcommands "$path_"
        case " $reply " in *" $word "*) path_=${path_:+$path_ }$word ;; esac
        ;;
    esac
  done
  if [[ -z $option && $PREFIX == -*=* ]]; then
    option=${PREFIX%%=*}
    compset -P '*='
  fi
  if [[ -n $option ]]; then
    @FUNCTION@_values "$path_ $option"
    if [[ $reply == '?' ]]; then _files; else compadd -- ${=reply}; fi
    return
  fi
  if [[ $PREFIX == -* ]]; then
    items=(@COMMON@ )
    case $path_ in
@OPTIONS@    esac
    _describe -o option items
    return
  fi
  case $path_ in
@SUBCOMMANDS@  esac
  if (( $#items )); then _describe command items; else _files; fi
}

# It is either autoloaded, and then run at once, or sourced.
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  @FUNCTION@ "$@"
else
  compdef @FUNCTION@ @PROGRAM@
fi
)"),
      {{"@FUNCTION@", function},
       {"@PROGRAM@", program},
       {"@COMMON@", common},
       {"@OPTIONS@", options},
       {"@SUBCOMMANDS@", subcommands}});
}

// One line of fish for an option: -s for -o, -l for --output.
std::string FishOption(const std::string& prefix, const Option& option) {
  std::string line = prefix;
  for (const std::string& name : option.names) {
    const bool is_long = absl::string_view(name).substr(0, 2) == "--";
    absl::StrAppend(&line, is_long ? " -l " : " -s ", name.substr(is_long ? 2 : 1));
  }
  if (option.takes_value) absl::StrAppend(&line, option.choices.empty() ? " -r" : " -x -a ");
  if (!option.choices.empty()) absl::StrAppend(&line, FishQuoted(absl::StrJoin(option.choices, " ")));
  return absl::StrCat(line, " -d ", FishQuoted(option.description), "\n");
}

std::string FishScript(const std::string& program, const std::vector<CompletionCommand>& commands) {
  const std::string function = "_" + FunctionName(program);
  std::string paths, with_value, lines;
  for (const CompletionCommand& command : commands) {
    if (!command.path.empty()) absl::StrAppend(&paths, " ", FishQuoted(command.path));
    for (const Option& option : command.options) {
      if (option.takes_value) absl::StrAppend(&with_value, " ", absl::StrJoin(option.names, " "));
    }
    const std::string here = absl::StrCat("complete -c @PROGRAM@ -n ",
                                          FishQuoted(absl::StrCat("@FUNCTION@_at ", Quoted(command.path))));
    for (const Subcommand& each : command.subcommands) {
      absl::StrAppend(&lines, here, " -f -a ", FishQuoted(each.name), " -d ", FishQuoted(each.description),
                      "\n");
    }
    for (const Option& option : command.options) {
      lines += FishOption(command.path.empty() ? "complete -c @PROGRAM@" : here, option);
    }
  }
  return absl::StrReplaceAll(
      absl::StrCat(R"(# fish completion of @PROGRAM@
# Succeeds if the words so far lead to the command of this path.
function @FUNCTION@_at
  set -l path ''
  set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip = 1
      set skip 0
    else if contains -- $word @VALUED@
      set skip 1
    else if not string match -q -- '-*' $word
      set -l next (string trim -- "$path $word")
      contains -- $next @PATHS@; and set path $next
    end
  end
  test "$path" = "$argv[1]"
end
)",
                   lines),
      {{"@FUNCTION@", function}, {"@PROGRAM@", program}, {"@PATHS@", paths}, {"@VALUED@", with_value}});
}

}  // namespace

std::vector<CompletionCommand> DescribeCommands(const CLI::App& app) {
  std::vector<CompletionCommand> commands;
  Describe(app, "", &commands);
  return commands;
}

std::string CompletionScript(Shell shell, const std::string& program,
                             const std::vector<CompletionCommand>& commands) {
  switch (shell) {
    case Shell::kBash:
      return BashScript(program, commands);
    case Shell::kZsh:
      return ZshScript(program, commands);
    case Shell::kFish:
      return FishScript(program, commands);
  }
  return "";
}

}  // namespace lamppost::cli
