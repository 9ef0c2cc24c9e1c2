// A command that is run for an event.
#ifndef LAMPPOST_CLIENTS_CLI_EVENT_COMMAND_H_
#define LAMPPOST_CLIENTS_CLI_EVENT_COMMAND_H_

#include <string>

#include "absl/status/status.h"
#include "lamppost/kv/v1/kv_service.pb.h"

namespace lamppost::cli {

// Runs `sh -c command` and waits for its end. It has LAMPPOST_EVENT (put or delete), LAMPPOST_KEY and
// LAMPPOST_VERSION in its environment and the value's bytes on its standard input; its output goes where this
// process's goes. SIGINT and SIGTERM have their usual effect in it. ABORTED (COMMAND_FAILED) if it ends with
// another code than 0, UNAVAILABLE if it cannot be started.
absl::Status RunEventCommand(const std::string& command, const kv::v1::WatchEvent& event);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_EVENT_COMMAND_H_
