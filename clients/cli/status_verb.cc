// status.
#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "clients/cli/exit_code.h"
#include "clients/cli/status_format.h"
#include "clients/cli/verbs.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

// Each by a client of its own and all at the same time, so that one that is away holds up none.
std::vector<NodeStatus> AskEveryNode(Session* session) {
  constexpr int kAttemptsMax = 3;
  const std::vector<Address>& nodes = session->arguments().nodes;
  std::vector<NodeStatus> answers(nodes.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < nodes.size(); ++i) {
    threads.emplace_back([session, &nodes, &answers, i] {
      client::CallOptions call;
      // Little is enough to show that a node does not answer.
      call.timeout_ms = std::min(session->arguments().attempt_timeout_ms, session->RemainingMs().value_or(0));
      answers[i].address = nodes[i].HostPort();
      answers[i].result = session->MakeClientOf(nodes[i], kAttemptsMax)->Status(call);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return answers;
}

Json StatusesJson(const std::vector<NodeStatus>& nodes) {
  Json list = Json::array();
  for (const NodeStatus& node : nodes) {
    if (node.result.ok()) {
      list.push_back(StatusJson(node.result.response, node.address));
    } else {
      list.push_back({{"address", node.address},
                      {"error",
                       {{"code", absl::StatusCodeToString(node.result.status.code())},
                        {"reason", ErrorReason(node.result.status)},
                        {"message", std::string(node.result.status.message())}}}});
    }
  }
  return {{"nodes", std::move(list)}};
}

int RunStatusOfEveryNode(Session* session) {
  const std::vector<NodeStatus> nodes = AskEveryNode(session);
  if (session->arguments().format == OutputFormat::kJson) {
    *session->io().out << Line(StatusesJson(nodes)) << "\n" << std::flush;
  } else {
    *session->io().out << FormatStatuses(nodes, session->io().out_colour) << std::flush;
  }
  for (const NodeStatus& node : nodes) {
    if (node.result.ok()) return kExitDone;
  }
  return kExitFailed;
}

}  // namespace

int RunStatus(Session* session) {
  const Arguments& arguments = session->arguments();
  const bool json = arguments.format == OutputFormat::kJson;
  if (arguments.status_scope == StatusScope::kEveryNode || (arguments.nodes.size() > 1 && !json)) {
    return RunStatusOfEveryNode(session);
  }
  client::CallOptions call;
  call.timeout_ms = session->RemainingMs();
  const StatusResult result = session->MakeClient()->Status(call);
  if (!result.ok()) return session->Report(FailureOf(result));
  *session->io().out << (json ? Line(StatusJson(result.response, result.node)) + "\n"
                              : FormatStatus(result.response, result.node, session->io().out_colour))
                     << std::flush;
  return kExitDone;
}

}  // namespace lamppost::cli
