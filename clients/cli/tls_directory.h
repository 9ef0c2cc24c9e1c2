// A directory with an authority, and what it has certified: ca.crt and ca.key; node-A.crt and node-A.key, and
// alike for servers and users; user-alice.token; and access, who may do what.
#ifndef LAMPPOST_CLIENTS_CLI_TLS_DIRECTORY_H_
#define LAMPPOST_CLIENTS_CLI_TLS_DIRECTORY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cli/tls_arguments.h"

namespace lamppost::cli {

// Makes the directory and the authority, unless they are there, and what each subject needs. Gives the paths
// of what it has made. Keys and tokens are for the owner's eyes alone. Nothing is overwritten: ALREADY_EXISTS
// (TLS_FILE_EXISTS) before anything is made if a subject is there. Other errors: TLS_FILE_UNUSABLE, BAD_…
absl::StatusOr<std::vector<std::string>> InitTlsDirectory(const std::string& directory,
                                                          const std::vector<TlsSubject>& subjects,
                                                          absl::Duration valid_for, absl::Time now);

// New certificates of all subjects, for their keys and hosts. Each replaces the old one as a whole.
absl::StatusOr<std::vector<std::string>> RenewTlsDirectory(const std::string& directory,
                                                           absl::Duration valid_for, absl::Time now);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_TLS_DIRECTORY_H_
