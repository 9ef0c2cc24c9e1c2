// A whole function server: store, functions, driver and gRPC server, put together in the right order and
// taken apart in the reverse.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_RPC_SERVER_H_
#define LAMPPOST_SERVICES_RPC_SERVER_RPC_SERVER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "services/common/call_shell.h"
#include "services/common/metrics/metrics_server.h"
#include "services/common/metrics/request_metrics.h"
#include "services/common/server.h"
#include "services/rpc/core/request_store.h"
#include "services/rpc/functions/function_host.h"
#include "services/rpc/functions/launcher.h"
#include "services/rpc/metrics/rpc_metrics.h"
#include "services/rpc/server/crash_timer.h"
#include "services/rpc/server/driver.h"
#include "services/rpc/server/fault_service.h"
#include "services/rpc/server/faults.h"
#include "services/rpc/server/function_service.h"
#include "services/rpc/server/settings.h"
#include "services/security/server_tls.h"

namespace lamppost::rpc {

// What a server tells whoever runs it. Called from any thread; must not call back.
struct RpcEnvironment {
  // Nothing can be recorded any more, or the launcher is gone: the process should end.
  std::function<void(const absl::Status&)> on_fatal_error;
  // The driver's thread moves: called at least once in a second unless it is stuck. May be empty.
  std::function<void(StoreState, uint64_t now_ms)> on_alive;
};

class RpcServer {
 public:
  // Opens the store, finds the functions, and serves. `launcher` comes from Launcher::Fork, before there was
  // any thread. Errors are those of the request stores, FunctionHost::Start and Server::Start, and
  // NOT_FOUND (FUNCTIONS_DIR_UNUSABLE).
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(const Settings& settings, Launcher launcher,
                                                          RpcEnvironment environment);

  ~RpcServer();

  // Takes no new calls; what runs has the settings' time, and is then killed. Closes the store.
  void Drain();

  int port() const { return server_->port(); }

 private:
  RpcServer(const Settings& settings, RpcEnvironment environment)
      : settings_(settings), environment_(std::move(environment)) {}

  absl::Status OpenTls();
  absl::Status Open(Launcher launcher);
  absl::Status Serve();
  absl::Status ServeMetrics();
  DriverOptions MakeDriverOptions();
  void TakeRegistry(std::shared_ptr<const Registry> registry) ABSL_LOCKS_EXCLUDED(mutex_);
  void TakeHostFailure(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  void TakeStoreState(StoreState state) ABSL_LOCKS_EXCLUDED(mutex_);
  void TellHealth() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Settings settings_;
  const RpcEnvironment environment_;
  std::unique_ptr<security::ServerTls> tls_;  // null: plain text
  uint64_t incarnation_ = 0;
  CrashTimer crash_timer_;
  std::unique_ptr<Faults> faults_;
  std::unique_ptr<RequestStore> store_;
  std::unique_ptr<Driver> driver_;  // outlives what may still run
  std::unique_ptr<FunctionHost> host_;
  std::unique_ptr<CallShell> shell_;
  std::unique_ptr<FunctionServiceImpl> function_service_;
  std::unique_ptr<FaultServiceImpl> fault_service_;
  // Null unless metrics are served.
  std::shared_ptr<RequestMetrics> request_metrics_;
  std::shared_ptr<RpcMetrics> rpc_metrics_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<MetricsServer> metrics_server_;
  bool drained_ = false;
  std::atomic<bool> failed_{false};  // on_fatal_error has been called

  absl::Mutex mutex_;
  Driver* registry_taker_ ABSL_GUARDED_BY(mutex_) = nullptr;  // once there is a driver
  absl::Status host_failure_ ABSL_GUARDED_BY(mutex_);         // before there was a driver
  StoreState store_state_ ABSL_GUARDED_BY(mutex_) = StoreState::kAvailable;
  bool serving_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_SERVER_RPC_SERVER_H_
