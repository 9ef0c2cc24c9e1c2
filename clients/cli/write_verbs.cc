// put, del and write.
#include <fstream>
#include <istream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/format.h"
#include "clients/cli/json_lines.h"
#include "clients/cli/line_reader.h"
#include "clients/cli/read_input.h"
#include "clients/cli/value_argument.h"
#include "clients/cli/verbs.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

client::CallOptions WriteOptions(Session* session) {
  client::CallOptions call;
  call.timeout_ms = session->RemainingMs();
  call.request_id = session->arguments().request_id;
  call.replicas = session->arguments().replicas;
  return call;
}

absl::Status AtLine(const LineReader& lines, const absl::Status& why) {
  return BadLine(why,
                 absl::StrCat("line ", lines.line_number(), ": ", why.message(), "; nothing was written"));
}

// One for each line that is not empty. Of one that is wrong BadLine, with its number; INVALID_ARGUMENT
// without a reason if there is more than kInputBytesMax.
absl::StatusOr<std::vector<kv::v1::WriteOperation>> ReadOperations(std::istream* in) {
  std::vector<kv::v1::WriteOperation> operations;
  LineReader lines(in);
  absl::string_view line;
  while (true) {
    const absl::StatusOr<bool> more = lines.Next(&line);
    if (!more.ok()) return AtLine(lines, more.status());
    if (!*more) return operations;
    if (lines.bytes_read() > kInputBytesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("a batch has at most ", kInputBytesMax, " bytes of lines; load takes more"));
    }
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    auto operation = ParseOperationLine(line);
    if (!operation.ok()) return AtLine(lines, operation.status());
    operations.push_back(*std::move(operation));
  }
}

absl::StatusOr<std::vector<kv::v1::WriteOperation>> ReadOperationsOf(const std::string& path,
                                                                     std::istream* in) {
  if (path == "-") return ReadOperations(in);
  std::ifstream file;
  if (const absl::Status status = OpenFile(path, &file); !status.ok()) return status;
  return ReadOperations(&file);
}

}  // namespace

int RunPut(Session* session) {
  const Arguments& arguments = session->arguments();
  auto value = ReadValueArgument(arguments.value, arguments.value_kind, session->io().in);
  if (!value.ok()) return session->ReportUsage(value.status().message());
  client::CallOptions call = WriteOptions(session);
  call.ttl_ms = arguments.ttl_ms;
  const auto result = session->MakeClient()->Put(arguments.key, *std::move(value), call);
  if (!result.ok()) return session->Report(FailureOf(result));
  *session->io().out << FormatPut(arguments.key, result, arguments.format) << std::flush;
  return kExitDone;
}

int RunDelete(Session* session) {
  const Arguments& arguments = session->arguments();
  const auto result = session->MakeClient()->Delete(arguments.key, WriteOptions(session));
  if (!result.ok()) return session->Report(FailureOf(result));
  *session->io().out << FormatDelete(arguments.key, result, arguments.format) << std::flush;
  return kExitDone;
}

int RunWrite(Session* session) {
  const Arguments& arguments = session->arguments();
  auto operations = ReadOperationsOf(arguments.file, session->io().in);
  if (!operations.ok() && ErrorReason(operations.status()).empty()) {
    return session->ReportUsage(operations.status().message());
  }
  if (!operations.ok()) {
    Failure failure;
    failure.status = operations.status();
    return session->Report(std::move(failure));
  }
  const size_t count = operations->size();
  const auto result = session->MakeClient()->Write(*std::move(operations), WriteOptions(session));
  if (!result.ok()) return session->Report(FailureOf(result));
  *session->io().out << FormatWrite(count, result, arguments.format) << std::flush;
  return kExitDone;
}

}  // namespace lamppost::cli
