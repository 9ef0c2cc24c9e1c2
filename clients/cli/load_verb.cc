// load.
#include <sys/stat.h>

#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/json_lines.h"
#include "clients/cli/line_reader.h"
#include "clients/cli/loader.h"
#include "clients/cli/progress.h"
#include "clients/cli/read_input.h"
#include "clients/cli/verbs.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

std::optional<uint64_t> RegularFileBytes(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return static_cast<uint64_t>(info.st_size);
}

// Why the input could not be used to its end; OK if it was, or if a batch failed before.
absl::Status Feed(LineReader* lines, Loader* loader, Progress* progress) {
  absl::string_view line;
  while (true) {
    const absl::StatusOr<bool> more = lines->Next(&line);
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    auto put = ParseEntryLine(line);
    if (!put.ok()) return put.status();
    if (!loader->Add(lines->line_number(), *std::move(put))) return absl::OkStatus();
    progress->Update(lines->bytes_read(), loader->lines_written());
  }
}

std::string Summary(const LoadEnd& end, int64_t elapsed_ms, OutputFormat format) {
  if (format == OutputFormat::kRaw) return absl::StrCat(end.lines_written, "\n");
  if (format == OutputFormat::kJson) {
    return absl::StrCat(Line({{"lines_written", end.lines_written},
                              {"batches", end.batches_written},
                              {"elapsed_ms", elapsed_ms}}),
                        "\n");
  }
  const double rate =
      static_cast<double>(end.lines_written) * 1000 / static_cast<double>(std::max<int64_t>(1, elapsed_ms));
  return absl::StrFormat("loaded %d lines in %.1f s, %.0f a second\n", end.lines_written,
                         static_cast<double>(elapsed_ms) / 1000, rate);
}

// The failure with its lines and what had been written.
int ReportStop(Session* session, const LoadEnd& end, const absl::Status& status, const std::string& where) {
  const std::string unsure =
      end.lines_unsure == 0 ? "" : absl::StrCat(", and ", end.lines_unsure, " more may have been");
  Failure failure{
      MakeError(status.code(), ErrorReason(status),
                absl::StrCat(where, ": ", status.message(), "; ", end.lines_written,
                             end.lines_written == 1 ? " line was" : " lines were", " written", unsure)),
      end.outcome == client::Outcome::kDone ? client::Outcome::kFailed : end.outcome, end.request_id};
  failure.details["lines_written"] = end.lines_written;
  if (end.lines_unsure > 0) failure.details["lines_unsure"] = end.lines_unsure;
  return session->Report(failure);
}

int Load(Session* session, std::istream* in, std::optional<uint64_t> total_bytes) {
  const int64_t started_ms = session->time().NowMs();
  const auto client = session->MakeClient();
  Loader loader(client.get(),
                {session->arguments().in_flight, session->RemainingMs(), session->arguments().replicas});
  Progress progress(session->io(), &session->time(), ProgressUnit::kBytes, total_bytes);
  LineReader lines(in);
  const absl::Status input = Feed(&lines, &loader, &progress);
  const LoadEnd end = loader.Finish();
  progress.Clear();
  if (!end.status.ok()) {
    return ReportStop(session, end, end.status,
                      absl::StrCat("lines ", end.first_line, " to ", end.last_line));
  }
  if (!input.ok()) {
    return ReportStop(session, end, BadLine(input, input.message()),
                      absl::StrCat("line ", lines.line_number()));
  }
  *session->io().out << Summary(end, session->time().NowMs() - started_ms, session->arguments().format)
                     << std::flush;
  return kExitDone;
}

}  // namespace

int RunLoad(Session* session) {
  const std::string& path = session->arguments().file;
  if (path == "-") return Load(session, session->io().in, std::nullopt);
  std::ifstream file;
  if (const absl::Status status = OpenFile(path, &file); !status.ok()) {
    return session->ReportUsage(status.message());
  }
  return Load(session, &file, RegularFileBytes(path));
}

}  // namespace lamppost::cli
