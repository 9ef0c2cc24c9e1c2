#include "tests/sim/drawing.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/diagram/history.h"
#include "clients/diagram/html.h"
#include "clients/diagram/jsonl.h"
#include "clients/diagram/shiviz.h"
#include "clients/diagram/svg.h"
#include "clients/diagram/view.h"

namespace lamppost::sim {

absl::StatusOr<DrawingFormat> DrawingFormatOf(const std::string& path) {
  if (absl::EndsWith(path, ".svg")) return DrawingFormat::kSvg;
  if (absl::EndsWith(path, ".html")) return DrawingFormat::kHtml;
  if (absl::EndsWith(path, ".shiviz")) return DrawingFormat::kShiviz;
  if (absl::EndsWith(path, ".jsonl")) return DrawingFormat::kJsonl;
  return absl::InvalidArgumentError(
      absl::StrCat("cannot tell what to draw: ", path, " ends in none of .svg, .html, .shiviz and .jsonl"));
}

absl::StatusOr<std::string> Draw(std::vector<diagram::Event> events, DrawingFormat format,
                                 const std::string& title) {
  if (events.empty()) return absl::InvalidArgumentError("there is nothing to draw: nothing happened then");
  if (format == DrawingFormat::kJsonl) return diagram::ToJsonl(events);
  const absl::StatusOr<diagram::History> history = diagram::Build(std::move(events));
  if (!history.ok()) return history.status();
  diagram::DrawOptions options;
  options.title = title;
  options.subtitle = "simulated; times are virtual, from the beginning of the run";
  switch (format) {
    case DrawingFormat::kSvg:
      return diagram::RenderSvg(*history, options);
    case DrawingFormat::kHtml:
      return diagram::RenderHtml(*history, options);
    default:
      return diagram::ToShiviz(*history, diagram::Quiet::kHidden);
  }
}

}  // namespace lamppost::sim
