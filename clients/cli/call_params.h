// The PARAMS of `call`, from the command line, a file or standard input.
#ifndef LAMPPOST_CLIENTS_CLI_CALL_PARAMS_H_
#define LAMPPOST_CLIENTS_CLI_CALL_PARAMS_H_

#include <istream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/rpc/core/json.h"

namespace lamppost::cli {

// One word "{…}", "-" (reads `in` to its end) or "@FILE" is a JSON object. Else each word is NAME=VALUE: a
// VALUE that is JSON is taken as that, "@FILE" as the text of a file, "@@x" as the text "@x", anything else
// as itself. No words are an empty object.
//
// INVALID_ARGUMENT, saying which word is wrong: not an object, no "=", a name that begins with "[", a name
// twice, a whole number beyond 2^53, text that is not UTF-8, a file that cannot be read, JSON beyond the
// bounds of services/rpc/core/json.h.
absl::StatusOr<rpc::Json> ReadCallParams(const std::vector<std::string>& words, std::istream* in);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_CALL_PARAMS_H_
