// What programs and workers write, through the thread that serves them: a run ends exactly once, with what
// the program has said or with a failure, and whatever comes of it is within bounds and can be sent.
//
// An input is a byte for how it is run, a byte for how it ends, frames with its error output and its
// progress, and then its output: first a byte for how large the pieces are in which it comes.
#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/common/logging.h"
#include "services/common/utf8.h"
#include "services/rpc/core/testing/engine_server.h"
#include "services/rpc/functions/process_runnable.h"
#include "services/rpc/functions/program_words.h"
#include "services/rpc/functions/worker_runnable.h"
#include "tests/fuzz/fake_launcher.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::fuzz {
namespace {

constexpr size_t kResultBytesMax = 2000;

enum class Kind { kProcess, kWorker };

void CheckProgress(const rpc::Progress& progress) {
  FUZZ_CHECK(!progress.fraction || (*progress.fraction >= 0 && *progress.fraction <= 1),
             "more than all is done");
  FUZZ_CHECK(progress.message.size() <= rpc::kProgressMessageBytesMax, "a long message of progress");
  FUZZ_CHECK(IsUtf8(progress.message), "a message of progress that is no text");
}

class Sink final : public rpc::RunSink {
 public:
  void Progressed(rpc::RunId run, rpc::Progress progress) override {
    CheckProgress(progress);
    absl::MutexLock lock(&mu_);
    FUZZ_CHECK(run == 1 && !result_, "progress of another run, or after its end");
  }
  void Finished(rpc::RunId run, rpc::RunResult result) override {
    absl::MutexLock lock(&mu_);
    FUZZ_CHECK(run == 1 && !result_, "another run has ended, or one twice");
    result_ = std::move(result);
  }
  rpc::RunResult Wait() {
    absl::MutexLock lock(&mu_);
    const auto has_ended = [this] { return result_.has_value(); };
    FUZZ_CHECK(mu_.AwaitWithTimeout(absl::Condition(&has_ended), absl::Seconds(15)), "a run does not end");
    return *result_;
  }

 private:
  absl::Mutex mu_;
  std::optional<rpc::RunResult> result_ ABSL_GUARDED_BY(mu_);
};

void CheckResult(const rpc::RunResult& result) {
  if (const auto* text = std::get_if<std::string>(&result)) {
    const absl::StatusOr<rpc::Json> value = rpc::ParseJson(*text, kResultBytesMax);
    FUZZ_CHECK(value.ok() && rpc::CanonicalText(*value) == *text,
               "a result is no canonical JSON, or too large");
    return;
  }
  const auto& error = std::get<rpc::FunctionError>(result);
  FUZZ_CHECK(!error.reason.empty() && error.reason.size() < 64 && IsUtf8(error.reason), "a bad reason");
  FUZZ_CHECK(error.reason != rpc::kKilled, "a program says that the server has killed it");
  FUZZ_CHECK(error.message.size() <= 4096 && IsUtf8(error.message), "a message that cannot be sent");
  FUZZ_CHECK(error.error_output.size() <= rpc::kErrorOutputBytesMax && IsUtf8(error.error_output),
             "an error output that cannot be sent");
}

// A program that ends well returns what it has written, if that is JSON, can be kept exactly, and is no more
// than it may be.
void CheckProcess(const ProgramPlay& play, const rpc::RunResult& result) {
  const auto* const text = std::get_if<std::string>(&result);
  if (play.error != 0 || play.wait_status != 0) {
    FUZZ_CHECK(text == nullptr, "a program that failed returned something");
    return;
  }
  const std::string output = absl::StrJoin(play.output, "");
  const absl::StatusOr<rpc::Json> value = rpc::ParseJson(output, kResultBytesMax);
  const bool good =
      value.ok() && rpc::IsExact(*value) && rpc::CanonicalText(*value).size() <= kResultBytesMax;
  if (good)
    FUZZ_CHECK(text != nullptr && *text == rpc::CanonicalText(*value), "a result is not what was written");
  if (!value.ok() && output.size() <= kResultBytesMax)
    FUZZ_CHECK(text == nullptr, "a result that is no JSON");
  if (value.ok() && !rpc::IsExact(*value)) FUZZ_CHECK(text == nullptr, "a result that was rounded");
}

// A worker's result is of a line that names the request: nothing else could tell whose it is.
void CheckWorker(const ProgramPlay& play, const rpc::RequestId& id, const rpc::RunResult& result) {
  if (!std::holds_alternative<std::string>(result)) return;
  bool named = false;
  const std::string output = absl::StrJoin(play.output, "");
  for (const absl::string_view line : absl::StrSplit(output, '\n')) {
    const absl::StatusOr<rpc::Json> json = rpc::ParseJson(line, size_t{4} << 20);
    if (!json.ok() || !json->is_object() || !json->contains("result")) continue;
    named |= json->value("request_id", rpc::Json()) == rpc::Json(rpc::ToString(id));
  }
  FUZZ_CHECK(named, "a worker's result without its request id");
}

std::vector<std::string> Pieces(absl::string_view bytes, size_t size) {
  std::vector<std::string> pieces;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) {
    pieces.emplace_back(bytes.substr(0, size));
  }
  return pieces;
}

ProgramPlay ReadPlay(Input* input) {
  ProgramPlay play;
  const uint8_t end = input->Byte();
  if (end % 8 == 1) play.wait_status = end << 8;  // an exit code
  if (end % 8 == 2) play.wait_status = end % 2 == 0 ? SIGKILL : SIGXCPU;
  if (end % 8 == 3) play.error = 1 + end / 8;
  play.error_output = std::string(input->Frame());
  play.progress = std::string(input->Frame());
  // Few writes, for each takes the system's time.
  const size_t size = 1 + input->Byte() % 4 * 64 + input->rest().size() / 8;
  play.output = Pieces(input->rest(), size);
  return play;
}

void CheckRun(Kind kind, const ProgramPlay& play) {
  // It lives as long as the process: its thread is the one that is tested.
  static auto* const launcher = new FakeLauncher();
  rpc::ProgramSpec spec;
  spec.command = {"program"};
  spec.directory = "/";
  std::unique_ptr<rpc::Runnable> runnable;
  if (kind == Kind::kWorker) {
    runnable = std::make_unique<rpc::WorkerRunnable>(launcher->host(), spec, rpc::WorkerOptions());
  } else {
    runnable = std::make_unique<rpc::ProcessRunnable>(launcher->host(), spec);
  }
  rpc::RunRequest request;
  request.run = 1;
  const rpc::RequestId id = rpc::testing::IdAt(rpc::testing::kWallMs, 1);
  request.id = id;
  request.params = rpc::Json::object();
  request.result_bytes_max = kResultBytesMax;
  Sink sink;
  runnable->Start(std::move(request), &sink);
  launcher->Play(play);
  const rpc::RunResult result = sink.Wait();
  CheckResult(result);
  if (kind == Kind::kProcess) {
    CheckProcess(play, result);
  } else {
    CheckWorker(play, id, result);
  }
}

std::vector<std::string> Lines(const std::vector<std::string>& pieces, size_t line_bytes_max) {
  std::vector<std::string> lines;
  const auto take = [&](absl::string_view line) {
    FUZZ_CHECK(line.size() <= line_bytes_max, "a line beyond its bound");
    FUZZ_CHECK(!absl::StrContains(line, '\n'), "a line with a line end in it");
    // Where a line of the longest kind ends depends on the pieces: there may be an empty one behind it.
    if (!line.empty()) lines.emplace_back(line);
  };
  rpc::LineSplitter splitter(line_bytes_max);
  for (const std::string& piece : pieces) splitter.Add(piece, take);
  splitter.Finish(take);
  return lines;
}

// However the bytes come, the words are the same.
void CheckWords(Input* input) {
  const size_t size = 1 + input->Byte();
  const size_t line_bytes_max = 1 + input->Byte();
  const absl::string_view bytes = input->rest();
  const std::vector<std::string> lines = Lines(Pieces(bytes, size), line_bytes_max);
  FUZZ_CHECK(lines == Lines(Pieces(bytes, bytes.size() + 1), line_bytes_max), "other pieces, other lines");
  rpc::TextTail tail;
  for (const std::string& line : lines) {
    tail.Add(line);
    if (const auto progress = rpc::ParseProgress(line)) CheckProgress(*progress);
    if (const auto progress = rpc::ParseProgressLine(line)) CheckProgress(*progress);
    const absl::StatusOr<rpc::Json> json = rpc::ParseJson(line, line_bytes_max);
    if (!json.ok()) continue;
    if (const auto failure = rpc::ParseOwnFailure(*json)) CheckResult(*failure);
  }
  const std::string text = tail.Text();
  FUZZ_CHECK(text.size() <= rpc::kErrorOutputBytesMax && IsUtf8(text), "an end that is too long, or no text");
  const std::string all = absl::StrJoin(lines, "");
  if (IsUtf8(all)) FUZZ_CHECK(absl::EndsWith(all, text), "an end that is not the end");
}

// What the launcher reads, it reads alike when it is written again.
void CheckPacket(absl::string_view packet) {
  const std::optional<rpc::LaunchRequest> request = rpc::DecodeRequest(packet);
  if (!request) return;
  const std::optional<std::string> encoded = rpc::EncodeRequest(*request);
  FUZZ_CHECK(encoded || packet.size() > rpc::kLaunchPacketBytesMax,
             "a packet was read that cannot be written");
  if (!encoded) return;
  const std::optional<rpc::LaunchRequest> again = rpc::DecodeRequest(*encoded);
  FUZZ_CHECK(again && again->kind == request->kind && again->program == request->program &&
                 again->spec.command == request->spec.command &&
                 again->spec.environment == request->spec.environment &&
                 again->spec.directory == request->spec.directory &&
                 again->spec.limits.cpu_s == request->spec.limits.cpu_s,
             "a packet is another one when it is written again");
}

}  // namespace
}  // namespace lamppost::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost;
  SetLogOptions({LogLevel::kError, LogFormat::kLogfmt});  // workers that end at once are nothing special here
  fuzz::Input input(fuzz::BytesOf(data, size));
  switch (input.Byte() % 4) {
    case 0:
      fuzz::CheckRun(fuzz::Kind::kProcess, fuzz::ReadPlay(&input));
      break;
    case 1:
      fuzz::CheckRun(fuzz::Kind::kWorker, fuzz::ReadPlay(&input));
      break;
    case 2:
      fuzz::CheckWords(&input);
      break;
    default:
      fuzz::CheckPacket(input.rest());
  }
  return 0;
}
