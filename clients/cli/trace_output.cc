#include "clients/cli/trace_output.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "clients/diagram/html.h"
#include "clients/diagram/jsonl.h"
#include "clients/diagram/shiviz.h"
#include "clients/diagram/svg.h"

namespace lamppost::cli {

absl::StatusOr<TraceOutput> ParseTraceOutput(const std::string& text) {
  static const auto* const kForms = new std::map<std::string, TraceForm>{{"svg", TraceForm::kSvg},
                                                                         {"html", TraceForm::kHtml},
                                                                         {"shiviz", TraceForm::kShiviz},
                                                                         {"log", TraceForm::kShiviz},
                                                                         {"jsonl", TraceForm::kJsonl}};
  const auto alone = kForms->find(text);
  if (alone != kForms->end() && text != "log") return TraceOutput{alone->second, ""};
  const size_t dot = text.rfind('.');
  const auto form = dot == std::string::npos ? kForms->end() : kForms->find(text.substr(dot + 1));
  if (form != kForms->end()) return TraceOutput{form->second, text};
  return absl::InvalidArgumentError(absl::StrCat(
      "'", text, "' is none of FILE.svg, FILE.html, FILE.shiviz, FILE.jsonl, svg, html, shiviz, jsonl"));
}

std::string RenderTrace(const std::vector<diagram::Event>& events, const diagram::History& history,
                        TraceForm form, const diagram::DrawOptions& options) {
  switch (form) {
    case TraceForm::kSvg:
      return diagram::RenderSvg(history, options);
    case TraceForm::kHtml:
      return diagram::RenderHtml(history, options);
    case TraceForm::kShiviz:
      return diagram::ToShiviz(history, options.quiet);
    case TraceForm::kJsonl:
      return diagram::ToJsonl(events);
  }
  return "";
}

}  // namespace lamppost::cli
