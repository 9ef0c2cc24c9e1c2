// fault rpc.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "clients/cli/call_format.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/functions_format.h"
#include "clients/cli/verbs.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

// A fault is of one server, so each is told by a client of its own.
template <typename Response, typename Ask>
std::vector<FaultAnswer<Response>> AskEach(Session* session, Ask ask) {
  std::vector<FaultAnswer<Response>> answers;
  for (const Address& server : session->arguments().functions.servers) {
    client::FunctionCallOptions call;
    call.timeout_ms = session->RemainingMs();
    answers.push_back({server.HostPort(), ask(session->MakeFunctionClient({server}).get(), call)});
  }
  return answers;
}

// {"servers":[{"server":…, and what `describe` says, or "error"},…]}
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

// Prints the answers in the format asked for, and reports those that are failures; gives the worst one's exit
// code.
template <typename Response, typename Describe>
int Tell(Session* session, const std::vector<FaultAnswer<Response>>& answers, Describe describe,
         const std::string& text) {
  const bool json = session->arguments().format == OutputFormat::kJson;
  *session->io().out << (json ? TerminalJson(ServersJson(answers, describe), -1) + "\n" : text) << std::flush;
  int exit_code = kExitDone;
  for (const FaultAnswer<Response>& answer : answers) {
    if (answer.result.ok()) continue;
    Failure failure;
    failure.status = answer.result.status;
    failure.outcome = answer.result.outcome;
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
  std::string text;
  for (const auto& answer : answers) {
    if (answer.result.ok()) text += "OK " + FaultKindName(fault.kind()) + " at " + answer.server + "\n";
  }
  const auto describe = [&fault](const auto&, Json* object) { (*object)["added"] = FaultJson(fault); };
  return Tell(session, answers, describe, text);
}

int ClearFaults(Session* session) {
  const auto answers = AskEach<rpc::v1::ClearFaultsResponse>(
      session, [](client::FunctionClient* client, const client::FunctionCallOptions& call) {
        return client->ClearFaults(call);
      });
  std::string text;
  for (const auto& answer : answers) {
    if (!answer.result.ok()) continue;
    text += "OK " + std::to_string(answer.result.response.cleared()) + " cleared at " + answer.server + "\n";
  }
  const auto describe = [](const rpc::v1::ClearFaultsResponse& response, Json* object) {
    (*object)["cleared"] = response.cleared();
  };
  return Tell(session, answers, describe, text);
}

int ListFaults(Session* session) {
  const auto answers = AskEach<rpc::v1::ListFaultsResponse>(
      session, [](client::FunctionClient* client, const client::FunctionCallOptions& call) {
        return client->ListFaults(call);
      });
  const auto describe = [](const rpc::v1::ListFaultsResponse& response, Json* object) {
    Json faults = Json::array();
    for (const rpc::v1::Fault& fault : response.faults()) faults.push_back(FaultJson(fault));
    (*object)["faults"] = std::move(faults);
  };
  return Tell(session, answers, describe, FormatFaults(answers, session->io().out_colour));
}

}  // namespace

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
