// All that a node knows of a key, in the three output formats. Pure.
#ifndef LAMPPOST_CLIENTS_CLI_EXPLAIN_FORMAT_H_
#define LAMPPOST_CLIENTS_CLI_EXPLAIN_FORMAT_H_

#include <string>

#include "clients/cli/arguments.h"
#include "clients/cli/io.h"
#include "clients/cpp/client.h"
#include "lamppost/kv/v1/conflicts.pb.h"

namespace lamppost::cli {

std::string FormatExplanation(const client::Result<kv::v1::ExplainResponse>& result, OutputFormat format,
                              Colour colour);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_EXPLAIN_FORMAT_H_
