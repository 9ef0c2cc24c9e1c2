// get and scan.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/format.h"
#include "clients/cli/json_format.h"
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

namespace {

kv::v1::ScanRequest ScanRequestOf(const Arguments& arguments) {
  constexpr uint64_t kPageKeysMax = 10'000;
  kv::v1::ScanRequest request;
  request.set_prefix(arguments.prefix);
  request.set_start_key(arguments.start_key);
  request.set_end_key(arguments.end_key);
  request.set_keys_only(arguments.scan_content == ScanContent::kKeysOnly);
  request.set_count_only(arguments.scan_content == ScanContent::kCount);
  request.set_reverse(arguments.scan_order == ScanOrder::kDescending);
  if (arguments.limit) request.set_page_size(static_cast<uint32_t>(std::min(*arguments.limit, kPageKeysMax)));
  return request;
}

int CountKeys(Session* session) {
  const auto client = session->MakeClient();
  client::ScanIterator scan(client.get(), ScanRequestOf(session->arguments()), session->RemainingMs());
  while (scan.Next()) continue;
  if (!scan.end().ok()) return session->Report(FailureOf(scan.end()));
  const bool json = session->arguments().format == OutputFormat::kJson;
  *session->io().out << (json ? Line({{"count", scan.count()}}) : absl::StrCat(scan.count())) << "\n"
                     << std::flush;
  return kExitDone;
}

}  // namespace

int RunScan(Session* session) {
  const Arguments& arguments = session->arguments();
  if (arguments.scan_content == ScanContent::kCount) return CountKeys(session);
  const kv::v1::ScanRequest request = ScanRequestOf(arguments);
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
