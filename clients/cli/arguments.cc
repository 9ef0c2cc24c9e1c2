#include "clients/cli/arguments.h"

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/completion.h"
#include "clients/cli/duration.h"
#include "clients/cli/exit_code.h"
#include "services/common/usage_error.h"
#include "services/common/version.h"

namespace lamppost::cli {
namespace {

constexpr char kDefaultNode[] = "127.0.0.1:8000";
constexpr char kWriteFooter[] =
    "A line puts, as in load: {\"key\":\"x\",\"value\":\"10\"}, with \"ttl\":\"60s\" for a time only;\n"
    "or it deletes: {\"event\":\"delete\",\"key\":\"x\"}. 1 to 1000 lines, each with a key of its own;\n"
    "load takes more.";

constexpr char kCompletionFooter[] =
    "The Debian package has installed them. Elsewhere:\n"
    "  source <(lamppost completion bash)\n"
    "  source <(lamppost completion zsh)\n"
    "  lamppost completion fish | source";

// What CLI11 fills in, before it is checked.
struct RawArguments {
  std::string nodes = kDefaultNode;
  std::string format = "table";
  std::string timeout;
  std::string attempt_timeout;
  std::string ttl;
  std::vector<std::string> help_topic;
  std::string shell;
  bool verbose = false;
  bool bytes = false;
  bool keys_only = false;
  bool one_key = false;
  bool from_beginning = false;
  bool count = false;
  bool reverse = false;
  bool every_node = false;
  uint64_t limit = 0;
  RawFunctionArguments functions;
  RawLinkFaultArguments link_fault;
  RawTraceArguments trace;
  Arguments arguments;
};

void AddCommonOptions(CLI::App* app, RawArguments* raw) {
  app->add_option("--node,--nodes", raw->nodes, "Nodes to ask, in order of preference, separated by commas")
      ->envname("LAMPPOST_NODE")
      ->type_name("LIST")
      ->capture_default_str();
  AddServerOption(app, &raw->functions);
  AddSecurityOptions(app, &raw->arguments.security);
  app->add_option("-o,--output", raw->format, "table, json or raw")
      ->check(CLI::IsMember({"table", "json", "raw"}))
      ->type_name("FORMAT")
      ->capture_default_str();
  app->add_option(
         "--timeout", raw->timeout,
         "Bounds the whole command [10s; call: 30s; load, dump, watch, snapshot, trace and scenario: none]")
      ->type_name("DURATION");
  app->add_option("--attempt-timeout", raw->attempt_timeout,
                  "Bounds one attempt at one node or server [2s; functions: 5s]")
      ->type_name("DURATION");
  app->add_flag("-v,--verbose", raw->verbose, "Tell of each attempt on stderr");
  app->set_version_flag("--version", absl::StrCat("lamppost ", kVersion));
}

// Of verbs that read or write keys, watch excepted.
void AddSessionOption(CLI::App* verb, RawArguments* raw) {
  verb->add_option("--session", raw->arguments.session_file,
                   "Never older than what commands with this file have seen; made, and added to")
      ->type_name("FILE")
      ->check(CLI::Validator([](const std::string& path) { return path.empty() ? "is empty" : ""; }, ""));
}

// Of verbs that write.
void AddReplicasOption(CLI::App* verb, RawArguments* raw) {
  constexpr uint32_t kReplicasMax = 1000;  // far more than there can be members
  verb->add_option("--replicas", raw->arguments.replicas,
                   "Done once so many members hold it on stable storage [1]")
      ->check(CLI::Range(uint32_t{1}, kReplicasMax))
      ->type_name("N");
}

void AddKeyVerbs(CLI::App* app, RawArguments* raw) {
  Arguments* arguments = &raw->arguments;
  CLI::App* put = app->add_subcommand("put", "Set a key");
  put->add_option("KEY", arguments->key)->required();
  put->add_option("VALUE", arguments->value, "The value; - reads stdin, @FILE a file, @@x is the text @x")
      ->required();
  put->add_flag("--bytes", raw->bytes, "Store bytes instead of text");
  put->add_option("--request-id", arguments->request_id, "Instead of a minted one; repeats an earlier put")
      ->type_name("ID");
  put->add_option("--ttl", raw->ttl, "The value expires after so long [it stays]")->type_name("DURATION");
  AddReplicasOption(put, raw);
  AddSessionOption(put, raw);
  CLI::App* get = app->add_subcommand("get", "Print a key's value");
  get->add_option("KEY", arguments->key)->required();
  AddSessionOption(get, raw);
  CLI::App* del = app->add_subcommand("del", "Delete a key");
  del->add_option("KEY", arguments->key)->required();
  del->add_option("--request-id", arguments->request_id, "Instead of a minted one; repeats an earlier del")
      ->type_name("ID");
  AddReplicasOption(del, raw);
  AddSessionOption(del, raw);
  CLI::App* write = app->add_subcommand("write", "Put and delete the keys of JSON lines: all or none");
  write->add_option("FILE", arguments->file, "- reads stdin [-]");
  write
      ->add_option("--request-id", arguments->request_id, "Instead of a minted one; repeats an earlier write")
      ->type_name("ID");
  AddReplicasOption(write, raw);
  AddSessionOption(write, raw);
  write->footer(kWriteFooter);
}

void AddOtherVerbs(CLI::App* app, RawArguments* raw) {
  Arguments* arguments = &raw->arguments;
  CLI::App* scan = app->add_subcommand("scan", "Print the keys that begin with a prefix, or all");
  scan->add_option("PREFIX", arguments->prefix);
  scan->add_option("--start", arguments->start_key, "Only keys at or above it")->type_name("KEY");
  scan->add_option("--end", arguments->end_key, "Only keys below it")->type_name("KEY");
  scan->add_option("--limit", raw->limit, "At most so many keys")->check(CLI::PositiveNumber)->type_name("N");
  scan->add_flag("--keys-only", raw->keys_only, "Leave the values out");
  scan->add_flag("--count", raw->count, "Print only how many keys there are")
      ->excludes("--keys-only")
      ->excludes("--limit");
  scan->add_flag("--reverse", raw->reverse, "From the highest key down");
  AddSessionOption(scan, raw);
  CLI::App* status = app->add_subcommand("status", "Show what the nodes hold and how far they are");
  status->add_flag("--all", raw->every_node, "With -o json: every node of --node, as {\"nodes\":[...]}");
  CLI::App* load = app->add_subcommand("load", "Set the keys of a file of JSON lines");
  load->add_option("FILE", arguments->file, "- reads stdin")->required();
  load->add_option("--in-flight", arguments->in_flight, "Batches at a time")
      ->check(CLI::Range(1, kInFlightMax))
      ->type_name("N")
      ->capture_default_str();
  AddReplicasOption(load, raw);
  AddSessionOption(load, raw);
  CLI::App* dump = app->add_subcommand("dump", "Write all keys to a file of JSON lines");
  dump->add_option("FILE", arguments->file, "- writes to stdout")->required();
  AddSessionOption(dump, raw);
}

void AddWatchVerb(CLI::App* app, RawArguments* raw) {
  Arguments* arguments = &raw->arguments;
  CLI::App* watch = app->add_subcommand("watch", "Tell of changes as they come");
  watch->add_option("PREFIX", arguments->prefix, "Only keys that begin with it");
  watch->add_flag("--key", raw->one_key, "PREFIX is a key, and that one alone is watched");
  watch->add_flag("--from-beginning", raw->from_beginning,
                  "Begin with all that there is, not with what comes");
  watch
      ->add_option("--session", arguments->watch_file,
                   "Go on where the watch before with this file stopped; made, and kept up to date")
      ->type_name("FILE");
  watch->add_option("--exec", arguments->exec, "Run this by sh -c for each event instead of printing it")
      ->type_name("CMD");
  watch->add_option("--limit", raw->limit, "End after so many events")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  watch->add_flag("--keys-only", raw->keys_only, "Leave the values out");
}

void AddConflictsVerb(CLI::App* app, RawArguments* raw) {
  CLI::App* explain =
      app->add_subcommand("explain", "Tell why a key has what it has, how it came, and who has it");
  explain->add_option("KEY", raw->arguments.key)->required();
  CLI::App* resolve = AddConflictVerbs(app, &raw->arguments.conflicts);
  resolve->add_flag("--bytes", raw->bytes, "Store bytes instead of text");
  resolve
      ->add_option("--request-id", raw->arguments.request_id,
                   "Instead of a minted one; repeats an earlier resolve")
      ->type_name("ID");
  AddReplicasOption(resolve, raw);
}

void AddHelpVerbs(CLI::App* app, RawArguments* raw) {
  CLI::App* completion =
      app->add_subcommand("completion", "Print a script that completes commands in a shell");
  completion->add_option("SHELL", raw->shell, "bash, zsh or fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->required();
  completion->footer(kCompletionFooter);
  CLI::App* help = app->add_subcommand("help", "Show this, or what a command takes");
  help->add_option("COMMAND", raw->help_topic);
}

std::unique_ptr<CLI::App> MakeApp(RawArguments* raw) {
  auto app =
      std::make_unique<CLI::App>("Reads and writes a Lamppost cluster, and calls functions.", "lamppost");
  app->require_subcommand(1);
  app->fallthrough();  // common options may stand behind the verb, too
  app->footer(
      "Exit codes: 0 done, 1 key not found, 2 usage, 3 failed for certain, 4 outcome unknown, 5 the function "
      "itself"
      " failed.");
  AddCommonOptions(app.get(), raw);
  AddKeyVerbs(app.get(), raw);
  AddOtherVerbs(app.get(), raw);
  AddMemberVerbs(app.get(), &raw->arguments.member);
  AddWatchVerb(app.get(), raw);
  AddSnapshotVerbs(app.get(), &raw->arguments.snapshot);
  AddSessionOption(app->get_subcommand("snapshot")->get_subcommand("save"), raw);
  AddConflictsVerb(app.get(), raw);
  AddTraceVerb(app.get(), &raw->trace);
  AddScenarioVerb(app.get(), &raw->arguments.scenario);
  AddTlsVerbs(app.get(), &raw->arguments.tls);
  AddFunctionVerbs(app.get(), &raw->functions);
  AddLinkFaultVerbs(app->get_subcommand("fault"), &raw->link_fault);
  AddHelpVerbs(app.get(), raw);
  return app;
}

ParsedArguments UsageError(absl::string_view message) {
  ParsedArguments parsed;
  parsed.exit_code = kExitUsage;
  parsed.error = absl::StrCat("lamppost: ", message, "\nTry 'lamppost help'.\n");
  return parsed;
}

// `topic` leads down from the whole, command by command.
ParsedArguments Help(const std::vector<std::string>& topic) {
  RawArguments raw;
  const std::unique_ptr<CLI::App> app = MakeApp(&raw);  // one that has parsed nothing, for it would show that
  ParsedArguments parsed;
  const CLI::App* verb = app.get();
  std::string path;
  for (const std::string& word : topic) {
    path = path.empty() ? verb->get_name() : absl::StrCat(path, " ", verb->get_name());
    const auto verbs =
        verb->get_subcommands([&word](const CLI::App* each) { return each->get_name() == word; });
    if (verbs.empty()) {
      return UsageError(absl::StrCat("there is no command '", absl::StrJoin(topic, " "), "'"));
    }
    verb = verbs[0];
  }
  parsed.output = verb->help(path);
  if (!topic.empty())
    absl::StrAppend(&parsed.output, "\n'lamppost help' shows the options of all commands.\n");
  return parsed;
}

ParsedArguments Completion(const std::string& shell) {
  RawArguments raw;
  const std::unique_ptr<CLI::App> app = MakeApp(&raw);
  const Shell kind = shell == "bash" ? Shell::kBash : shell == "zsh" ? Shell::kZsh : Shell::kFish;
  ParsedArguments parsed;
  parsed.output = CompletionScript(kind, app->get_name(), DescribeCommands(*app));
  return parsed;
}

// The command that was being parsed, word by word.
std::vector<std::string> ParsedVerbs(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* verb = &app; !verb->get_subcommands().empty();) {
    verb = verb->get_subcommands()[0];
    words.push_back(verb->get_name());
  }
  return words;
}

bool IsAboutFunctions(Verb verb) {
  return verb == Verb::kCall || verb == Verb::kFunctions || verb == Verb::kOutcome || verb == Verb::kFaultRpc;
}

// Whoever names a node for a command that asks servers, or the other way round, would ask somewhere else than
// he thinks. The environment names both for all commands, and is not parsed.
absl::Status CheckDestination(const CLI::App& app, Verb verb) {
  for (const CLI::Option* option : app.parse_order()) {
    if (IsAboutFunctions(verb) && option->check_lname("node")) {
      return absl::InvalidArgumentError("--node is for keys; this command asks the servers of --server");
    }
    if (!IsAboutFunctions(verb) && option->check_lname("server")) {
      return absl::InvalidArgumentError("--server is for functions; this command asks the nodes of --node");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTimes(const RawArguments& raw, Arguments* arguments) {
  const bool watches =
      arguments->verb == Verb::kConflicts && arguments->conflicts.action == ConflictAction::kWatch;
  const bool bulk = watches || arguments->verb == Verb::kLoad || arguments->verb == Verb::kDump ||
                    arguments->verb == Verb::kWatch || arguments->verb == Verb::kSnapshot ||
                    arguments->verb == Verb::kTrace || arguments->verb == Verb::kScenario;
  if (!raw.timeout.empty()) {
    const auto timeout_ms = ParseDurationMs(raw.timeout);
    if (!timeout_ms.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--timeout: ", timeout_ms.status().message()));
    }
    arguments->timeout_ms = *timeout_ms;
  } else if (!bulk) {
    arguments->timeout_ms = arguments->verb == Verb::kCall ? kDefaultCallTimeoutMs : kDefaultTimeoutMs;
  }
  if (raw.attempt_timeout.empty()) {
    const bool functions = IsAboutFunctions(arguments->verb);
    arguments->attempt_timeout_ms = functions ? kDefaultCallAttemptTimeoutMs : kDefaultAttemptTimeoutMs;
    return absl::OkStatus();
  }
  const auto attempt_timeout_ms = ParseDurationMs(raw.attempt_timeout);
  if (!attempt_timeout_ms.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--attempt-timeout: ", attempt_timeout_ms.status().message()));
  }
  arguments->attempt_timeout_ms = *attempt_timeout_ms;
  return absl::OkStatus();
}

ParsedArguments Check(const CLI::App& app, RawArguments raw, const std::string& verb, bool limited) {
  static const auto* const kVerbs =
      new std::map<std::string, Verb>{{"put", Verb::kPut},           {"get", Verb::kGet},
                                      {"del", Verb::kDelete},        {"write", Verb::kWrite},
                                      {"scan", Verb::kScan},         {"status", Verb::kStatus},
                                      {"load", Verb::kLoad},         {"dump", Verb::kDump},
                                      {"watch", Verb::kWatch},       {"member", Verb::kMember},
                                      {"call", Verb::kCall},         {"functions", Verb::kFunctions},
                                      {"outcome", Verb::kOutcome},   {"fault", Verb::kFaultRpc},
                                      {"snapshot", Verb::kSnapshot}, {"conflicts", Verb::kConflicts},
                                      {"explain", Verb::kExplain},   {"trace", Verb::kTrace},
                                      {"scenario", Verb::kScenario}, {"tls", Verb::kTls}};
  Arguments arguments = std::move(raw.arguments);
  arguments.verb = kVerbs->at(verb);
  const bool is_of_link = verb == "fault" && !app.get_subcommand("fault")->got_subcommand("rpc");
  if (is_of_link) arguments.verb = Verb::kFaultLink;
  if (const absl::Status status = CheckDestination(app, arguments.verb); !status.ok()) {
    return UsageError(status.message());
  }
  auto nodes = ParseAddresses(raw.nodes);
  if (!nodes.ok()) return UsageError(absl::StrCat("--node: ", nodes.status().message()));
  arguments.nodes = *std::move(nodes);
  if (const absl::Status status = CheckTimes(raw, &arguments); !status.ok()) {
    return UsageError(status.message());
  }
  if (!raw.ttl.empty()) {
    const auto ttl_ms = ParseTtlMs(raw.ttl);
    if (!ttl_ms.ok()) return UsageError(absl::StrCat("--ttl: ", ttl_ms.status().message()));
    arguments.ttl_ms = *ttl_ms;
  }
  raw.functions.arguments.timeout = raw.timeout;
  if (raw.format != "table") raw.functions.arguments.output = raw.format;
  if (const absl::Status status = CheckFunctionArguments(&raw.functions); !status.ok()) {
    return UsageError(status.message());
  }
  arguments.functions = std::move(raw.functions.arguments);
  if (const absl::Status status = CheckTlsArguments(&arguments.tls); !status.ok()) {
    return UsageError(status.message());
  }
  const bool is_of_functions = IsAboutFunctions(arguments.verb);
  const absl::Status secured =
      CheckSecurity(is_of_functions ? arguments.functions.servers : arguments.nodes, &arguments.security);
  if (!secured.ok() && arguments.verb != Verb::kTls) return UsageError(secured.message());
  arguments.functions.security = SecurityWords(arguments.security);
  if (arguments.verb == Verb::kFaultLink) {
    if (const absl::Status status = CheckLinkFaultArguments(&raw.link_fault); !status.ok()) {
      return UsageError(status.message());
    }
    arguments.link_fault = std::move(raw.link_fault.arguments);
  }
  if (const absl::Status status = CheckTraceArguments(&raw.trace); !status.ok()) {
    return UsageError(status.message());
  }
  arguments.trace = std::move(raw.trace.arguments);
  if (!arguments.prefix.empty() && (!arguments.start_key.empty() || !arguments.end_key.empty())) {
    return UsageError("scan takes either a PREFIX or --start and --end");
  }
  if (raw.format == "json") arguments.format = OutputFormat::kJson;
  if (raw.format == "raw") arguments.format = OutputFormat::kRaw;
  if (raw.verbose) arguments.verbosity = Verbosity::kEachAttempt;
  if (raw.bytes) arguments.value_kind = ValueKind::kData;
  if (raw.keys_only) arguments.scan_content = ScanContent::kKeysOnly;
  if (raw.count) arguments.scan_content = ScanContent::kCount;
  if (raw.reverse) arguments.scan_order = ScanOrder::kDescending;
  if (raw.every_node) arguments.status_scope = StatusScope::kEveryNode;
  if (raw.one_key) arguments.watch_scope = WatchScope::kKey;
  if (raw.from_beginning) arguments.watch_start = WatchStart::kBeginning;
  if (arguments.conflicts.action == ConflictAction::kWatch) {
    if (arguments.conflicts.filter == ConflictFilter::kOpen)
      return UsageError("conflicts takes either --open or --watch");
    arguments.watch_scope = WatchScope::kConflicts;
    arguments.prefix = arguments.conflicts.key;
  }
  if (raw.one_key && arguments.prefix.empty()) return UsageError("watch --key needs the key");
  if (limited) arguments.limit = raw.limit;
  ParsedArguments parsed;
  parsed.arguments = std::move(arguments);
  return parsed;
}

}  // namespace

ParsedArguments ParseArguments(int argc, const char* const* argv) {
  RawArguments raw;
  const std::unique_ptr<CLI::App> app = MakeApp(&raw);
  try {
    app->parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Help(ParsedVerbs(*app));
  } catch (const CLI::CallForVersion& version) {
    ParsedArguments parsed;
    parsed.output = absl::StrCat(version.what(), "\n");
    return parsed;
  } catch (const CLI::ParseError& error) {
    return UsageError(DescribeUsageError(*app, error));
  }
  const CLI::App* verb = app->get_subcommands()[0];
  if (verb->get_name() == "help") return Help(raw.help_topic);
  if (verb->get_name() == "completion") return Completion(raw.shell);
  const bool has_limit = verb->get_name() == "scan" || verb->get_name() == "watch";
  const bool limited = has_limit && verb->count("--limit") > 0;
  const std::string name = verb->get_name();
  return Check(*app, std::move(raw), name, limited);
}

}  // namespace lamppost::cli
