// The trace command, understood and checked.
#ifndef LAMPPOST_CLIENTS_CLI_TRACE_ARGUMENTS_H_
#define LAMPPOST_CLIENTS_CLI_TRACE_ARGUMENTS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "clients/cli/trace_output.h"
#include "clients/diagram/view.h"

namespace lamppost::cli {

struct TraceArguments {
  std::vector<TraceOutput> outputs;
  std::optional<int64_t> for_ms;  // unset: until a signal comes
  std::string from_file;          // draws a stored trace instead; empty: traces the nodes
  diagram::DrawOptions draw;
};

// What CLI11 fills in, before it is checked.
struct RawTraceArguments {
  std::vector<std::string> outputs;
  std::string duration;
  std::string key;
  std::string prefix;
  bool all = false;
  TraceArguments arguments;
};

// Adds the command; `raw` must outlive the app.
void AddTraceVerb(CLI::App* app, RawTraceArguments* raw);

// Completes raw->arguments. INVALID_ARGUMENT says what is wrong with which.
absl::Status CheckTraceArguments(RawTraceArguments* raw);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_TRACE_ARGUMENTS_H_
