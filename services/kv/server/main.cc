// lamppost-kv: one node of the store.
#include <cstdio>
#include <string>
#include <variant>

#include "services/common/grpc_log.h"
#include "services/common/logging.h"
#include "services/common/server_flags.h"
#include "services/common/service_notices.h"
#include "services/common/signal_waiter.h"
#include "services/kv/server/settings.h"
#include "services/kv/server/supervisor.h"

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
  for (const std::string& warning : settings.warnings) Log(lamppost::LogLevel::kWarn, warning);
  lamppost::ServiceNotices notices;
  return lamppost::kv::Supervisor(settings, &signals, &notices).Run();
}
