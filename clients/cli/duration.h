// Durations as people write them. Pure.
#ifndef LAMPPOST_CLIENTS_CLI_DURATION_H_
#define LAMPPOST_CLIENTS_CLI_DURATION_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamppost::cli {

inline constexpr int64_t kDurationMsMax = int64_t{7} * 24 * 3600 * 1000;

// A number with a unit: 500ms, 10s, 1.5s, 2m, 1h, 1m30s. More than nothing, at most a week, whole
// milliseconds. INVALID_ARGUMENT otherwise, saying what is accepted.
absl::StatusOr<int64_t> ParseDurationMs(absl::string_view text);

// The same, up to 10 years (87600h): how long a value is to live.
absl::StatusOr<int64_t> ParseTtlMs(absl::string_view text);

// "850ms", "12s", "3m20s", "2h5m", "4d3h".
std::string FormatDurationMs(int64_t duration_ms);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_DURATION_H_
