// Events of a watch, a line each, in the three output formats. Pure.
#ifndef LAMPPOST_CLIENTS_CLI_WATCH_FORMAT_H_
#define LAMPPOST_CLIENTS_CLI_WATCH_FORMAT_H_

#include <string>

#include "clients/cli/arguments.h"
#include "clients/cli/io.h"
#include "lamppost/kv/v1/kv_service.pb.h"

namespace lamppost::cli {

// "put" or "delete".
const char* EventName(const kv::v1::WatchEvent& event);
// With its end. json: {"event":…,"key":…,"value" or "data":…,"version":…}.
std::string FormatEvent(const kv::v1::WatchEvent& event, OutputFormat format, Colour colour);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_WATCH_FORMAT_H_
