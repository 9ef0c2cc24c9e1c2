// What the command lines of all servers share.
#ifndef LAMPPOST_SERVICES_COMMON_SERVER_FLAGS_H_
#define LAMPPOST_SERVICES_COMMON_SERVER_FLAGS_H_

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/common/listen_address.h"
#include "services/common/logging.h"
#include "services/security/tls_files.h"

namespace lamppost {

// What to do instead of serving: print the text and exit with the code (0 after --help and --version,
// 2 after wrong usage).
struct ExitNow {
  int code = 0;
  std::string text;
};

// As given.
struct ServerFlags {
  int port = -1;
  std::string listen;
  bool insecure = false;
  security::TlsFiles tls;
  uint64_t drain_ms = 5000;
  uint64_t memory_bytes_max = 0;
  int metrics_port = -1;  // -1: not given
  std::string metrics_listen;
  std::string log_level = "info";
  std::string log_format = "logfmt";
  std::vector<std::string> unknown_variables;  // of the environment, as ParseFlags finds them
};

// Checked.
struct ServerSettings {
  std::vector<Address> listen;  // the port may be 0: any free one
  security::TlsFiles tls;       // empty: plain text
  uint64_t drain_ms = 0;
  uint64_t memory_bytes_max = 0;   // see ServerOptions::process_bytes_max
  std::optional<Address> metrics;  // where metrics are served; the port may be 0
  LogOptions log;
  std::vector<std::string> warnings;  // to be logged at the start
};

// Whether the rest of the command line asks for plain text beyond this machine, as --insecure does.
enum class PlainText { kNotAsked, kAsked };

// --port, required, which goes first; and the others, each with its help.
void DeclarePort(CLI::App* app, ServerFlags* flags);
// listen_default: what is served on without --listen.
void DeclareServerFlags(CLI::App* app, absl::string_view listen_default, ServerFlags* flags);

// Parses the command line into what has been declared. What it does not give may be in the environment: for
// --data-dir of lamppost-kv, in LAMPPOST_KV_DATA_DIR; an empty variable counts as none. Nothing if all is
// well: go on and check the values.
std::optional<ExitNow> ParseFlags(CLI::App* app, absl::string_view program, int argc, const char* const* argv,
                                  ServerFlags* flags);

// TLS takes all three files, and is served on every interface. Serving plain text beyond this machine has to
// be asked for. callers_can: what the warning about it says, such as "read and write everything". Errors are
// UsageError.
absl::Status CheckServerFlags(const ServerFlags& flags, PlainText plain_text, absl::string_view callers_can,
                              ServerSettings* settings);

absl::Status UsageError(absl::string_view message);
ExitNow WrongUsage(absl::string_view program, const absl::Status& error);

// Where data is kept if no flag says so: $STATE_DIRECTORY, which systemd sets, or else `otherwise`.
std::string DefaultDataDirectory(absl::string_view otherwise);

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_SERVER_FLAGS_H_
