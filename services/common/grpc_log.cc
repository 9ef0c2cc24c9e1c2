#include "services/common/grpc_log.h"

#include <grpc/support/log.h>

#include <cstring>

#include "services/common/logging.h"

namespace lamppost {
namespace {

LogLevel LevelOf(gpr_log_severity severity) {
  switch (severity) {
    case GPR_LOG_SEVERITY_DEBUG:
    case GPR_LOG_SEVERITY_INFO:  // what gRPC calls info concerns its own developers
      return LogLevel::kDebug;
    case GPR_LOG_SEVERITY_ERROR:
      break;
  }
  return LogLevel::kWarn;  // it recovers, or the call's status says so
}

void Write(gpr_log_func_args* args) {
  const char* slash = std::strrchr(args->file, '/');
  Log(LevelOf(args->severity), "gRPC says",
      {{"text", args->message}, {"file", slash != nullptr ? slash + 1 : args->file}, {"line", args->line}});
}

}  // namespace

void SendGrpcMessagesToLog() {
  gpr_set_log_function(&Write);
}

}  // namespace lamppost
