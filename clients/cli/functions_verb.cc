// functions.
#include <string>

#include "clients/cli/call_format.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/functions_format.h"
#include "clients/cli/text_table.h"
#include "clients/cli/verbs.h"

namespace lamppost::cli {
namespace {

std::string Format(Session* session, const client::InquiryResult<rpc::v1::ListFunctionsResponse>& result) {
  switch (session->arguments().format) {
    case OutputFormat::kJson:
      return TerminalJson(FunctionsJson(result.response, result.server), -1) + "\n";
    case OutputFormat::kTable:
      return FormatFunctions(result.response, session->io().out_colour);
    case OutputFormat::kRaw:
      break;
  }
  std::string names;
  for (const rpc::v1::FunctionInfo& function : result.response.functions()) names += function.name() + "\n";
  return names;
}

}  // namespace

int RunFunctions(Session* session) {
  const auto client = session->MakeFunctionClient(session->arguments().functions.servers);
  client::FunctionCallOptions call;
  call.timeout_ms = session->RemainingMs();
  const auto result = client->ListFunctions(call);
  if (!result.ok()) {
    Failure failure{result.status, result.outcome, ""};
    failure.server = result.server;
    return session->Report(failure);
  }
  *session->io().out << Format(session, result) << std::flush;
  if (session->arguments().format != OutputFormat::kTable) return kExitDone;
  for (const rpc::v1::FunctionProblem& problem : result.response.problems()) {
    *session->io().err << "not a function: " << Printable(problem.file()) << ": "
                       << Printable(problem.message()) << "\n";
  }
  return kExitDone;
}

}  // namespace lamppost::cli
