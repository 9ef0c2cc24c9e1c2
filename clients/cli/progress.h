// A progress bar on stderr.
#ifndef LAMPPOST_CLIENTS_CLI_PROGRESS_H_
#define LAMPPOST_CLIENTS_CLI_PROGRESS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "clients/cli/io.h"
#include "clients/cpp/time_source.h"

namespace lamppost::cli {

enum class ProgressUnit { kBytes, kKeys };

struct ProgressState {
  ProgressUnit unit = ProgressUnit::kKeys;
  uint64_t done = 0;
  std::optional<uint64_t> total;  // unset or 0: not known
  uint64_t keys = 0;
  int64_t elapsed_ms = 0;
};

// "[=====>              ]  30%  3.0 MiB of 10.0 MiB  12.5k keys/s  ETA 7s". Pure.
std::string RenderProgress(const ProgressState& state);

// Draws at most ten times a second, and nothing unless io.progress is on. Not thread-safe.
class Progress {
 public:
  Progress(const Io& io, client::TimeSource* time, ProgressUnit unit, std::optional<uint64_t> total);
  ~Progress() { Clear(); }

  void Update(uint64_t done, uint64_t keys);
  // Leaves the line empty for whatever comes next.
  void Clear();

 private:
  const Io io_;
  client::TimeSource* const time_;
  const int64_t started_ms_;
  ProgressState state_;
  int64_t drawn_ms_ = 0;
  bool on_screen_ = false;
};

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_PROGRESS_H_
