#include "services/rpc/functions/worker.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/rpc/functions/text_bounds.h"

namespace lamppost::rpc {
namespace {

constexpr size_t kLineBytesMax = size_t{4} << 20;  // above every function's bound
constexpr size_t kAroundResultBytesMax = 1024;
constexpr size_t kShownBytesMax = 60;

FunctionError Failed(absl::string_view message) {
  return MakeFailure("WORKER_FAILED", message);
}

}  // namespace

void Worker::Launch(const std::shared_ptr<Worker>& worker, const ProgramSpec& program) {
  worker->program_ = worker->host_->Launch(program, worker);
}

void Worker::Take(WorkerCall call) {
  call_ = std::move(call);
  progress_.emplace(host_, call_->request.run, call_->sink);
  error_output_ = TextTail();
  const Json line = {{"request_id", ToString(call_->request.id)}, {"params", call_->request.params}};
  host_->Write(program_, absl::StrCat(CanonicalText(line), "\n"));
}

std::optional<RunId> Worker::run() const {
  if (!call_) return std::nullopt;
  return call_->request.run;
}

void Worker::Kill() {
  killed_ = true;
  ending_ = true;
  host_->Kill(program_);
}

void Worker::End(uint64_t grace_ms) {
  if (ending_) return;
  ending_ = true;
  host_->CloseInput(program_);
  host_->RunAfter(grace_ms, [host = host_, program = program_] { host->Kill(program); });
}

void Worker::TakeOutput(absl::string_view bytes) {
  if (spoiled_) return;
  lines_.Add(bytes, [this](absl::string_view line) { TakeLine(line); });
  if (call_ && !spoiled_ &&
      lines_.pending_bytes() > call_->request.result_bytes_max + kAroundResultBytesMax) {
    Spoil(MakeFailure("RESULT_TOO_LARGE", absl::StrCat("it wrote more than ", call_->request.result_bytes_max,
                                                       " bytes in a line")));
  }
  if (!std::exchange(answered_now_, false) || spoiled_) return;
  if (lines_.pending_bytes() > 0) return Spoil(Failed("it wrote more than an answer"));
  // Only now, so that what came with the answer is not taken for that to the next call.
  hooks_.idle(this);
}

void Worker::TakeLine(absl::string_view line) {
  if (spoiled_ || absl::StripAsciiWhitespace(line).empty()) return;
  if (!call_) return Spoil(Failed("it wrote a line without being asked"));
  const absl::StatusOr<Json> json = ParseJson(line, kLineBytesMax);
  if (!json.ok() && ErrorReason(json.status()) == "JSON_TOO_DEEP") {
    // Whose answer it is cannot be read.
    Spoil(MakeFailure("RESULT_TOO_DEEP",
                      absl::StrCat("the result is nested more than ", kJsonDepthMax, " deep")));
  } else if (!json.ok() || !json->is_object()) {
    Spoil(Failed(absl::StrCat("it wrote a line that is no JSON object; it begins with: ",
                              Utf8Prefix(line, kShownBytesMax))));
  } else if (const auto id = json->find("request_id"); id == json->end()) {
    Spoil(Failed("it wrote an answer without a request id"));
  } else if (*id != Json(ToString(call_->request.id))) {
    // One that came late: it must not become another caller's.
    Spoil(Failed("it wrote an answer with another request id than that of its call"));
  } else if (const auto result = json->find("result"); result != json->end()) {
    Answer(MakeResult(*result, call_->request.result_bytes_max));
  } else if (const auto error = json->find("error"); error != json->end()) {
    std::optional<FunctionError> failure = ParseOwnFailure(*error);
    Answer(failure ? *std::move(failure) : MakeFailure("FUNCTION_FAILED", CanonicalText(*error)));
  } else if (const auto progress = json->find("progress"); progress != json->end()) {
    TakeProgressOf(*progress);
  } else {
    Spoil(Failed("it wrote a line without \"result\", \"error\" or \"progress\""));
  }
}

void Worker::TakeProgressOf(const Json& told) {
  if (!told.is_object()) return;
  Progress progress;
  const auto fraction = told.find("fraction");
  if (fraction != told.end() && fraction->is_number())
    progress.fraction = std::clamp(fraction->get<double>(), 0.0, 1.0);
  const auto message = told.find("message");
  if (message != told.end() && message->is_string())
    progress.message = Utf8Prefix(message->get_ref<const std::string&>(), kProgressMessageBytesMax);
  progress_->Report(std::move(progress));
}

void Worker::Answer(RunResult result) {
  has_answered_ = true;
  answered_now_ = true;
  Finish(std::move(result));
}

void Worker::Finish(RunResult result) {
  if (auto* error = std::get_if<FunctionError>(&result)) error->error_output = error_output_.Text();
  progress_->Flush();
  progress_.reset();
  const WorkerCall call = *std::exchange(call_, std::nullopt);
  call.sink->Finished(call.request.run, std::move(result));
}

void Worker::Spoil(FunctionError error) {
  spoiled_ = std::move(error);
  ending_ = true;
  host_->Kill(program_);
}

// No answer can come any more. If it is ending anyway, how it ends says more than this.
void Worker::OutputClosed() {
  if (ending_) return;
  output_closed_ = true;
  ending_ = true;
  host_->Kill(program_);
}

void Worker::Ended(const ProgramEnd& end) {
  if (call_) Finish(Judge(end));
  hooks_.ended(this);
}

// Whether its call has been done is not known, so nobody is told.
void Worker::Lost() {
  ending_ = true;
  progress_.reset();
  call_.reset();
  hooks_.ended(this);
}

RunResult Worker::Judge(const ProgramEnd& end) const {
  if (killed_ || host_->stopping()) return MakeFailure(kKilled, "the run was ended");
  if (spoiled_) return *spoiled_;
  FunctionError error = FailureOf(end, 0);
  if (!end.not_started.empty()) return error;
  if (output_closed_ && error.signal == SIGKILL)
    return Failed("it closed its standard output in the middle of the call");
  error.reason = "WORKER_FAILED";
  error.message = absl::StrCat("the worker ended in the middle of the call: ", error.message);
  return error;
}

}  // namespace lamppost::rpc
