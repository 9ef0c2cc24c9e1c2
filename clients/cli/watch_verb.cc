// watch.
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>

#include "clients/cli/event_command.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/session_file.h"
#include "clients/cli/verbs.h"
#include "clients/cli/watch_format.h"
#include "clients/cpp/watch_progress.h"
#include "clients/cpp/watcher.h"
#include "services/common/error.h"
#include "services/common/signal_waiter.h"

namespace lamppost::cli {
namespace {

// How often the progress is stored at most: the file is synced each time.
constexpr int64_t kStoreIntervalMs = 200;

// Where a watch has come to, in memory and in the file that the user has named.
class WatchProgressFile {
 public:
  WatchProgressFile(std::string path, WatchStart start, client::TimeSource* time)
      : path_(std::move(path)), start_(start), time_(time) {}

  // Where to begin; unset: as the user says. A file that has come to nothing yet is of a watch from the
  // beginning that was stopped at once: it still has everything to tell.
  absl::StatusOr<std::optional<kv::v1::Session>> Open() {
    if (path_.empty()) return std::nullopt;
    std::error_code missing;
    const uintmax_t size = std::filesystem::file_size(path_, missing);
    absl::StatusOr<kv::v1::Session> session = OpenSessionFile(path_);
    if (!session.ok()) return session.status();
    if (session->heads_size() == 0 && (missing || size == 0)) return std::nullopt;
    reached_ = *session;
    start_ = WatchStart::kBeginning;
    return std::optional<kv::v1::Session>(*std::move(session));
  }

  const kv::v1::Session& reached() const { return reached_; }
  absl::Status Reach(const kv::v1::Session& session) {
    if (session.heads_size() == 0 && start_ != WatchStart::kBeginning) return absl::OkStatus();
    reached_ = session;
    is_stored_ = false;
    return time_->NowMs() - stored_ms_ < kStoreIntervalMs ? absl::OkStatus() : Store();
  }
  absl::Status Store() {
    if (path_.empty() || is_stored_) return absl::OkStatus();
    is_stored_ = true;
    stored_ms_ = time_->NowMs();
    return AddToSessionFile(path_, reached_);
  }

 private:
  const std::string path_;
  WatchStart start_;
  client::TimeSource* const time_;
  kv::v1::Session reached_;
  bool is_stored_ = true;
  int64_t stored_ms_ = 0;
};

class Follower {
 public:
  Follower(Session* session, client::Watcher* watcher, WatchProgressFile* progress)
      : session_(session), watcher_(watcher), progress_(progress) {}

  // Tells of all events until the watch is over: OK, or why it ended.
  absl::Status Run() {
    absl::Status status;
    while (status.ok() && !IsDone() && watcher_->Next()) {
      size_t done = 0;
      status = TellAll(watcher_->message(), &done);
      const absl::Status stored =
          progress_->Reach(client::SessionAfter(progress_->reached(), watcher_->message(), done));
      if (status.ok()) status = stored;
    }
    if (status.ok()) status = watcher_->status();
    const absl::Status stored = progress_->Store();
    return status.ok() ? stored : status;
  }

  // From any thread: no further event is told of.
  void Stop() {
    is_stopped_ = true;
    watcher_->Stop();
  }
  uint64_t told() const { return told_; }

 private:
  // A reader that has gone ends it, too.
  bool IsDone() const {
    return is_stopped_ || told_ == session_->arguments().limit || !session_->io().out->good();
  }

  absl::Status TellAll(const kv::v1::WatchResponse& message, size_t* done) {
    for (const kv::v1::WatchEvent& event : message.events()) {
      if (IsDone()) break;
      if (absl::Status status = Tell(event); !status.ok()) return status;
      ++*done;
      ++told_;
    }
    return absl::OkStatus();
  }

  absl::Status Tell(const kv::v1::WatchEvent& event) {
    const Arguments& arguments = session_->arguments();
    if (!arguments.exec.empty()) return RunEventCommand(arguments.exec, event);
    *session_->io().out << FormatEvent(event, arguments.format, session_->io().out_colour) << std::flush;
    return absl::OkStatus();
  }

  Session* const session_;
  client::Watcher* const watcher_;
  WatchProgressFile* const progress_;
  uint64_t told_ = 0;
  std::atomic<bool> is_stopped_{false};
};

client::WatchOptions OptionsOf(Session* session) {
  const Arguments& arguments = session->arguments();
  client::WatchOptions options;
  (arguments.watch_scope == WatchScope::kPrefix ? options.prefix : options.key) = arguments.prefix;
  if (arguments.watch_scope == WatchScope::kConflicts) options.subject = client::WatchSubject::kConflicts;
  if (arguments.scan_content == ScanContent::kKeysOnly) options.content = client::WatchContent::kKeysOnly;
  if (arguments.watch_start == WatchStart::kBeginning) options.session.emplace();
  options.timeout_ms = session->RemainingMs();
  return options;
}

// What the end means to the user. A watch that was to go on for so long has done so; one that was to see so
// many events has not.
int Conclude(Session* session, const absl::Status& status, uint64_t told, bool by_signal) {
  const bool is_enough = ErrorReason(status) == "TIMEOUT" && !session->arguments().limit;
  const bool cut_short = by_signal && ErrorReason(status) == "COMMAND_FAILED";
  if (status.ok() || is_enough || cut_short) return kExitDone;
  Failure failure;
  failure.status = status;
  failure.details["events"] = told;
  return session->Report(failure);
}

}  // namespace

int RunWatch(Session* session) {
  SignalWaiter signals;  // before gRPC has threads
  const auto client = session->MakeClient();
  const Arguments& arguments = session->arguments();
  WatchProgressFile progress(arguments.watch_file, arguments.watch_start, &session->time());
  client::WatchOptions options = OptionsOf(session);
  const auto from = progress.Open();
  if (!from.ok()) return session->ReportUsage(from.status().message());
  if (*from) options.session = **from;
  client::Watcher watcher(client.get(), std::move(options));
  Follower follower(session, &watcher, &progress);
  absl::Status status;
  std::thread reader([&] {
    status = follower.Run();
    signals.Wake();
  });
  const bool by_signal = signals.Wait() == SignalWaiter::Woken::kBySignal;
  if (by_signal) follower.Stop();
  reader.join();
  return Conclude(session, status, follower.told(), by_signal);
}

}  // namespace lamppost::cli
