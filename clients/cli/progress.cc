#include "clients/cli/progress.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/duration.h"

namespace lamppost::cli {
namespace {

constexpr int kBarWidth = 24;
constexpr int64_t kDrawIntervalMs = 100;

std::string Amount(ProgressUnit unit, uint64_t amount) {
  if (unit == ProgressUnit::kKeys) return absl::StrCat(amount);
  return absl::StrFormat("%.1f MiB", static_cast<double>(amount) / (1 << 20));
}

std::string Rate(uint64_t keys, int64_t elapsed_ms) {
  const double rate =
      static_cast<double>(keys) * 1000 / static_cast<double>(std::max<int64_t>(1, elapsed_ms));
  return rate < 1000 ? absl::StrFormat("%.0f keys/s", rate) : absl::StrFormat("%.1fk keys/s", rate / 1000);
}

}  // namespace

std::string RenderProgress(const ProgressState& state) {
  const std::string rate = Rate(state.keys, state.elapsed_ms);
  const std::string done = Amount(state.unit, state.done);
  if (state.total.value_or(0) == 0) {
    return absl::StrCat(done, state.unit == ProgressUnit::kKeys ? " keys  " : "  ", rate, "  ",
                        FormatDurationMs(state.elapsed_ms));
  }
  const double total = static_cast<double>(*state.total);
  const double part = std::min(1.0, static_cast<double>(state.done) / total);
  const int filled = static_cast<int>(part * kBarWidth);
  std::string bar(static_cast<size_t>(filled), '=');
  if (filled < kBarWidth) bar += '>';
  bar.resize(kBarWidth, ' ');
  std::string line = absl::StrFormat("[%s] %3d%%  %s of %s  %s", bar, static_cast<int>(part * 100), done,
                                     Amount(state.unit, *state.total), rate);
  if (part > 0) {
    const double left_ms = static_cast<double>(state.elapsed_ms) * (1 - part) / part;
    absl::StrAppend(&line, "  ETA ", FormatDurationMs(static_cast<int64_t>(left_ms)));
  }
  return line;
}

Progress::Progress(const Io& io, client::TimeSource* time, ProgressUnit unit, std::optional<uint64_t> total)
    : io_(io), time_(time), started_ms_(time->NowMs()) {
  state_.unit = unit;
  state_.total = total;
}

void Progress::Update(uint64_t done, uint64_t keys) {
  if (io_.progress == ProgressBar::kOff) return;
  const int64_t now_ms = time_->NowMs();
  if (on_screen_ && now_ms - drawn_ms_ < kDrawIntervalMs) return;
  state_.done = done;
  state_.keys = keys;
  state_.elapsed_ms = now_ms - started_ms_;
  drawn_ms_ = now_ms;
  on_screen_ = true;
  *io_.err << "\r" << RenderProgress(state_) << "\x1b[K" << std::flush;
}

void Progress::Clear() {
  if (on_screen_) *io_.err << "\r\x1b[K" << std::flush;
  on_screen_ = false;
}

}  // namespace lamppost::cli
