// functions and fault rpc.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "clients/cli/exit_code.h"
#include "clients/cli/functions_format.h"
#include "clients/cli/text_table.h"
#include "clients/cli/verbs.h"
#include "clients/cpp/server_target.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

client::FunctionCallOptions Remaining(Session* session) {
  client::FunctionCallOptions call;
  call.timeout_ms = session->RemainingMs();
  return call;
}

template <typename Response>
Failure FailureOf(const client::InquiryResult<Response>& result) {
  return {result.status, result.outcome, ""};
}

// A fault is of one server, so each is told by a client of its own.
template <typename Response, typename Ask>
std::vector<FaultAnswer<Response>> AskEach(Session* session, Ask ask) {
  std::vector<FaultAnswer<Response>> answers;
  for (const Address& server : session->arguments().functions.servers) {
    const auto client = session->MakeFunctionClient({server});
    answers.push_back({server.HostPort(), ask(client.get(), Remaining(session))});
  }
  return answers;
}

// {"servers":[{"server":…, what `describe` says, or "error"},…]}
template <typename Response, typename Describe>
Json ServersJson(const std::vector<FaultAnswer<Response>>& answers, Describe describe) {
  Json servers = Json::array();
  for (const FaultAnswer<Response>& answer : answers) {
    Json object = {{"server", answer.server}};
    if (answer.result.ok()) {
      describe(answer.result.response, &object);
    } else {
      object["error"] = {{"code", absl::StatusCodeToString(answer.result.status.code())},
                         {"reason", ErrorReason(answer.result.status)},
                         {"message", std::string(answer.result.status.message())}};
    }
    servers.push_back(std::move(object));
  }
  return {{"servers", std::move(servers)}};
}

// Reports those that failed; the exit code of the worst.
template <typename Response>
int ReportFailed(Session* session, const std::vector<FaultAnswer<Response>>& answers) {
  int exit_code = kExitDone;
  for (const FaultAnswer<Response>& answer : answers) {
    if (answer.result.ok()) continue;
    Failure failure = FailureOf(answer.result);
    failure.details["server"] = answer.server;
    exit_code = std::max(exit_code, session->Report(failure));
  }
  return exit_code;
}

int AddFault(Session* session) {
  const rpc::v1::Fault& fault = session->arguments().functions.fault;
  const auto answers = AskEach<rpc::v1::AddFaultResponse>(
      session, [&fault](client::FunctionClient* client, const client::FunctionCallOptions& call) {
        return client->AddFault(fault, call);
      });
  if (session->arguments().format == OutputFormat::kJson) {
    *session->io().out << Line(ServersJson(answers, [&fault](const auto&, Json* object) {
      (*object)["added"] = FaultJson(fault);
    })) << "\n";
  } else {
    for (const auto& answer : answers) {
      if (!answer.result.ok()) continue;
      *session->io().out << "OK " << FaultKindName(fault.kind()) << " at " << answer.server << "\n";
    }
  }
  *session->io().out << std::flush;
  return ReportFailed(session, answers);
}

int ClearFaults(Session* session) {
  const auto answers = AskEach<rpc::v1::ClearFaultsResponse>(
      session, [](client::FunctionClient* client, const client::FunctionCallOptions& call) {
        return client->ClearFaults(call);
      });
  if (session->arguments().format == OutputFormat::kJson) {
    *session->io().out << Line(ServersJson(answers, [](const rpc::v1::ClearFaultsResponse& response,
                                                       Json* object) {
      (*object)["cleared"] = response.cleared();
    })) << "\n";
  } else {
    for (const auto& answer : answers) {
      if (!answer.result.ok()) continue;
      *session->io().out << "OK " << answer.result.response.cleared() << " cleared at " << answer.server
                         << "\n";
    }
  }
  *session->io().out << std::flush;
  return ReportFailed(session, answers);
}

int ListFaults(Session* session) {
  const auto answers = AskEach<rpc::v1::ListFaultsResponse>(
      session, [](client::FunctionClient* client, const client::FunctionCallOptions& call) {
        return client->ListFaults(call);
      });
  if (session->arguments().format == OutputFormat::kJson) {
    *session->io().out << Line(ServersJson(answers, [](const rpc::v1::ListFaultsResponse& response,
                                                       Json* object) {
      (*object)["faults"] = Json::array();
      for (const rpc::v1::Fault& fault : response.faults()) (*object)["faults"].push_back(FaultJson(fault));
    })) << "\n";
  } else {
    *session->io().out << FormatFaults(answers, session->io().out_colour);
  }
  *session->io().out << std::flush;
  return ReportFailed(session, answers);
}

}  // namespace

int RunFunctions(Session* session) {
  const auto client = session->MakeFunctionClient(session->arguments().functions.servers);
  const auto result = client->ListFunctions(Remaining(session));
  if (!result.ok()) return session->Report(FailureOf(result));
  if (session->arguments().format == OutputFormat::kJson) {
    *session->io().out << Line(FunctionsJson(result.response, result.server)) << "\n" << std::flush;
    return kExitDone;
  }
  if (session->arguments().format == OutputFormat::kRaw) {
    for (const rpc::v1::FunctionInfo& function : result.response.functions()) {
      *session->io().out << function.name() << "\n";
    }
    *session->io().out << std::flush;
    return kExitDone;
  }
  *session->io().out << FormatFunctions(result.response, session->io().out_colour) << std::flush;
  for (const rpc::v1::FunctionProblem& problem : result.response.problems()) {
    *session->io().err << "not a function: " << Printable(problem.file()) << ": "
                       << Printable(problem.message()) << "\n";
  }
  return kExitDone;
}

int RunFaultRpc(Session* session) {
  switch (session->arguments().functions.fault_action) {
    case FaultAction::kAdd:
      return AddFault(session);
    case FaultAction::kClear:
      return ClearFaults(session);
    case FaultAction::kList:
      return ListFaults(session);
  }
  return kExitUsage;
}

}  // namespace lamppost::cli
