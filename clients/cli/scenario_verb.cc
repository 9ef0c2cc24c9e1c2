// scenario.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/directory.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/scenario_plays.h"
#include "clients/cli/scenario_stage.h"
#include "clients/cli/text_table.h"
#include "clients/cli/trace_recorder.h"
#include "clients/cli/trace_writer.h"
#include "clients/cli/verbs.h"
#include "services/common/error.h"
#include "services/common/signal_waiter.h"

namespace lamppost::cli {
namespace {

constexpr int64_t kTraceBeginMs = 5000;
constexpr int64_t kTraceEndMs = 300;  // for what is still on its way when all is over

struct Scenario {
  const char* name;
  const char* title;
  absl::Status (*play)(ScenarioStage* stage);
};

constexpr Scenario kScenarios[] = {
    {"A", "A. Delayed replication", PlayDelay},
    {"B", "B. Concurrent writes", PlayConcurrent},
    {"C", "C. An outage", PlayOutage},
};

std::vector<TraceOutput> OutputsOf(const std::string& directory, const std::string& name) {
  std::vector<TraceOutput> outputs;
  const std::string stem = absl::StrCat(directory, "/scenario-", name);
  for (const auto& [form, end] : {std::pair(TraceForm::kSvg, ".svg"),
                                  {TraceForm::kHtml, ".html"},
                                  {TraceForm::kShiviz, ".shiviz"},
                                  {TraceForm::kJsonl, ".jsonl"}}) {
    outputs.push_back({form, absl::StrCat(stem, end)});
  }
  return outputs;
}

// A scenario with its trace, if it is to be drawn.
class Play {
 public:
  Play(Session* session, const Directory& directory, ScenarioStage* stage)
      : session_(session), directory_(directory), stage_(stage) {}

  absl::Status Run(const Scenario& scenario, TraceWriter* writer) {
    if (writer == nullptr) {
      const absl::Status status = scenario.play(stage_);
      return CleanUpAfter(status);
    }
    TraceRecorder recorder(directory_.entries());
    std::vector<Address> addresses;
    for (const DirectoryEntry& entry : directory_.entries()) addresses.push_back(entry.address);
    client::TraceFeed feed(addresses, session_->credentials(), &recorder);
    feed.Start();
    recorder.AwaitAll(kTraceBeginMs);
    if (const auto silent = recorder.Silent(); !silent.empty()) return silent.begin()->second;
    const absl::Status status = scenario.play(stage_);
    session_->time().SleepMs(kTraceEndMs);
    feed.Stop();
    const absl::Status cleaned = CleanUpAfter(status);
    return cleaned.ok() ? Draw(recorder.Events(), scenario, writer) : cleaned;
  }

 private:
  // How the play has ended; or, if it has ended well, how the cleaning up has. Of two errors it has both.
  absl::Status CleanUpAfter(const absl::Status& status) {
    const absl::Status cleaned = stage_->CleanUp();
    if (status.ok()) return cleaned;
    if (cleaned.ok() && absl::IsCancelled(status)) {
      return MakeError(absl::StatusCode::kCancelled, "INTERRUPTED",
                       "the scenario was interrupted; its faults have ended and its keys are deleted");
    }
    if (cleaned.ok()) return status;
    *session_->io().err << "lamppost: cannot clean up: " << Printable(cleaned.message())
                        << "; what faults are left end within a minute\n";
    return status;
  }

  absl::Status Draw(const std::vector<diagram::Event>& events, const Scenario& scenario,
                    TraceWriter* writer) {
    diagram::DrawOptions options;
    options.title = scenario.title;
    options.keys = {diagram::KeyFilter::Match::kPrefix, "scenario/"};
    const absl::StatusOr<TraceSummary> summary = writer->Write(events, options, session_->io().out);
    if (!summary.ok()) return summary.status();
    if (!summary->violations.empty()) {
      return ScenarioStage::NotAsPromised(absl::StrCat("the clock: ", summary->violations.front()));
    }
    stage_->See(absl::StrCat(
        "drawn, ", summary->arrows,
        " messages, each from a smaller counter to a larger: ", absl::StrJoin(summary->paths, ", ")));
    return absl::OkStatus();
  }

  Session* const session_;
  const Directory& directory_;
  ScenarioStage* const stage_;
};

// Those that were asked for, with where they are drawn to.
struct Playbill {
  std::vector<std::pair<Scenario, std::optional<TraceWriter>>> scenes;
};

absl::StatusOr<Playbill> MakePlaybill(const ScenarioArguments& arguments) {
  Playbill playbill;
  for (const Scenario& scenario : kScenarios) {
    if (arguments.name != "all" && arguments.name != scenario.name) continue;
    std::optional<TraceWriter> writer;
    if (!arguments.draw_directory.empty()) {
      std::error_code error;
      std::filesystem::create_directories(arguments.draw_directory, error);
      auto opened = TraceWriter::Open(OutputsOf(arguments.draw_directory, scenario.name));
      if (!opened.ok()) return opened.status();
      writer = *std::move(opened);
    }
    playbill.scenes.emplace_back(scenario, std::move(writer));
  }
  return playbill;
}

absl::Status PlayAll(Session* session, const Directory& directory, ScenarioStage* stage, Playbill* playbill) {
  Play play(session, directory, stage);
  for (auto& [scenario, writer] : playbill->scenes) {
    const absl::Status status = play.Run(scenario, writer ? &*writer : nullptr);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

int ReportFailed(Session* session, const absl::Status& status) {
  Failure failure;
  failure.status = status;
  if (ErrorReason(status) == "FAULTS_DISABLED") failure.hint = "start the nodes with --enable-faults";
  return session->Report(failure);
}

}  // namespace

int RunScenario(Session* session) {
  SignalWaiter signals(SignalWaiter::Second::kWaits);  // before gRPC has threads
  absl::StatusOr<Playbill> playbill = MakePlaybill(session->arguments().scenario);
  if (!playbill.ok()) return session->ReportUsage(playbill.status().message());
  const absl::StatusOr<Directory> directory = Directory::Ask(session);
  if (!directory.ok()) return ReportFailed(session, directory.status());
  const auto stage = ScenarioStage::Open(session, *directory);
  if (!stage.ok()) return ReportFailed(session, stage.status());
  absl::Status status;
  std::thread player([&] {
    status = PlayAll(session, *directory, stage->get(), &*playbill);
    signals.Wake();
  });
  // What was set is taken back by the player, in a moment.
  if (signals.Wait() == SignalWaiter::Woken::kBySignal) (*stage)->Stop();
  player.join();
  return status.ok() ? kExitDone : ReportFailed(session, status);
}

}  // namespace lamppost::cli
