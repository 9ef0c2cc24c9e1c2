// lamppost-kv: one node of the store.
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
#include "services/common/signal_waiter.h"
#include "services/common/version.h"
#include "services/kv/server/node.h"
#include "services/kv/server/settings.h"

namespace {

using lamppost::Log;
using lamppost::LogLevel;

int Serve(const lamppost::kv::Settings& settings, lamppost::SignalWaiter* signals) {
  std::atomic<bool> failed{false};
  absl::StatusOr<std::unique_ptr<lamppost::kv::Node>> node =
      lamppost::kv::Node::Start(settings, [&failed, signals](const absl::Status&) {
        failed = true;
        signals->Wake();
      });
  if (!node.ok()) {
    Log(LogLevel::kError, "cannot start",
        {{"reason", lamppost::ErrorReason(node.status())}, {"error", std::string(node.status().message())}});
    return 1;
  }
  Log(LogLevel::kInfo, "serving",
      {{"node", settings.node_id},
       {"address", settings.listen[0].host},
       {"port", (*node)->port()},
       {"data_dir", settings.data_directory},
       {"version", lamppost::kVersion}});
  if (signals->Wait() == lamppost::SignalWaiter::Woken::kBySignal) Log(LogLevel::kInfo, "draining");
  (*node)->Drain();
  Log(LogLevel::kInfo, "stopped");
  return failed ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  auto parsed = lamppost::kv::ParseCommandLine(argc, argv);
  if (const auto* exit_now = std::get_if<lamppost::ExitNow>(&parsed)) {
    std::fputs(exit_now->text.c_str(), exit_now->code == 0 ? stdout : stderr);
    return exit_now->code;
  }
  const auto& settings = std::get<lamppost::kv::Settings>(parsed);
  lamppost::SignalWaiter signals;  // before any thread starts
  lamppost::SetLogOptions(settings.log);
  lamppost::SendGrpcMessagesToLog();
  for (const std::string& warning : settings.warnings) Log(LogLevel::kWarn, warning);
  return Serve(settings, &signals);
}
