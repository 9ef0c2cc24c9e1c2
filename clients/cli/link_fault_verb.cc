// fault delay, drop, duplicate, reorder, cut, pause, list and clear: of the links between nodes.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/directory.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/link_fault_format.h"
#include "clients/cli/verbs.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

using kv::v1::LinkFault;

// From a node to another. A fault of it is set at the node that sends.
struct Way {
  DirectoryEntry from;
  std::string to;  // empty: to all others
};

// A change of one fault, and what it takes to undo it.
struct Change {
  Way way;
  std::optional<LinkFault> before;
  LinkFault after;
};

client::CallOptions CallOf(Session* session) {
  client::CallOptions call;
  call.timeout_ms = session->RemainingMs();
  return call;
}

template <typename Response>
Failure FailureAt(const DirectoryEntry& node, const client::Result<Response>& result) {
  Failure failure = FailureOf(result);
  failure.details["node_id"] = node.node_id;
  failure.hint = ErrorReason(result.status) == "FAULTS_DISABLED"
                     ? absl::StrCat("start node ", node.node_id, " with --enable-faults")
                     : absl::StrCat("node ", node.node_id, " at ", node.address.HostPort());
  return failure;
}

// The links from the others to a node.
void AddWaysTo(const std::string& node_id, const Directory& directory, std::vector<Way>* ways) {
  for (const DirectoryEntry& entry : directory.entries()) {
    if (entry.node_id != node_id) ways->push_back({entry, node_id});
  }
}

// What the arguments speak of: the one link in its ways, a node that is paused, or all of a node's links.
absl::StatusOr<std::vector<Way>> WaysOf(const LinkFaultArguments& arguments, const Directory& directory) {
  absl::StatusOr<DirectoryEntry> from = directory.Find(arguments.from);
  if (!from.ok()) return from.status();
  const bool both = arguments.ways == LinkWays::kBoth;
  if (arguments.to.empty()) {
    std::vector<Way> ways = {{*std::move(from), ""}};
    if (both && arguments.action == LinkFaultAction::kClear) AddWaysTo(arguments.from, directory, &ways);
    return ways;
  }
  absl::StatusOr<DirectoryEntry> to = directory.Find(arguments.to);
  if (!to.ok()) return to.status();
  std::vector<Way> ways = {{*std::move(from), arguments.to}};
  if (both) ways.push_back({*std::move(to), arguments.from});
  return ways;
}

std::vector<Way> AllOf(const Directory& directory) {
  std::vector<Way> ways;
  for (const DirectoryEntry& entry : directory.entries()) ways.push_back({entry, ""});
  return ways;
}

// Asks the nodes that the ways lead from, all at the same time: one that does not answer is not to use up the
// time of the others.
template <typename Response, typename Ask>
std::vector<NodeAnswer<Response>> AskEach(Session* session, const std::vector<Way>& ways, Ask ask) {
  std::vector<NodeAnswer<Response>> answers;
  for (const Way& way : ways) answers.push_back({way.from.node_id, way.from.address.HostPort(), {}});
  const client::CallOptions call = CallOf(session);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < ways.size(); ++i) {
    threads.emplace_back([&, i, client = session->MakeAdminClientOf(ways[i].from.address)] {
      answers[i].result = ask(client.get(), ways[i], call);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return answers;
}

// Reports the answers that are failures; gives the exit code. Also who may have cleared its faults and not
// said so has failed: to ask again does no harm.
template <typename Response>
int ReportFailures(Session* session, const std::vector<Way>& ways,
                   const std::vector<NodeAnswer<Response>>& answers) {
  int exit_code = kExitDone;
  for (size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].result.ok()) continue;
    Failure failure = FailureAt(ways[i].from, answers[i].result);
    failure.outcome = client::Outcome::kFailed;
    exit_code = std::max(exit_code, session->Report(std::move(failure)));
  }
  return exit_code;
}

int List(Session* session, const Directory& directory) {
  const std::vector<Way> ways = AllOf(directory);
  const auto answers = AskEach<kv::v1::ListLinkFaultsResponse>(
      session, ways, [](client::AdminClient* client, const Way&, const client::CallOptions& call) {
        return client->ListLinkFaults(call);
      });
  *session->io().out << FormatLinkFaults(answers, session->arguments().format, session->io().out_colour)
                     << std::flush;
  return ReportFailures(session, ways, answers);
}

int Clear(Session* session, const std::vector<Way>& ways) {
  const auto answers = AskEach<kv::v1::ClearLinkFaultsResponse>(
      session, ways, [](client::AdminClient* client, const Way& way, const client::CallOptions& call) {
        return client->ClearLinkFaults(way.to, call);
      });
  *session->io().out << FormatClearedFaults(answers, session->arguments().format) << std::flush;
  return ReportFailures(session, ways, answers);
}

// Nothing if there is none there at present.
std::optional<LinkFault> FaultThere(const kv::v1::ListLinkFaultsResponse& list, const std::string& to) {
  for (const LinkFault& fault : list.faults()) {
    if (fault.pause() ? to.empty() : fault.to() == to) return fault;
  }
  return std::nullopt;
}

// What is to be changed at each node. All are asked before anything is, so that most of what may be wrong
// leaves all as it was. If that fails it has been reported, and `exit_code` is set.
std::optional<std::vector<Change>> Plan(Session* session, std::vector<Way> ways, int* exit_code) {
  std::vector<Change> changes;
  for (Way& way : ways) {
    const auto listed = session->MakeAdminClientOf(way.from.address)->ListLinkFaults(CallOf(session));
    if (!listed.ok()) {
      *exit_code = session->Report(FailureAt(way.from, listed));
      return std::nullopt;
    }
    std::optional<LinkFault> before = FaultThere(listed.response, way.to);
    LinkFault after = before.value_or(LinkFault());
    after.set_to(way.to);
    after = WithEffect(std::move(after), session->arguments().link_fault);
    after.clear_dropped();
    after.clear_delayed();
    after.clear_duplicated();
    changes.push_back({std::move(way), std::move(before), std::move(after)});
  }
  return changes;
}

// Of a link: a pause is a change of its own, and there is nothing to be undone if it fails.
absl::Status Undo(Session* session, const Change& change) {
  const auto client = session->MakeAdminClientOf(change.way.from.address);
  if (change.before) return client->SetLinkFault(*change.before, CallOf(session)).status;
  return client->ClearLinkFaults(change.way.to, CallOf(session)).status;
}

// What is left of changes that were to be undone.
enum class Rest { kNone, kSome };

// Undoes the changes, and tells of those that stay.
Rest TakeBack(Session* session, const std::vector<Change>& changes) {
  Rest rest = Rest::kNone;
  session->RestartDeadline();  // what has taken too long is not to keep this from being done
  for (const Change& change : changes) {
    Failure failure;
    failure.status = Undo(session, change);
    if (failure.status.ok()) continue;
    rest = Rest::kSome;
    failure.outcome = client::Outcome::kUnknown;
    failure.details["node_id"] = change.way.from.node_id;
    failure.hint = absl::StrCat("the fault from ", change.way.from.node_id, " to ", change.way.to,
                                " may be in force; 'lamppost fault list' tells");
    session->Report(std::move(failure));
  }
  return rest;
}

// Both directions or none.
int Set(Session* session, std::vector<Way> ways) {
  int exit_code = kExitFailed;
  const std::optional<std::vector<Change>> changes = Plan(session, std::move(ways), &exit_code);
  if (!changes) return exit_code;
  std::vector<Change> done;
  std::vector<PlacedFault> placed;
  for (const Change& change : *changes) {
    const DirectoryEntry& node = change.way.from;
    const auto result = session->MakeAdminClientOf(node.address)->SetLinkFault(change.after, CallOf(session));
    if (result.ok()) {
      done.push_back(change);
      placed.push_back({node.node_id, node.address.HostPort(), change.after});
      continue;
    }
    Failure failure = FailureAt(node, result);
    if (done.empty()) return session->Report(std::move(failure));
    if (failure.outcome != client::Outcome::kFailed) done.push_back(change);
    const bool is_undone = TakeBack(session, done) == Rest::kNone;
    failure.outcome = is_undone ? client::Outcome::kFailed : client::Outcome::kUnknown;
    return session->Report(std::move(failure));
  }
  *session->io().out << FormatPlacedFaults(placed, session->arguments().format) << std::flush;
  return kExitDone;
}

}  // namespace

int RunFaultLink(Session* session) {
  const LinkFaultArguments& arguments = session->arguments().link_fault;
  const absl::StatusOr<Directory> directory = Directory::Ask(session);
  if (!directory.ok()) return session->Report(directory.status());
  if (arguments.action == LinkFaultAction::kList) return List(session, *directory);
  if (arguments.from.empty()) return Clear(session, AllOf(*directory));
  absl::StatusOr<std::vector<Way>> ways = WaysOf(arguments, *directory);
  if (!ways.ok()) return session->Report(ways.status());
  return arguments.action == LinkFaultAction::kClear ? Clear(session, *ways) : Set(session, *std::move(ways));
}

}  // namespace lamppost::cli
