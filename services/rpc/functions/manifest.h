// A function's manifest: a JSON file that says which program it is and how it is run.
//
//   {"command": ["./weather.py"], "description": "Tomorrow's weather.", "idempotent": true,
//    "params": {"type": "object", "properties": {"city": {"type": "string"}}}}
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_MANIFEST_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_MANIFEST_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/rpc/core/function.h"
#include "services/rpc/functions/launch_protocol.h"

namespace lamppost::rpc {

inline constexpr size_t kManifestBytesMax = 64 * 1024;

struct Manifest {
  enum class Mode { kProcess, kWorker };

  FunctionSpec spec;
  Mode mode = Mode::kProcess;
  std::shared_ptr<const ParamsSchema> params;
  ProgramSpec program;  // its command's first word as it is written; see FindCommand
};

// The manifest in `text`, of the file of that name in the directory. The function's name is the file's
// without
// ".json"; no other may be said. INVALID_ARGUMENT (MANIFEST_INVALID): the message says what is wrong, and
// where.
absl::StatusOr<Manifest> ParseManifest(absl::string_view text, const std::string& file,
                                       const std::string& directory);

// The path of the command: one with a slash is from the directory, one without is looked for in the PATH that
// programs get. NOT_FOUND or FAILED_PRECONDITION (COMMAND_UNUSABLE) if it is not there or cannot be run.
absl::StatusOr<std::string> FindCommand(const std::string& word, const std::string& directory);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_MANIFEST_H_
