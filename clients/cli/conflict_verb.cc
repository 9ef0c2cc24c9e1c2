// conflicts.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/conflict_format.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/value_argument.h"
#include "clients/cli/verbs.h"
#include "services/common/clock_proto.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

struct Ledger {
  std::vector<kv::v1::Conflict> conflicts;
  uint64_t dropped = 0;
};

// All pages. If that fails it has been reported, and `exit_code` is set.
std::optional<Ledger> ReadLedger(Session* session, client::AdminClient* client,
                                 kv::v1::ListConflictsRequest request, int* exit_code) {
  constexpr uint32_t kPageSizeMax = 1000;
  Ledger ledger;
  request.set_page_size(kPageSizeMax);
  do {
    client::CallOptions call;
    call.timeout_ms = session->RemainingMs();
    auto result = client->ListConflicts(request, call);
    if (!result.ok()) {
      *exit_code = session->Report(FailureOf(result));
      return std::nullopt;
    }
    for (kv::v1::Conflict& conflict : *result.response.mutable_conflicts()) {
      ledger.conflicts.push_back(std::move(conflict));
    }
    ledger.dropped = result.response.dropped();
    request.set_page_token(result.response.next_page_token());
  } while (!request.page_token().empty());
  return ledger;
}

int List(Session* session) {
  const ConflictArguments& arguments = session->arguments().conflicts;
  kv::v1::ListConflictsRequest request;
  request.set_key(arguments.key);
  request.set_open_only(arguments.filter == ConflictFilter::kOpen);
  const auto client = session->MakeAdminClient();
  int exit_code = kExitFailed;
  const auto ledger = ReadLedger(session, client.get(), request, &exit_code);
  if (!ledger) return exit_code;
  const OutputFormat format = session->arguments().format;
  const Io& io = session->io();
  const bool in_words = format == OutputFormat::kTable && !arguments.key.empty();
  *io.out << (in_words ? DescribeConflicts(ledger->conflicts, ledger->dropped, io.out_colour)
                       : FormatConflicts(ledger->conflicts, ledger->dropped, format, io.out_colour))
          << std::flush;
  return kExitDone;
}

// What the user calls a version, among those of the key's open conflicts; the full one is needed.
absl::StatusOr<clock::v1::Timestamp> FindLoser(const std::vector<kv::v1::Conflict>& conflicts,
                                               const std::string& loser) {
  for (const kv::v1::Conflict& conflict : conflicts) {
    if (ToString(FromProto(conflict.loser().version())) == loser) return conflict.loser().version();
  }
  return MakeError(absl::StatusCode::kNotFound, "CONFLICT_UNKNOWN",
                   absl::StrCat("the key has no open conflict with the loser ", loser));
}

absl::StatusOr<kv::v1::ResolveConflictRequest> RequestOf(Session* session) {
  const ConflictArguments& arguments = session->arguments().conflicts;
  kv::v1::ResolveConflictRequest request;
  request.set_key(arguments.key);
  if (arguments.keep == "loser") {
    request.set_keep_loser(true);
  } else if (arguments.keep == "winner") {
    request.set_keep_winner(true);
  } else {
    auto value = ReadValueArgument(arguments.keep, session->arguments().value_kind, session->io().in);
    if (!value.ok()) return value.status();
    *request.mutable_value() = *std::move(value);
  }
  return request;
}

// One event settles so many conflicts at most; the rest is done by further ones.
int Resolve(Session* session) {
  const Arguments& all = session->arguments();
  const ConflictArguments& arguments = all.conflicts;
  auto request = RequestOf(session);
  if (!request.ok()) return session->ReportUsage(request.status().message());
  const auto client = session->MakeAdminClient();
  if (!arguments.loser.empty()) {
    kv::v1::ListConflictsRequest open;
    open.set_key(arguments.key);
    open.set_open_only(true);
    int exit_code = kExitFailed;
    const auto ledger = ReadLedger(session, client.get(), open, &exit_code);
    if (!ledger) return exit_code;
    const auto loser = FindLoser(ledger->conflicts, arguments.loser);
    if (!loser.ok()) {
      Failure failure;
      failure.status = loser.status();
      return session->Report(std::move(failure));
    }
    *request->mutable_loser() = *loser;
  }
  client::CallOptions call;
  call.replicas = all.replicas;
  call.request_id = all.request_id;
  uint64_t resolved = 0;
  while (true) {
    call.timeout_ms = session->RemainingMs();
    const auto result = client->ResolveConflict(*request, call);
    if (!result.ok()) {
      Failure failure = FailureOf(result);
      failure.details["resolved"] = resolved;
      return session->Report(std::move(failure));
    }
    resolved += result.response.resolved();
    if (result.response.has_more()) {
      call.request_id.clear();
      continue;
    }
    *session->io().out << FormatResolved(arguments.key, resolved, result, all.format) << std::flush;
    return kExitDone;
  }
}

}  // namespace

int RunConflicts(Session* session) {
  switch (session->arguments().conflicts.action) {
    case ConflictAction::kList:
      return List(session);
    case ConflictAction::kWatch:
      return RunWatch(session);
    case ConflictAction::kResolve:
      return Resolve(session);
  }
  return kExitUsage;
}

}  // namespace lamppost::cli
