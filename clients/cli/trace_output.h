// Where a trace goes: a file or standard output, in a form that its name tells. Pure.
#ifndef LAMPPOST_CLIENTS_CLI_TRACE_OUTPUT_H_
#define LAMPPOST_CLIENTS_CLI_TRACE_OUTPUT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/diagram/event.h"
#include "clients/diagram/history.h"
#include "clients/diagram/view.h"

namespace lamppost::cli {

enum class TraceForm { kSvg, kHtml, kShiviz, kJsonl };

struct TraceOutput {
  TraceForm form = TraceForm::kSvg;
  std::string path;  // empty: standard output
};

// "a.svg", "a.html", "a.shiviz" and "a.log" (both ShiViz), "a.jsonl"; "svg", "html", "shiviz" and "jsonl"
// alone stand for standard output. INVALID_ARGUMENT for anything else.
absl::StatusOr<TraceOutput> ParseTraceOutput(const std::string& text);

// The trace in that form; `history` is what is built from the events.
std::string RenderTrace(const std::vector<diagram::Event>& events, const diagram::History& history,
                        TraceForm form, const diagram::DrawOptions& options);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_TRACE_OUTPUT_H_
