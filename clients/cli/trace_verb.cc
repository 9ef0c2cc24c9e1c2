// trace.
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "clients/cli/directory.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/read_input.h"
#include "clients/cli/text_table.h"
#include "clients/cli/trace_recorder.h"
#include "clients/cli/trace_writer.h"
#include "clients/cli/verbs.h"
#include "clients/diagram/jsonl.h"
#include "services/common/error.h"
#include "services/common/signal_waiter.h"

namespace lamppost::cli {
namespace {

// How long a node that is there may take to begin.
constexpr int64_t kBeginMs = 2000;

void Tell(Session* session, const std::string& text) {
  *session->io().err << text << "\n" << std::flush;
}

// Until the time is up or a signal comes.
void Await(SignalWaiter* signals, std::optional<int64_t> for_ms) {
  if (!for_ms) {
    signals->Wait();
    return;
  }
  absl::Notification over;
  std::thread timer([&] {
    over.WaitForNotificationWithTimeout(absl::Milliseconds(*for_ms));
    signals->Wake();
  });
  signals->Wait();
  over.Notify();
  timer.join();
}

// An error if no node at all is traced.
absl::StatusOr<std::vector<diagram::Event>> TraceNodes(Session* session) {
  SignalWaiter signals;  // before gRPC has threads
  const absl::StatusOr<Directory> directory = Directory::Ask(session);
  if (!directory.ok()) return directory.status();
  TraceRecorder recorder(directory->entries());
  std::vector<Address> addresses;
  for (const DirectoryEntry& entry : directory->entries()) addresses.push_back(entry.address);
  client::TraceFeed feed(addresses, session->credentials(), &recorder);
  feed.Start();
  recorder.AwaitAll(kBeginMs);
  const auto silent = recorder.Silent();
  for (const auto& [node_id, status] : silent) {
    Tell(session, absl::StrCat("lamppost: node ", Printable(node_id),
                               " is not traced yet: ", Printable(status.message())));
  }
  if (silent.size() == directory->entries().size()) return silent.begin()->second;
  Tell(session, absl::StrCat("tracing ", directory->entries().size() - silent.size(), " of ",
                             directory->entries().size(), " nodes"));
  Await(&signals, session->arguments().trace.for_ms);
  feed.Stop();
  if (recorder.IsFull()) {
    Tell(session, absl::StrCat("lamppost: only the first ", TraceRecorder::kEventsMax, " events are kept"));
  }
  return recorder.Events();
}

absl::StatusOr<std::vector<diagram::Event>> ReadTrace(Session* session) {
  const std::string& path = session->arguments().trace.from_file;
  const absl::StatusOr<std::string> text =
      path == "-" ? ReadStream("standard input", session->io().in) : ReadFile(path);
  if (!text.ok()) return text.status();
  absl::StatusOr<std::vector<diagram::Event>> events = diagram::ParseJsonl(*text);
  if (events.ok()) return events;
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", events.status().message()));
}

}  // namespace

int RunTrace(Session* session) {
  const TraceArguments& arguments = session->arguments().trace;
  absl::StatusOr<TraceWriter> writer = TraceWriter::Open(arguments.outputs);
  if (!writer.ok()) return session->ReportUsage(writer.status().message());
  const bool is_stored = !arguments.from_file.empty();
  const auto events = is_stored ? ReadTrace(session) : TraceNodes(session);
  if (!events.ok() && is_stored) return session->ReportUsage(events.status().message());
  if (!events.ok()) return session->Report(events.status());
  const absl::StatusOr<TraceSummary> summary = writer->Write(*events, arguments.draw, session->io().out);
  if (!summary.ok()) return session->Report(summary.status());
  for (const std::string& violation : summary->violations) {
    Tell(session, absl::StrCat("lamppost: the trace contradicts itself: ", Printable(violation)));
  }
  Tell(session, absl::StrCat(events->size(), " events, ", summary->arrows, " messages",
                             summary->paths.empty() ? "" : ": ", absl::StrJoin(summary->paths, ", ")));
  return summary->violations.empty() ? kExitDone : kExitFailed;
}

}  // namespace lamppost::cli
