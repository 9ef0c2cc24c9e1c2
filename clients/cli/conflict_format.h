// The conflict ledger in the three output formats. Pure.
#ifndef LAMPPOST_CLIENTS_CLI_CONFLICT_FORMAT_H_
#define LAMPPOST_CLIENTS_CLI_CONFLICT_FORMAT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "clients/cli/arguments.h"
#include "clients/cli/io.h"
#include "clients/cli/json_format.h"
#include "clients/cpp/client.h"
#include "lamppost/kv/v1/conflicts.pb.h"

namespace lamppost::cli {

// {"version", "deleted", "value" or "data", "expires_at" if it does, "seen"}
Json DetailedVersionJson(const kv::v1::DetailedVersion& version);
// {"key", "loser", "winner", "decided_by", "found_at", "resolution"}
Json ConflictJson(const kv::v1::Conflict& conflict);

// All of them; `dropped` is how many the ledger has left out.
std::string FormatConflicts(const std::vector<kv::v1::Conflict>& conflicts, uint64_t dropped,
                            OutputFormat format, Colour colour);
// The same in words, a paragraph each; for people only.
std::string DescribeConflicts(const std::vector<kv::v1::Conflict>& conflicts, uint64_t dropped,
                              Colour colour);
// One, on a line.
std::string FormatConflict(const kv::v1::Conflict& conflict, OutputFormat format, Colour colour);

// The last answer, and how many conflicts all of them have settled.
std::string FormatResolved(const std::string& key, uint64_t resolved,
                           const client::Result<kv::v1::ResolveConflictResponse>& result,
                           OutputFormat format);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_CONFLICT_FORMAT_H_
