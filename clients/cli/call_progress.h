// How far a function is, on stderr: a bar on a terminal, lines with -v.
#ifndef LAMPPOST_CLIENTS_CLI_CALL_PROGRESS_H_
#define LAMPPOST_CLIENTS_CLI_CALL_PROGRESS_H_

#include <cstdint>
#include <string>

#include "clients/cli/arguments.h"
#include "clients/cli/io.h"
#include "clients/cpp/time_source.h"
#include "lamppost/rpc/v1/function_service.pb.h"

namespace lamppost::cli {

// "[=====>              ]  30%  reading  2s"; without the bar if the function does not say how far it is. Of
// a long message the beginning. Pure.
std::string RenderCallProgress(const rpc::v1::Progress& progress, int64_t elapsed_ms);

// Not thread-safe.
class CallProgress {
 public:
  CallProgress(const Io& io, Verbosity verbosity, client::TimeSource* time);
  ~CallProgress() { Clear(); }

  void Update(const rpc::v1::Progress& progress);
  // Leaves the line empty for whatever comes next.
  void Clear();

 private:
  const Io io_;
  const Verbosity verbosity_;
  client::TimeSource* const time_;
  const int64_t started_ms_;
  int64_t drawn_ms_ = 0;
  bool on_screen_ = false;
};

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_CALL_PROGRESS_H_
