#include "clients/cli/duration.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace lamppost::cli {
namespace {

absl::Status Refusal(absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat(
      "'", text, "' is not a duration: write a number with a unit, such as 500ms, 10s, 1m or 1m30s"));
}

constexpr int64_t kTtlMsMax = int64_t{3650} * 24 * 3600 * 1000;

absl::StatusOr<int64_t> Parse(absl::string_view text, int64_t most_ms, absl::string_view most) {
  absl::Duration duration;
  // Abseil also takes "inf" and signs, which mean nothing here.
  if (text.empty() || text[0] < '0' || text[0] > '9' || !absl::ParseDuration(text, &duration)) {
    return Refusal(text);
  }
  if (duration < absl::Milliseconds(1)) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is less than 1ms"));
  }
  if (duration > absl::Milliseconds(most_ms)) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is more than ", most));
  }
  return absl::ToInt64Milliseconds(duration);
}

}  // namespace

absl::StatusOr<int64_t> ParseDurationMs(absl::string_view text) {
  return Parse(text, kDurationMsMax, "a week");
}

absl::StatusOr<int64_t> ParseTtlMs(absl::string_view text) {
  return Parse(text, kTtlMsMax, "10 years (87600h)");
}

std::string FormatDurationMs(int64_t duration_ms) {
  const int64_t seconds = std::max<int64_t>(0, duration_ms) / 1000;
  if (seconds == 0) return absl::StrCat(std::max<int64_t>(0, duration_ms), "ms");
  if (seconds < 60) return absl::StrCat(seconds, "s");
  if (seconds < 3600) return absl::StrCat(seconds / 60, "m", seconds % 60, "s");
  if (seconds < 86'400) return absl::StrCat(seconds / 3600, "h", seconds / 60 % 60, "m");
  return absl::StrCat(seconds / 86'400, "d", seconds / 3600 % 24, "h");
}

}  // namespace lamppost::cli
