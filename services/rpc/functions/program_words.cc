#include "services/rpc/functions/program_words.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/rpc/functions/text_bounds.h"

namespace lamppost::rpc {
namespace {

constexpr size_t kMessageBytesMax = 1024;
constexpr size_t kReasonBytesMax = 63;
constexpr absl::string_view kSpaces = " \t";

bool IsReason(absl::string_view text) {
  if (text.empty() || text.size() > kReasonBytesMax ||
      !absl::ascii_isupper(static_cast<unsigned char>(text[0])))
    return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return absl::ascii_isupper(byte) || absl::ascii_isdigit(byte) || c == '_';
  });
}

std::string StringOr(const Json& object, const char* name, std::string otherwise) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::move(otherwise);
}

std::string DescribeSignal(int signal_number, const ProgramEnd& end, uint64_t cpu_limit_s) {
  // After SIGXCPU the kernel sends SIGKILL.
  const bool cpu = signal_number == SIGXCPU || (signal_number == SIGKILL && end.cpu_ms >= cpu_limit_s * 1000);
  if (cpu_limit_s > 0 && cpu) return absl::StrCat("it used up its processor time, ", cpu_limit_s, " s");
  const char* name = strsignal(signal_number);
  return absl::StrCat("it was ended by signal ", signal_number, " (", name == nullptr ? "?" : name, ")");
}

}  // namespace

void LineSplitter::Add(absl::string_view bytes, const std::function<void(absl::string_view)>& take) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const absl::string_view part = bytes.substr(0, std::min(end, line_bytes_max_ - pending_.size()));
    pending_.append(part.data(), part.size());
    bytes.remove_prefix(part.size());
    const bool ended = !bytes.empty() && bytes[0] == '\n';
    if (ended) bytes.remove_prefix(1);
    if (!ended && pending_.size() < line_bytes_max_) continue;
    const std::string line = std::exchange(pending_, std::string());
    take(line);
  }
}

void LineSplitter::Finish(const std::function<void(absl::string_view)>& take) {
  const std::string line = std::exchange(pending_, std::string());
  if (!line.empty()) take(line);
}

void TextTail::Add(absl::string_view bytes) {
  bytes_.append(bytes.data(), bytes.size());
  if (bytes_.size() > 4 * kErrorOutputBytesMax) bytes_.erase(0, bytes_.size() - 2 * kErrorOutputBytesMax);
}

std::string TextTail::Text() const {
  return Utf8Suffix(bytes_, kErrorOutputBytesMax);
}

std::optional<Progress> ParseProgress(absl::string_view line) {
  line = absl::StripAsciiWhitespace(line);
  const size_t end = std::min(line.find_first_of(kSpaces), line.size());
  const absl::string_view number = absl::StripSuffix(line.substr(0, end), "%");
  Progress progress;
  double percent = 0;
  if (number == "-") {
    progress.fraction = std::nullopt;
  } else if (absl::SimpleAtod(number, &percent) && percent == percent) {
    progress.fraction = std::clamp(percent / 100, 0.0, 1.0);
  } else {
    return std::nullopt;
  }
  progress.message = Utf8Prefix(absl::StripAsciiWhitespace(line.substr(end)), kProgressMessageBytesMax);
  return progress;
}

std::optional<Progress> ParseProgressLine(absl::string_view line) {
  if (!absl::ConsumePrefix(&line, "progress") || line.empty() ||
      kSpaces.find(line[0]) == absl::string_view::npos)
    return std::nullopt;
  return ParseProgress(line);
}

FunctionError MakeFailure(absl::string_view reason, absl::string_view message) {
  FunctionError error;
  error.reason = std::string(reason);
  error.message = Utf8Prefix(message, kMessageBytesMax);
  return error;
}

std::optional<FunctionError> ParseOwnFailure(const Json& error) {
  if (!error.is_object()) return std::nullopt;
  const std::string reason = StringOr(error, "reason", "");
  // Only the server itself says that it has killed a run.
  const bool good = IsReason(reason) && reason != kKilled;
  return MakeFailure(good ? reason : "FUNCTION_FAILED", StringOr(error, "message", ""));
}

FunctionError FailureOf(const ProgramEnd& end, uint64_t cpu_limit_s) {
  if (!end.not_started.empty()) return MakeFailure("NOT_EXECUTABLE", end.not_started);
  if (WIFSIGNALED(end.wait_status)) {
    FunctionError error = MakeFailure("SIGNAL", DescribeSignal(WTERMSIG(end.wait_status), end, cpu_limit_s));
    error.signal = WTERMSIG(end.wait_status);
    return error;
  }
  const int code = WEXITSTATUS(end.wait_status);
  FunctionError error = MakeFailure("EXIT_CODE", absl::StrCat("it ended with exit code ", code));
  error.exit_code = code;
  return error;
}

}  // namespace lamppost::rpc
