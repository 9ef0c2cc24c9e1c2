// put and del.
#include "absl/strings/str_cat.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/format.h"
#include "clients/cli/value_argument.h"
#include "clients/cli/verbs.h"

namespace lamppost::cli {
namespace {

client::CallOptions WriteOptions(Session* session) {
  client::CallOptions call;
  call.timeout_ms = session->RemainingMs();
  call.request_id = session->arguments().request_id;
  call.replicas = session->arguments().replicas;
  return call;
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

}  // namespace lamppost::cli
