// Writes a trace to everything that was asked for: files, which appear when they are whole, and standard
// output.
#ifndef LAMPPOST_CLIENTS_CLI_TRACE_WRITER_H_
#define LAMPPOST_CLIENTS_CLI_TRACE_WRITER_H_

#include <cstddef>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/atomic_file.h"
#include "clients/cli/trace_output.h"
#include "clients/diagram/event.h"
#include "clients/diagram/view.h"

namespace lamppost::cli {

struct TraceSummary {
  size_t arrows = 0;
  std::vector<std::string> violations;  // see diagram::History
  std::vector<std::string> paths;       // of the files written
};

// Not thread-safe.
class TraceWriter {
 public:
  // Makes sure that all of them can be written, before there is anything to write. INVALID_ARGUMENT.
  static absl::StatusOr<TraceWriter> Open(const std::vector<TraceOutput>& outputs);

  // Once. Errors are those of diagram::Build and of AtomicFile.
  absl::StatusOr<TraceSummary> Write(const std::vector<diagram::Event>& events,
                                     const diagram::DrawOptions& options, std::ostream* out);

 private:
  struct Target {
    TraceOutput output;
    std::unique_ptr<AtomicFile> file;  // null: standard output
  };

  std::vector<Target> targets_;
};

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_TRACE_WRITER_H_
