// The VALUE of `put`: literal, from stdin or from a file.
#ifndef LAMPPOST_CLIENTS_CLI_VALUE_ARGUMENT_H_
#define LAMPPOST_CLIENTS_CLI_VALUE_ARGUMENT_H_

#include <istream>
#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/arguments.h"
#include "clients/cli/read_input.h"
#include "lamppost/kv/v1/types.pb.h"

namespace lamppost::cli {

// "-" reads `in` to its end, "@FILE" a file, "@@x" is "@x"; anything else is itself. INVALID_ARGUMENT
// if a text is not UTF-8, if a file cannot be read, or if there is more than kInputBytesMax.
absl::StatusOr<kv::v1::Value> ReadValueArgument(const std::string& argument, ValueKind kind,
                                                std::istream* in);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_VALUE_ARGUMENT_H_
