// get and scan.
#include <algorithm>

#include "clients/cli/exit_code.h"
#include "clients/cli/format.h"
#include "clients/cli/scan_printer.h"
#include "clients/cli/text_table.h"
#include "clients/cli/verbs.h"
#include "clients/cpp/scan_iterator.h"

namespace lamppost::cli {

int RunGet(Session* session) {
  const Arguments& arguments = session->arguments();
  client::CallOptions call;
  call.timeout_ms = session->RemainingMs();
  const auto result = session->MakeClient()->Get(arguments.key, call);
  if (!result.ok()) return session->Report(FailureOf(result));
  *session->io().out << FormatGet(arguments.key, result, arguments.format) << std::flush;
  if (result.response.found()) return kExitDone;
  if (arguments.format != OutputFormat::kJson) {
    *session->io().err << "key not found: " << Printable(arguments.key) << "\n";
  }
  return kExitKeyNotFound;
}

int RunScan(Session* session) {
  constexpr uint64_t kPageKeysMax = 10'000;
  const Arguments& arguments = session->arguments();
  kv::v1::ScanRequest request;
  request.set_prefix(arguments.prefix);
  request.set_start_key(arguments.start_key);
  request.set_end_key(arguments.end_key);
  request.set_keys_only(arguments.scan_content == ScanContent::kKeysOnly);
  if (arguments.limit) request.set_page_size(static_cast<uint32_t>(std::min(*arguments.limit, kPageKeysMax)));
  const auto client = session->MakeClient();
  client::ScanIterator scan(client.get(), request, session->RemainingMs());
  ScanPrinter printer(session->io(), arguments.format, arguments.scan_content);
  uint64_t printed = 0;
  // A reader that has gone ends it, too.
  while (printed != arguments.limit && session->io().out->good() && scan.Next()) {
    printer.Add(scan.entry());
    ++printed;
  }
  if (!scan.end().ok() && printed != arguments.limit) {
    printer.Flush();
    *session->io().out << std::flush;
    Failure failure = FailureOf(scan.end());
    failure.details["keys_printed"] = printed;
    return session->Report(failure);
  }
  printer.Finish();
  return kExitDone;
}

}  // namespace lamppost::cli
