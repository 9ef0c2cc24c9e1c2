#include "clients/cli/trace_writer.h"

#include <utility>

#include "clients/diagram/history.h"

namespace lamppost::cli {

absl::StatusOr<TraceWriter> TraceWriter::Open(const std::vector<TraceOutput>& outputs) {
  TraceWriter writer;
  for (const TraceOutput& output : outputs) {
    Target target{output, nullptr};
    if (!output.path.empty()) {
      absl::StatusOr<std::unique_ptr<AtomicFile>> file = AtomicFile::Create(output.path);
      if (!file.ok()) return file.status();
      target.file = *std::move(file);
    }
    writer.targets_.push_back(std::move(target));
  }
  return writer;
}

absl::StatusOr<TraceSummary> TraceWriter::Write(const std::vector<diagram::Event>& events,
                                                const diagram::DrawOptions& options, std::ostream* out) {
  const absl::StatusOr<diagram::History> history = diagram::Build(events);
  if (!history.ok()) return history.status();
  TraceSummary summary;
  summary.arrows = history->arrows.size();
  summary.violations = history->violations;
  for (const Target& target : targets_) {
    const std::string text = RenderTrace(events, *history, target.output.form, options);
    if (target.file == nullptr) {
      *out << text << std::flush;
      continue;
    }
    if (absl::Status status = target.file->Append(text); !status.ok()) return status;
    if (absl::Status status = target.file->Commit(); !status.ok()) return status;
    summary.paths.push_back(target.output.path);
  }
  return summary;
}

}  // namespace lamppost::cli
