#include "services/rpc/functions/process_runnable.h"

#include <signal.h>
#include <sys/wait.h>

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/rpc/functions/program_words.h"
#include "services/rpc/functions/progress_relay.h"
#include "services/rpc/functions/text_bounds.h"

namespace lamppost::rpc {
namespace {

constexpr size_t kLineBytesMax = 4096;
constexpr size_t kSpaceBytesMax = 1024;  // around a result
constexpr size_t kShownBytesMax = 60;

std::string Beginning(const std::string& output) {
  const absl::string_view text = absl::StripAsciiWhitespace(output);
  if (text.empty()) return "it wrote no result to its standard output";
  return absl::StrCat("its standard output is not JSON; it begins with: ", Utf8Prefix(text, kShownBytesMax));
}

RunResult ResultOf(const std::string& output, size_t result_bytes_max) {
  const absl::StatusOr<Json> result = ParseJson(output, output.size());
  if (result.ok()) return MakeResult(*result, result_bytes_max);
  if (ErrorReason(result.status()) == "JSON_TOO_DEEP")
    return MakeFailure("RESULT_TOO_DEEP",
                       absl::StrCat("the result is nested more than ", kJsonDepthMax, " deep"));
  return MakeFailure("RESULT_NOT_JSON", Beginning(output));
}

// What the function itself says of its failure, in {"error": …} and nothing else.
std::optional<FunctionError> OwnFailure(const std::string& output) {
  const absl::StatusOr<Json> json = ParseJson(output, output.size());
  if (!json.ok() || !json->is_object() || json->size() != 1 || !json->contains("error")) return std::nullopt;
  return ParseOwnFailure((*json)["error"]);
}

}  // namespace

class ProcessRunnable::Run final : public ProgramListener {
 public:
  Run(ProgramHost* host, std::shared_ptr<Runs> runs, RunRequest request, RunSink* sink, uint64_t cpu_limit_s)
      : host_(host),
        runs_(std::move(runs)),
        request_(std::move(request)),
        sink_(sink),
        cpu_limit_s_(cpu_limit_s),
        progress_(host, request_.run, sink) {}

  static void Launch(const std::shared_ptr<Run>& run, const ProgramSpec& program) {
    ProgramSpec spec = program;
    spec.environment.push_back(absl::StrCat("LAMPPOST_REQUEST_ID=", ToString(run->request_.id)));
    (*run->runs_)[run->request_.run] = run;
    run->program_ = run->host_->Launch(std::move(spec), run);
    run->host_->Write(run->program_, absl::StrCat(CanonicalText(run->request_.params), "\n"));
    run->host_->CloseInput(run->program_);
  }

  void Kill() {
    killed_ = true;
    host_->Kill(program_);
  }

  void TakeOutput(absl::string_view bytes) override {
    if (too_large_) return;
    too_large_ = output_.size() + bytes.size() > request_.result_bytes_max + kSpaceBytesMax;
    if (too_large_) {
      output_ = std::string();
      host_->Kill(program_);
    } else {
      output_.append(bytes.data(), bytes.size());
    }
  }

  void TakeErrorOutput(absl::string_view bytes) override {
    error_lines_.Add(bytes, [this](absl::string_view line) { TakeErrorLine(line); });
  }

  void TakeProgress(absl::string_view bytes) override {
    progress_lines_.Add(bytes, [this](absl::string_view line) {
      if (std::optional<Progress> progress = ParseProgress(line)) progress_.Report(*std::move(progress));
    });
  }

  void Lost() override { runs_->erase(request_.run); }

  void Ended(const ProgramEnd& end) override {
    error_lines_.Finish([this](absl::string_view line) { TakeErrorLine(line); });
    progress_.Flush();
    RunResult result = Judge(end);
    if (auto* error = std::get_if<FunctionError>(&result)) error->error_output = error_output_.Text();
    runs_->erase(request_.run);
    sink_->Finished(request_.run, std::move(result));
  }

 private:
  void TakeErrorLine(absl::string_view line) {
    if (std::optional<Progress> progress = ParseProgressLine(line)) {
      progress_.Report(*std::move(progress));
    } else {
      error_output_.Add(line);
      error_output_.Add("\n");
    }
  }

  RunResult Judge(const ProgramEnd& end) const {
    const bool exited = end.not_started.empty() && WIFEXITED(end.wait_status);
    if ((killed_ || host_->stopping()) && !exited) return MakeFailure(kKilled, "the run was ended");
    if (too_large_) {
      return MakeFailure("RESULT_TOO_LARGE", absl::StrCat("it wrote more than ", request_.result_bytes_max,
                                                          " bytes to its standard output"));
    }
    if (exited && WEXITSTATUS(end.wait_status) == 0) return ResultOf(output_, request_.result_bytes_max);
    FunctionError error = FailureOf(end, cpu_limit_s_);
    if (exited) {
      if (std::optional<FunctionError> own = OwnFailure(output_)) {
        error.reason = own->reason;
        error.message = own->message;
      }
    }
    return error;
  }

  ProgramHost* const host_;
  const std::shared_ptr<Runs> runs_;
  const RunRequest request_;
  RunSink* const sink_;
  const uint64_t cpu_limit_s_;
  ProgramId program_ = 0;
  ProgressRelay progress_;
  bool killed_ = false;
  bool too_large_ = false;
  std::string output_;
  LineSplitter error_lines_{kLineBytesMax};
  LineSplitter progress_lines_{kLineBytesMax};
  TextTail error_output_;
};

ProcessRunnable::ProcessRunnable(std::shared_ptr<ProgramHost> host, ProgramSpec program)
    : host_(std::move(host)),
      program_(std::make_shared<const ProgramSpec>(std::move(program))),
      runs_(std::make_shared<Runs>()) {}

void ProcessRunnable::Start(RunRequest request, RunSink* sink) {
  const RunId id = request.run;
  // Moved, so that it is destroyed on the host's thread.
  auto run = std::make_shared<Run>(host_.get(), runs_, std::move(request), sink, program_->limits.cpu_s);
  const bool posted = host_->Post([host = host_.get(), program = program_, run = std::move(run), id, sink] {
    if (host->stopping()) return sink->Finished(id, MakeFailure(kKilled, "the run was ended"));
    Run::Launch(run, *program);
  });
  if (!posted) sink->Finished(id, MakeFailure(kKilled, "the run was ended"));
}

void ProcessRunnable::Kill(RunId run) {
  host_->Post([runs = runs_, run] {
    const auto found = runs->find(run);
    const std::shared_ptr<Run> running = found == runs->end() ? nullptr : found->second.lock();
    if (running != nullptr) running->Kill();
  });
}

}  // namespace lamppost::rpc
