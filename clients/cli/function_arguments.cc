#include "clients/cli/function_arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/duration.h"

namespace lamppost::cli {
namespace {

constexpr char kCallFooter[] =
    R"(PARAMS is one of
  '{"a":1,"b":2}'   a JSON object
  @FILE             a file with one
  -                 standard input with one
  a=1 b=two c=@FILE members by name: a value that is JSON is taken as that, any other as text;
                    @FILE is a file's text, @@x the text @x
and without it there are none. Whole numbers beyond 2^53 are refused: they would be rounded.

The call is repeated under one request id until there is an outcome or --timeout has passed, and the
function runs at most once. Exit codes: 0 it returned, 2 usage, 3 failed for certain, 4 outcome unknown
(the command that asks again is printed), 5 the function itself failed.

Examples:
  lamppost call add a=1 b=2
  lamppost call hash text=@README.md -o raw
  lamppost --server 10.0.0.1:5000,10.0.0.2:5000 call report '{"year":2024}' --stream --timeout 10m)";

constexpr char kOutcomeFooter[] =
    "Exit codes: 0 it returned, 3 nothing is known of the id or nobody could be asked, 4 there is no outcome "
    "yet or"
    " it is unknown, 5 the function itself failed.";

constexpr char kFaultFooter[] =
    "Only servers started with --enable-faults take faults. Each server of --server is told.";

// CLI11 takes a word such as [1,2] apart wherever an option takes any number of words; so this one takes as
// many as there are, and no more, until all are read.
void AddParams(CLI::App* call, FunctionArguments* arguments) {
  CLI::Option* params = call->add_option("PARAMS", arguments->params, "What it works on; see below");
  call->preparse_callback([params](size_t words_left) {
    const int words = static_cast<int>(std::max<size_t>(1, words_left));
    params->expected(words, words)->allow_extra_args(false);
  });
  params->each([params](const std::string&) { params->expected(0, params->get_expected_max()); });
}

void AddCall(CLI::App* app, RawFunctionArguments* raw) {
  FunctionArguments* arguments = &raw->arguments;
  CLI::App* call = app->add_subcommand("call", "Run a function");
  call->add_option("METHOD", arguments->method, "The function's name ('lamppost functions' lists them)")
      ->required();
  AddParams(call, arguments);
  call->add_option("--request-id", arguments->request_id, "Instead of a minted one: asks again for that call")
      ->type_name("UUID");
  call->add_option("--retries", raw->retries, "At most so many repetitions [as many as --timeout allows]")
      ->check(CLI::Range(0, kRetriesMax))
      ->type_name("N");
  call->add_option("--hedge", raw->hedge, "Without an answer after it, ask a second server beside the first")
      ->type_name("DURATION");
  call->add_flag("--stream", raw->stream, "Show the function's progress: a bar on a terminal, lines with -v");
  call->footer(kCallFooter);
}

void AddFaultOptions(CLI::App* verb, RawFunctionArguments* raw) {
  verb->add_option("--method", raw->fault_method, "Only calls of this function")->type_name("NAME");
  verb->add_option("--times", raw->fault_times, "It strikes so often [until it is cleared]")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  verb->add_option("--probability", raw->fault_probability, "How likely it strikes a call, up to 1")
      ->type_name("P")
      ->capture_default_str();
}

void AddFaultVerbs(CLI::App* app, RawFunctionArguments* raw) {
  CLI::App* fault = app->add_subcommand("fault", "Let links between nodes, or calls of functions, go wrong");
  fault->require_subcommand(1);
  CLI::App* rpc = fault->add_subcommand("rpc", "Faults of function servers");
  rpc->require_subcommand(1);
  rpc->footer(kFaultFooter);
  const auto add = [&](const char* name, const char* description) {
    CLI::App* verb = rpc->add_subcommand(name, description);
    verb->final_callback([raw, name] { raw->fault_kind = name; });
    return verb;
  };
  CLI::App* delay = add("delay", "Hold calls before anything is done");
  delay->add_option("DELAY", raw->fault_delay, "So long, such as 2s")->required();
  CLI::App* fail_before = add("fail-before", "Refuse calls before anything is done");
  CLI::App* lose_reply = add("lose-reply", "Run the function and lose the reply");
  CLI::App* crash = add("crash", "Kill the server's process in the middle of a run");
  crash->add_option("DELAY", raw->fault_delay, "So long after the function has started [at once]");
  for (CLI::App* verb : {delay, fail_before, lose_reply, crash}) AddFaultOptions(verb, raw);
  add("list", "List the faults in force");
  add("clear", "Remove all faults");
}

absl::Status Wrong(absl::string_view what, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(what, ": ", message));
}

absl::Status CheckFault(const RawFunctionArguments& raw, FunctionArguments* arguments) {
  static const auto* const kKinds =
      new std::map<std::string, rpc::v1::FaultKind>{{"delay", rpc::v1::FAULT_KIND_DELAY},
                                                    {"fail-before", rpc::v1::FAULT_KIND_FAIL_BEFORE},
                                                    {"lose-reply", rpc::v1::FAULT_KIND_LOSE_REPLY},
                                                    {"crash", rpc::v1::FAULT_KIND_CRASH}};
  if (raw.fault_kind == "clear") arguments->fault_action = FaultAction::kClear;
  const auto kind = kKinds->find(raw.fault_kind);
  if (kind == kKinds->end()) return absl::OkStatus();
  arguments->fault_action = FaultAction::kAdd;
  arguments->fault.set_kind(kind->second);
  arguments->fault.set_method(raw.fault_method);
  arguments->fault.set_times(raw.fault_times);
  arguments->fault.set_probability(raw.fault_probability);
  if (!(raw.fault_probability > 0 && raw.fault_probability <= 1)) {
    return Wrong("--probability", "it is above 0 and at most 1");
  }
  if (raw.fault_delay.empty()) {
    if (kind->second == rpc::v1::FAULT_KIND_DELAY) return Wrong("DELAY", "it is empty");
    return absl::OkStatus();
  }
  const absl::StatusOr<int64_t> delay_ms = ParseDurationMs(raw.fault_delay);
  if (!delay_ms.ok()) return Wrong("DELAY", delay_ms.status().message());
  if (static_cast<uint64_t>(*delay_ms) > kFaultDelayMsMax) return Wrong("DELAY", "it is more than an hour");
  arguments->fault.set_delay_ms(static_cast<uint64_t>(*delay_ms));
  return absl::OkStatus();
}

}  // namespace

void AddServerOption(CLI::App* app, RawFunctionArguments* raw) {
  app->add_option(
         "--server", raw->arguments.server_list,
         "Servers of functions, all of them equal, separated by commas; several must share one request "
         "store, or a retry at another one would run the function again")
      ->envname("LAMPPOST_SERVER")
      ->type_name("LIST")
      ->capture_default_str();
}

void AddFunctionVerbs(CLI::App* app, RawFunctionArguments* raw) {
  AddCall(app, raw);
  app->add_subcommand("functions", "List the functions that can be called");
  CLI::App* outcome = app->add_subcommand("outcome", "Show what became of a call");
  outcome->add_option("REQUEST_ID", raw->arguments.request_id, "As a call printed it")->required();
  outcome->footer(kOutcomeFooter);
  AddFaultVerbs(app, raw);
}

absl::Status CheckFunctionArguments(RawFunctionArguments* raw) {
  FunctionArguments* arguments = &raw->arguments;
  absl::StatusOr<std::vector<Address>> servers = ParseAddresses(arguments->server_list);
  if (!servers.ok()) return Wrong("--server", servers.status().message());
  arguments->servers = *std::move(servers);
  if (!raw->hedge.empty()) {
    const absl::StatusOr<int64_t> delay_ms = ParseDurationMs(raw->hedge);
    if (!delay_ms.ok()) return Wrong("--hedge", delay_ms.status().message());
    arguments->hedge_delay_ms = *delay_ms;
  }
  if (raw->stream) arguments->form = CallForm::kStream;
  if (raw->stream && arguments->hedge_delay_ms) return Wrong("--hedge", "a stream is not hedged");
  if (raw->retries >= 0) arguments->retries = raw->retries;
  return CheckFault(*raw, arguments);
}

}  // namespace lamppost::cli
