// lamppost-rpc: runs functions by name.
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "services/common/error.h"
#include "services/common/grpc_log.h"
#include "services/common/logging.h"
#include "services/common/server_flags.h"
#include "services/common/service_notices.h"
#include "services/common/signal_waiter.h"
#include "services/common/version.h"
#include "services/rpc/functions/launcher.h"
#include "services/rpc/server/request_stores.h"
#include "services/rpc/server/rpc_server.h"
#include "services/rpc/server/settings.h"

namespace {

using lamppost::Log;
using lamppost::LogLevel;
using lamppost::ServiceNotices;

// Beside the time that what runs has: to kill it, and for the store to close.
constexpr uint64_t kCloseMs = 30'000;

int CannotStart(const absl::Status& status) {
  Log(LogLevel::kError, "cannot start",
      {{"reason", lamppost::ErrorReason(status)}, {"error", std::string(status.message())}});
  return 1;
}

int Serve(const lamppost::rpc::Settings& settings, lamppost::rpc::Launcher launcher,
          lamppost::SignalWaiter* signals) {
  ServiceNotices notices;
  std::atomic<bool> failed{false};
  std::atomic<ServiceNotices::Readiness> readiness{ServiceNotices::Readiness::kNotYet};
  lamppost::rpc::RpcEnvironment environment;
  environment.on_fatal_error = [&failed, signals](const absl::Status&) {
    failed = true;
    signals->Wake();
  };
  environment.on_alive = [&notices, &readiness](lamppost::rpc::StoreState store, uint64_t now_ms) {
    const bool available = store == lamppost::rpc::StoreState::kAvailable;
    notices.Alive(readiness, now_ms, available ? "serving" : "the request store cannot be reached");
  };
  absl::StatusOr<std::unique_ptr<lamppost::rpc::RpcServer>> server =
      lamppost::rpc::RpcServer::Start(settings, std::move(launcher), std::move(environment));
  if (!server.ok()) return CannotStart(server.status());
  readiness = ServiceNotices::Readiness::kReady;
  Log(LogLevel::kInfo, "serving",
      {{"node", settings.node_id},
       {"address", settings.listen[0].host},
       {"port", (*server)->port()},
       {"data_dir", settings.data_directory},
       {"request_store", lamppost::rpc::NameOf(settings.store.kind)},
       {"version", lamppost::kVersion}});
  if (signals->Wait() == lamppost::SignalWaiter::Woken::kBySignal) Log(LogLevel::kInfo, "draining");
  notices.Stopping(settings.drain_ms + kCloseMs);
  (*server)->Drain();
  Log(LogLevel::kInfo, "stopped");
  return failed ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  auto parsed = lamppost::rpc::ParseCommandLine(argc, argv);
  if (const auto* exit_now = std::get_if<lamppost::ExitNow>(&parsed)) {
    std::fputs(exit_now->text.c_str(), exit_now->code == 0 ? stdout : stderr);
    return exit_now->code;
  }
  const auto& settings = std::get<lamppost::rpc::Settings>(parsed);
  lamppost::SignalWaiter signals;  // before any thread starts
  lamppost::SetLogOptions(settings.log);
  absl::StatusOr<lamppost::rpc::Launcher> launcher = lamppost::rpc::Launcher::Fork();  // that, too
  if (!launcher.ok()) return CannotStart(launcher.status());
  lamppost::SendGrpcMessagesToLog();
  for (const std::string& warning : settings.warnings) Log(LogLevel::kWarn, warning);
  return Serve(settings, *std::move(launcher), &signals);
}
