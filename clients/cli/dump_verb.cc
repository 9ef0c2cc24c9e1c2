// dump.
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cli/atomic_file.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/json_lines.h"
#include "clients/cli/progress.h"
#include "clients/cli/verbs.h"
#include "clients/cpp/scan_iterator.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

constexpr uint32_t kPageKeys = 10'000;

// For the progress bar only, so no answer is an answer.
std::optional<uint64_t> CountKeys(Session* session, client::Client* client) {
  if (session->io().progress == ProgressBar::kOff) return std::nullopt;
  client::CallOptions call;
  call.timeout_ms = std::min(session->RemainingMs().value_or(kDefaultTimeoutMs), kDefaultTimeoutMs);
  const auto status = client->Status(call);
  return status.ok() ? std::optional<uint64_t>(status.response.keys()) : std::nullopt;
}

struct DumpEnd {
  Failure failure;  // status is OK if all went well
  uint64_t keys = 0;
  uint64_t bytes = 0;
};

// Goes over all pages; `write` takes each line and may fail.
template <typename Write>
DumpEnd Dump(Session* session, Write write) {
  const auto client = session->MakeClient();
  Progress progress(session->io(), &session->time(), ProgressUnit::kKeys, CountKeys(session, client.get()));
  kv::v1::ScanRequest request;
  request.set_page_size(kPageKeys);
  client::ScanIterator scan(client.get(), request, session->RemainingMs());
  DumpEnd end;
  while (scan.Next()) {
    const std::string line = EntryLine(scan.entry());
    end.failure.status = write(line);
    if (!end.failure.status.ok()) return end;
    ++end.keys;
    end.bytes += line.size();
    progress.Update(end.keys, end.keys);
  }
  end.failure = FailureOf(scan.end());
  return end;
}

int DumpToStdout(Session* session) {
  std::ostream& out = *session->io().out;
  // A reader that has gone is no failure; main() finds out about anything else.
  bool gone = false;
  const DumpEnd end = Dump(session, [&out, &gone](const std::string& line) {
    out << line;
    gone = !out.good();
    return gone ? absl::CancelledError("") : absl::OkStatus();
  });
  out << std::flush;
  if (gone || end.failure.status.ok()) return kExitDone;
  return session->Report(end.failure);
}

int DumpToFile(Session* session) {
  const Arguments& arguments = session->arguments();
  auto file = AtomicFile::Create(arguments.file);
  if (!file.ok()) return session->ReportUsage(file.status().message());
  DumpEnd end = Dump(session, [&file](const std::string& line) { return (*file)->Append(line); });
  if (end.failure.status.ok()) end.failure = Failure{(*file)->Commit()};
  if (!end.failure.status.ok()) return session->Report(end.failure);
  std::ostream& out = *session->io().out;
  if (arguments.format == OutputFormat::kJson) {
    out << Line({{"keys", end.keys}, {"bytes", end.bytes}, {"file", arguments.file}}) << "\n";
  } else if (arguments.format == OutputFormat::kRaw) {
    out << end.keys << "\n";
  } else {
    out << "dumped " << end.keys << (end.keys == 1 ? " key" : " keys") << " to " << arguments.file << "\n";
  }
  out << std::flush;
  return kExitDone;
}

}  // namespace

int RunDump(Session* session) {
  return session->arguments().file == "-" ? DumpToStdout(session) : DumpToFile(session);
}

}  // namespace lamppost::cli
