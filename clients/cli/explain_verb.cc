// explain.
#include "clients/cli/exit_code.h"
#include "clients/cli/explain_format.h"
#include "clients/cli/verbs.h"

namespace lamppost::cli {

int RunExplain(Session* session) {
  const Arguments& arguments = session->arguments();
  client::CallOptions call;
  call.timeout_ms = session->RemainingMs();
  const auto result = session->MakeAdminClient()->Explain(arguments.key, call);
  if (!result.ok()) return session->Report(FailureOf(result));
  *session->io().out << FormatExplanation(result, arguments.format, session->io().out_colour) << std::flush;
  const kv::v1::ExplainResponse& response = result.response;
  const bool is_there = response.has_current() && !response.current().deleted() && !response.expired();
  return is_there ? kExitDone : kExitKeyNotFound;
}

}  // namespace lamppost::cli
