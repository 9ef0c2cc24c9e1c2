#include "clients/cli/run.h"

#include "clients/cli/arguments.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/session.h"
#include "clients/cli/verbs.h"

namespace lamppost::cli {

namespace {

int RunVerb(Session* session) {
  switch (session->arguments().verb) {
    case Verb::kPut:
      return RunPut(session);
    case Verb::kWrite:
      return RunWrite(session);
    case Verb::kGet:
      return RunGet(session);
    case Verb::kDelete:
      return RunDelete(session);
    case Verb::kScan:
      return RunScan(session);
    case Verb::kStatus:
      return RunStatus(session);
    case Verb::kLoad:
      return RunLoad(session);
    case Verb::kDump:
      return RunDump(session);
    case Verb::kWatch:
      return RunWatch(session);
    case Verb::kMember:
      return RunMember(session);
    case Verb::kSnapshot:
      return RunSnapshot(session);
    case Verb::kConflicts:
      return RunConflicts(session);
    case Verb::kExplain:
      return RunExplain(session);
    case Verb::kTrace:
      return RunTrace(session);
    case Verb::kScenario:
      return RunScenario(session);
    case Verb::kTls:
      return RunTls(session);
    case Verb::kCall:
      return RunCall(session);
    case Verb::kFunctions:
      return RunFunctions(session);
    case Verb::kOutcome:
      return RunOutcome(session);
    case Verb::kFaultRpc:
      return RunFaultRpc(session);
    case Verb::kFaultLink:
      return RunFaultLink(session);
  }
  return kExitUsage;
}

}  // namespace

int Run(int argc, const char* const* argv, const Io& io) {
  const ParsedArguments parsed = ParseArguments(argc, argv);
  *io.out << parsed.output << std::flush;
  *io.err << parsed.error << std::flush;
  if (!parsed.arguments) return parsed.exit_code;
  Session session(*parsed.arguments, io);
  if (const absl::Status status = session.OpenSecurity(); !status.ok()) {
    return session.ReportUsage(status.message());
  }
  if (const absl::Status status = session.OpenSession(); !status.ok()) {
    return session.ReportUsage(status.message());
  }
  const int exit_code = RunVerb(&session);
  session.SaveSession();
  return exit_code;
}

}  // namespace lamppost::cli
