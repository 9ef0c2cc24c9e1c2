#include "clients/cli/call_progress.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/duration.h"
#include "clients/cli/text_table.h"
#include "services/common/utf8.h"

namespace lamppost::cli {
namespace {

constexpr int kBarWidth = 24;
constexpr size_t kMessageCharactersMax = 40;  // so that all fits into a line of 80
constexpr int64_t kDrawIntervalMs = 100;

std::string Shortened(absl::string_view message) {
  const std::string printable = Printable(message);
  size_t bytes = 0;
  for (size_t i = 0; i < kMessageCharactersMax; ++i) {
    bytes += FirstUtf8Character(absl::string_view(printable).substr(bytes)).bytes;
  }
  return bytes < printable.size() ? absl::StrCat(printable.substr(0, bytes), "…") : printable;
}

}  // namespace

std::string RenderCallProgress(const rpc::v1::Progress& progress, int64_t elapsed_ms) {
  std::string line;
  if (progress.has_fraction()) {
    // Written so that a NaN is 0.
    const double part = progress.fraction() > 0 ? std::min(1.0, progress.fraction()) : 0;
    std::string bar(static_cast<size_t>(part * kBarWidth), '=');
    if (bar.size() < kBarWidth) bar += '>';
    bar.resize(kBarWidth, ' ');
    line = absl::StrFormat("[%s] %3d%%  ", bar, static_cast<int>(part * 100));
  }
  if (!progress.message().empty()) absl::StrAppend(&line, Shortened(progress.message()), "  ");
  return absl::StrCat(line, FormatDurationMs(elapsed_ms));
}

CallProgress::CallProgress(const Io& io, Verbosity verbosity, client::TimeSource* time)
    : io_(io), verbosity_(verbosity), time_(time), started_ms_(time->NowMs()) {}

void CallProgress::Update(const rpc::v1::Progress& progress) {
  const int64_t now_ms = time_->NowMs();
  const int64_t elapsed_ms = now_ms - started_ms_;
  if (verbosity_ == Verbosity::kEachAttempt) {
    std::string line = "progress:";
    if (progress.has_fraction()) absl::StrAppendFormat(&line, " %.1f%%", progress.fraction() * 100);
    absl::StrAppend(&line, progress.message().empty() ? "" : " ", Printable(progress.message()), " after ",
                    FormatDurationMs(elapsed_ms), "\n");
    *io_.err << line << std::flush;
    return;
  }
  if (io_.progress == ProgressBar::kOff || (on_screen_ && now_ms - drawn_ms_ < kDrawIntervalMs)) return;
  drawn_ms_ = now_ms;
  on_screen_ = true;
  *io_.err << "\r" << RenderCallProgress(progress, elapsed_ms) << "\x1b[K" << std::flush;
}

void CallProgress::Clear() {
  if (on_screen_) *io_.err << "\r\x1b[K" << std::flush;
  on_screen_ = false;
}

}  // namespace lamppost::cli
