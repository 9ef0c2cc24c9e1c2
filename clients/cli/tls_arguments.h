// The tls commands, understood and checked.
#ifndef LAMPPOST_CLIENTS_CLI_TLS_ARGUMENTS_H_
#define LAMPPOST_CLIENTS_CLI_TLS_ARGUMENTS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "services/security/identity.h"

namespace lamppost::cli {

enum class TlsAction { kInit, kRenew };

// Somebody to be certified.
struct TlsSubject {
  security::Identity identity;
  std::vector<std::string> hosts;  // of a node or server: where it serves
  std::string roles;               // of a user
};

struct TlsArguments {
  TlsAction action = TlsAction::kInit;
  std::string directory;
  std::vector<std::string> words;    // as given
  std::vector<TlsSubject> subjects;  // kInit
  int days = 365;
};

// Adds the commands; `arguments` must outlive the app.
void AddTlsVerbs(CLI::App* app, TlsArguments* arguments);

// Makes subjects of words. INVALID_ARGUMENT.
absl::Status CheckTlsArguments(TlsArguments* arguments);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_TLS_ARGUMENTS_H_
