// member.
#include <istream>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/member_format.h"
#include "clients/cli/text_table.h"
#include "clients/cli/verbs.h"

namespace lamppost::cli {
namespace {

int List(Session* session, client::AdminClient* client, const client::CallOptions& call) {
  const auto result = client->ListMembers(call);
  if (!result.ok()) return session->Report(FailureOf(result));
  *session->io().out << FormatMembers(result, absl::Now(), session->arguments().format,
                                      session->io().out_colour)
                     << std::flush;
  return kExitDone;
}

int Add(Session* session, client::AdminClient* client, const client::CallOptions& call) {
  const MemberArguments& arguments = session->arguments().member;
  const auto result = client->AddMember(arguments.address, arguments.node_id, call);
  if (!result.ok()) return session->Report(FailureOf(result));
  *session->io().out << FormatAdded(result, session->arguments().format) << std::flush;
  return kExitDone;
}

// True once the user has typed the id. Nothing is asked where nobody can answer.
bool IsConfirmed(Session* session, const std::string& node_id) {
  const Io& io = session->io();
  if (io.in_kind != InputKind::kTerminal) return false;
  *io.err << "Removing " << Printable(node_id)
          << " is for good: it can come back only with an empty data directory. Type its id to go on: "
          << std::flush;
  std::string typed;
  std::getline(*io.in, typed);
  session->RestartDeadline();
  return absl::StripAsciiWhitespace(typed) == node_id;
}

int Remove(Session* session, client::AdminClient* client) {
  const MemberArguments& arguments = session->arguments().member;
  if (arguments.confirmation == Confirmation::kNeeded && !IsConfirmed(session, arguments.node_id)) {
    return session->ReportUsage(session->io().in_kind == InputKind::kTerminal
                                    ? "that is not the id: nothing was removed"
                                    : "removing a member needs --yes, or a terminal to ask");
  }
  client::CallOptions call;
  call.timeout_ms = session->RemainingMs();
  const auto result = client->RemoveMember(arguments.node_id, arguments.force, call);
  if (!result.ok()) return session->Report(FailureOf(result));
  *session->io().out << FormatRemoved(arguments.node_id, result, session->arguments().format) << std::flush;
  return kExitDone;
}

}  // namespace

int RunMember(Session* session) {
  const auto client = session->MakeAdminClient();
  client::CallOptions call;
  call.timeout_ms = session->RemainingMs();
  switch (session->arguments().member.action) {
    case MemberAction::kList:
      return List(session, client.get(), call);
    case MemberAction::kAdd:
      return Add(session, client.get(), call);
    case MemberAction::kRemove:
      return Remove(session, client.get());
  }
  return kExitUsage;
}

}  // namespace lamppost::cli
