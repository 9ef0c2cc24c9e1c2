// All functions of a server: the built-in ones and those of the functions directory, with the threads and
// processes that run them.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_FUNCTION_HOST_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_FUNCTION_HOST_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/rpc/core/registry.h"
#include "services/rpc/functions/launcher.h"

namespace lamppost::rpc {

struct FunctionHostOptions {
  std::string functions_directory;  // empty: built-in functions only
  std::string counter_directory;    // of the function "counter"; it is made when first needed
  size_t builtin_threads = 64;      // so many runs of built-in functions at a time
  // The launcher has been killed: INTERNAL (LAUNCHER_GONE). Nothing of the programs that ran is left, their
  // outcome is unknown, and runs of programs finish no more: the process should end. Called at most once, on
  // a thread of the host's; may come before Start returns, and not after Stop.
  std::function<void(const absl::Status&)> on_fatal_error;
};

// Thread-safe, but for Stop.
class FunctionHost {
 public:
  using OnChange = std::function<void(std::shared_ptr<const Registry>)>;

  // `launcher` comes from Launcher::Fork, called in main() before there was any thread. `on_change` is
  // called, on a thread of the host's and one call at a time, whenever the directory's manifests have
  // changed; not after Stop. A directory that cannot be read, now or later, and a bad manifest are problems
  // in the registry, not errors here. INTERNAL (FUNCTION_HOST_FAILED) if the system has no more descriptors
  // or threads.
  static absl::StatusOr<std::unique_ptr<FunctionHost>> Start(FunctionHostOptions options, Launcher launcher,
                                                             OnChange on_change);
  ~FunctionHost();  // as Stop
  FunctionHost(const FunctionHost&) = delete;
  FunctionHost& operator=(const FunctionHost&) = delete;

  // The newest.
  std::shared_ptr<const Registry> registry() const;

  // Kills what still runs, programs with all their processes, and waits until every run has finished: each
  // sink has then been told, but for runs of programs that were lost with the launcher. A run that is started
  // later finishes at once, as killed.
  void Stop();

 private:
  class Impl;

  explicit FunctionHost(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_FUNCTION_HOST_H_
