// How servers are spoken to: TLS or plain text, and what is shown to them.
#ifndef LAMPPOST_CLIENTS_CLI_SECURITY_ARGUMENTS_H_
#define LAMPPOST_CLIENTS_CLI_SECURITY_ARGUMENTS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/common/listen_address.h"
#include "services/security/tls_files.h"

namespace lamppost::cli {

struct SecurityArguments {
  Transport transport = Transport::kPlainText;
  security::TlsFiles files;
  std::string token_file;
  std::string token;  // from LAMPPOST_TOKEN alone: others see what is on a command line
};

// Adds --tls-ca, --tls-cert, --tls-key and --token-file; `arguments` must outlive the app.
void AddSecurityOptions(CLI::App* app, SecurityArguments* arguments);

// Decides on the transport to these addresses, and reads LAMPPOST_TOKEN. INVALID_ARGUMENT if the user has
// asked for both.
absl::Status CheckSecurity(const std::vector<Address>& addresses, SecurityArguments* arguments);

// The token that goes with each call; empty: none. Reads the file. INVALID_ARGUMENT; the token is not in it.
absl::StatusOr<std::string> ReadToken(const SecurityArguments& arguments);

// The options by which another command speaks to servers in the same way.
std::vector<std::string> SecurityWords(const SecurityArguments& arguments);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_SECURITY_ARGUMENTS_H_
