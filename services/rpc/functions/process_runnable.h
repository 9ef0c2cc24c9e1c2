// Runs a program once for each call: params on its standard input, the result on its standard output.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_PROCESS_RUNNABLE_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_PROCESS_RUNNABLE_H_

#include <map>
#include <memory>

#include "services/rpc/core/function.h"
#include "services/rpc/functions/program_host.h"

namespace lamppost::rpc {

// How the run ends:
//   exit code 0                     the JSON on standard output; RESULT_NOT_JSON, RESULT_TOO_LARGE,
//   RESULT_TOO_DEEP another one                     {"error": {"reason": …, "message": …}} on standard output
//   if it is that; else EXIT_CODE a signal                        SIGNAL it cannot be started NOT_EXECUTABLE
//   more output than is allowed     it is killed: RESULT_TOO_LARGE
// Lines "progress PERCENT [MESSAGE]" of its error output, and "PERCENT [MESSAGE]" on descriptor 3, are
// progress. When the program has ended the run has, whatever it has left behind: that is killed.
class ProcessRunnable final : public Runnable {
 public:
  // The program's environment lacks only what each run has of its own.
  ProcessRunnable(std::shared_ptr<ProgramHost> host, ProgramSpec program);

  void Start(RunRequest request, RunSink* sink) override;
  void Kill(RunId run) override;

 private:
  class Run;
  using Runs = std::map<RunId, std::weak_ptr<Run>>;

  const std::shared_ptr<ProgramHost> host_;
  const std::shared_ptr<const ProgramSpec> program_;
  const std::shared_ptr<Runs> runs_;  // of the host's thread
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_PROCESS_RUNNABLE_H_
