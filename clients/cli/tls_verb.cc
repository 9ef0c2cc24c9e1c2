// tls.
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/json_format.h"
#include "clients/cli/text_table.h"
#include "clients/cli/tls_directory.h"
#include "clients/cli/verbs.h"

namespace lamppost::cli {

int RunTls(Session* session) {
  const TlsArguments& arguments = session->arguments().tls;
  const absl::Duration valid_for = absl::Hours(24) * arguments.days;
  const absl::StatusOr<std::vector<std::string>> made =
      arguments.action == TlsAction::kInit
          ? InitTlsDirectory(arguments.directory, arguments.subjects, valid_for, absl::Now())
          : RenewTlsDirectory(arguments.directory, valid_for, absl::Now());
  if (!made.ok()) return session->Report(made.status());
  if (session->arguments().format == OutputFormat::kJson) {
    *session->io().out << Line({{"made", *made}}) << "\n";
  } else {
    for (const std::string& path : *made) *session->io().out << "made " << Printable(path) << "\n";
  }
  *session->io().out << std::flush;
  return kExitDone;
}

}  // namespace lamppost::cli
