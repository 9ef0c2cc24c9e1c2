// The commands. Each prints its result to the session's streams and gives the exit code.
#ifndef LAMPPOST_CLIENTS_CLI_VERBS_H_
#define LAMPPOST_CLIENTS_CLI_VERBS_H_

#include "clients/cli/session.h"

namespace lamppost::cli {

int RunPut(Session* session);
int RunDelete(Session* session);
int RunWrite(Session* session);
int RunGet(Session* session);
int RunScan(Session* session);
int RunStatus(Session* session);
int RunLoad(Session* session);
int RunDump(Session* session);
int RunMember(Session* session);
int RunWatch(Session* session);
int RunCall(Session* session);
int RunFunctions(Session* session);
int RunOutcome(Session* session);
int RunFaultRpc(Session* session);
int RunFaultLink(Session* session);
int RunSnapshot(Session* session);
int RunConflicts(Session* session);
int RunExplain(Session* session);
int RunTrace(Session* session);
int RunScenario(Session* session);
int RunTls(Session* session);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_VERBS_H_
