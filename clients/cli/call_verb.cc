// call and outcome.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "clients/cli/call_format.h"
#include "clients/cli/call_params.h"
#include "clients/cli/call_progress.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/interrupt_notice.h"
#include "clients/cli/text_table.h"
#include "clients/cli/verbs.h"
#include "clients/cpp/server_target.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

// What is said if a signal ends the command while the call is under way.
std::string InterruptText(const Session& session, const rpc::Json& params, const std::string& request_id) {
  const Arguments& arguments = session.arguments();
  Failure failure;
  failure.status = MakeError(absl::StatusCode::kCancelled, "INTERRUPTED",
                             absl::StrCat("a signal ended the command; the call may or may not have taken "
                                          "effect, request id ",
                                          request_id));
  failure.outcome = client::Outcome::kUnknown;
  failure.request_id = request_id;
  failure.ask_again = AskAgainCommand(arguments.functions, params, request_id);
  const bool bar = arguments.functions.form == CallForm::kStream &&
                   session.io().progress == ProgressBar::kOn && arguments.verbosity == Verbosity::kNormal;
  return absl::StrCat(bar ? "\n" : "", session.Describe(failure));
}

client::FunctionCallResult Call(Session* session, const rpc::Json& params) {
  const FunctionArguments& functions = session->arguments().functions;
  InterruptNotice notice;  // beyond the client's end, which may take its time
  const auto client = session->MakeFunctionClient(functions.servers);
  client::FunctionCallOptions call;
  call.timeout_ms = session->RemainingMs();
  call.request_id = functions.request_id;
  call.on_request_id = [&](const std::string& id) {
    notice.Arm(InterruptText(*session, params, id), kExitUnknown);
  };
  if (functions.form == CallForm::kUnary) return client->Call(functions.method, params, call);
  CallProgress progress(session->io(), session->arguments().verbosity, &session->time());
  return client->CallStream(
      functions.method, params, [&progress](const rpc::v1::Progress& news) { progress.Update(news); }, call);
}

// Prints a result, or a function's own failure; gives the exit code of any outcome.
int PrintOutcome(Session* session, const rpc::v1::Outcome& outcome, const Json& json) {
  const OutputFormat format = session->arguments().format;
  if (format == OutputFormat::kJson) *session->io().out << TerminalJson(json, -1) << "\n" << std::flush;
  switch (outcome.kind_case()) {
    case rpc::v1::Outcome::kResult:
      if (format != OutputFormat::kJson)
        *session->io().out << FormatValue(outcome.result(), format) << std::flush;
      return kExitDone;
    case rpc::v1::Outcome::kError:
      if (format != OutputFormat::kJson) {
        *session->io().err << FormatFunctionError(outcome.error(), session->io().err_colour) << std::flush;
      }
      return kExitFunctionFailed;
    default:
      return kExitUnknown;
  }
}

// As a failure, for whoever reads standard error.
Failure UnknownOf(const rpc::v1::Outcome& outcome, const std::string& request_id) {
  Failure failure;
  const std::string& reason = outcome.unknown().reason();
  failure.status = MakeError(absl::StatusCode::kUnknown, reason.empty() ? "NO_OUTCOME" : reason,
                             outcome.unknown().message());
  failure.outcome = client::Outcome::kUnknown;
  failure.request_id = request_id;
  failure.hint = absl::StrCat("request id ", request_id, "; this is final, asking again tells the same");
  return failure;
}

Failure FailureOf(const Session& session, const client::FunctionCallResult& result, const rpc::Json& params) {
  Failure failure{result.status, client::Outcome::kFailed, result.request_id};
  failure.server = result.server;
  if (ErrorReason(result.status) == "FUNCTION_UNKNOWN") failure.hint = "lamppost functions lists them";
  if (result.outcome != client::CallOutcome::kUnknown) return failure;
  failure.outcome = client::Outcome::kUnknown;
  // The timeout was too short for this call, so the next one gets the default.
  FunctionArguments arguments = session.arguments().functions;
  arguments.timeout.clear();
  failure.ask_again = AskAgainCommand(arguments, params, result.request_id);
  return failure;
}

int ReportCall(Session* session, const client::FunctionCallResult& result, const rpc::Json& params) {
  Failure failure;
  if (result.status.ok()) {
    const int exit_code = PrintOutcome(session, result.answer, CallJson(result));
    if (exit_code != kExitUnknown) return exit_code;
    failure = UnknownOf(result.answer, result.request_id);
  } else {
    failure = FailureOf(*session, result, params);
  }
  failure.details["attempts"] = result.attempts;
  return session->Report(failure);
}

using Known = client::InquiryResult<rpc::v1::GetCallResponse>;

// Servers with a store of their own each know only what ran there, so all are asked until one knows. What
// tells most counts: an expired id over one that could not be asked for, that over one that was never seen.
Known FindCall(Session* session) {
  constexpr int kAttemptsMax = 3;
  const FunctionArguments& functions = session->arguments().functions;
  const auto rank = [](const absl::Status& status) {
    const std::string reason = ErrorReason(status);
    return reason == "REQUEST_ID_EXPIRED" ? 2 : reason == "REQUEST_ID_UNKNOWN" ? 0 : 1;
  };
  Known found;
  for (const Address& server : functions.servers) {
    const bool only = functions.servers.size() == 1;
    client::FunctionCallOptions call;
    call.timeout_ms = session->RemainingMs();
    if (!only) call.timeout_ms = std::min(*call.timeout_ms, session->arguments().attempt_timeout_ms);
    Known answer =
        session->MakeFunctionClient({server}, only ? 0 : kAttemptsMax)->GetCall(functions.request_id, call);
    if (answer.ok()) return answer;
    if (found.status.ok() || rank(answer.status) > rank(found.status)) found = std::move(answer);
  }
  return found;
}

int ReportUnfinished(Session* session, const Known& known) {
  if (session->arguments().format == OutputFormat::kJson) {
    *session->io().out << TerminalJson(KnownCallJson(known.response, known.server), -1) << "\n" << std::flush;
    return kExitUnknown;
  }
  *session->io().out << FormatUnfinished(known.response) << std::flush;
  return kExitUnknown;
}

}  // namespace

int RunCall(Session* session) {
  const FunctionArguments& functions = session->arguments().functions;
  const absl::StatusOr<rpc::Json> params = ReadCallParams(functions.params, session->io().in);
  if (!params.ok()) return session->ReportUsage(params.status().message());
  if (!functions.request_id.empty()) {
    const absl::StatusOr<rpc::RequestId> id = rpc::ParseRequestId(functions.request_id);
    if (!id.ok()) return session->ReportUsage(absl::StrCat("--request-id: ", id.status().message()));
  }
  if (absl::Status status = client::CheckServers(functions.servers); !status.ok()) {
    return session->ReportUsage(absl::StrCat("--server: ", status.message()));
  }
  return ReportCall(session, Call(session, *params), *params);
}

int RunOutcome(Session* session) {
  const FunctionArguments& functions = session->arguments().functions;
  if (absl::StatusOr<rpc::RequestId> id = rpc::ParseRequestId(functions.request_id); !id.ok()) {
    return session->ReportUsage(id.status().message());
  }
  const Known known = FindCall(session);
  if (!known.ok()) {
    Failure failure{known.status, known.outcome, functions.request_id};
    failure.server = known.server;
    if (ErrorReason(known.status) == "REQUEST_ID_EXPIRED") failure.outcome = client::Outcome::kUnknown;
    return session->Report(failure);
  }
  if (known.response.state() != rpc::v1::CALL_STATE_DONE) return ReportUnfinished(session, known);
  const rpc::v1::Outcome& outcome = known.response.outcome();
  const int exit_code = PrintOutcome(session, outcome, KnownCallJson(known.response, known.server));
  if (exit_code != kExitUnknown) return exit_code;
  return session->Report(UnknownOf(outcome, functions.request_id));
}

}  // namespace lamppost::cli
