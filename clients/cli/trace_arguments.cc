#include "clients/cli/trace_arguments.h"

#include "absl/strings/str_cat.h"
#include "clients/cli/duration.h"

namespace lamppost::cli {

void AddTraceVerb(CLI::App* app, RawTraceArguments* raw) {
  CLI::App* trace = app->add_subcommand("trace", "Draw what the nodes send, receive and write");
  trace
      ->add_option("-o,--output", raw->outputs,
                   "FILE.svg, FILE.html, FILE.shiviz or FILE.jsonl; svg, html, shiviz or jsonl alone go to "
                   "stdout; may be given again")
      ->required()
      ->allow_extra_args(false)
      ->type_name("OUTPUT");
  trace->add_option("--for", raw->duration, "Trace so long [until it is interrupted]")->type_name("DURATION");
  trace->add_option("--from", raw->arguments.from_file, "Draw a stored .jsonl trace instead; - reads stdin")
      ->type_name("FILE")
      ->excludes("--for");
  trace->add_option("--title", raw->arguments.draw.title, "Above the drawing")->type_name("TEXT");
  trace->add_option("--key", raw->key, "Draw only what is about this key")->type_name("KEY");
  trace->add_option("--prefix", raw->prefix, "Draw only what is about keys that begin with it")
      ->type_name("PREFIX")
      ->excludes("--key");
  trace->add_flag("--all", raw->all, "Draw heartbeats and plain answers, too");
  trace->footer("All members that the nodes of --node know are traced.");
}

absl::Status CheckTraceArguments(RawTraceArguments* raw) {
  TraceArguments* arguments = &raw->arguments;
  if (!raw->duration.empty()) {
    const auto for_ms = ParseDurationMs(raw->duration);
    if (!for_ms.ok()) return absl::InvalidArgumentError(absl::StrCat("--for: ", for_ms.status().message()));
    arguments->for_ms = *for_ms;
  }
  for (const std::string& text : raw->outputs) {
    absl::StatusOr<TraceOutput> output = ParseTraceOutput(text);
    if (!output.ok()) return absl::InvalidArgumentError(absl::StrCat("-o: ", output.status().message()));
    arguments->outputs.push_back(*std::move(output));
  }
  diagram::KeyFilter& keys = arguments->draw.keys;
  if (!raw->key.empty()) keys = {diagram::KeyFilter::Match::kExact, raw->key};
  if (!raw->prefix.empty()) keys = {diagram::KeyFilter::Match::kPrefix, raw->prefix};
  if (raw->all) arguments->draw.quiet = diagram::Quiet::kShown;
  return absl::OkStatus();
}

}  // namespace lamppost::cli
