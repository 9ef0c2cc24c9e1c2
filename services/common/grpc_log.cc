#include "services/common/grpc_log.h"

#include <grpc/support/log.h>

#include <cstring>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "services/common/error.h"
#include "services/common/logging.h"
#include "services/security/refusal_log.h"

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

// Of a TLS handshake that fails gRPC tells with each attempt. Empty for other messages.
std::string HandshakeError(absl::string_view message) {
  if (!absl::StartsWith(message, "Handshake failed")) return "";
  if (absl::StrContains(message, "wrong version number") || absl::StrContains(message, "http request"))
    return "the other end speaks no TLS";
  const size_t colons = message.rfind("::");  // "…:SSL routines::certificate verify failed."
  return std::string(message.substr(colons == absl::string_view::npos ? 0 : colons + 2));
}

// Whoever connects can make gRPC say things, as often as he likes and in words of his own.
bool IsNew(absl::string_view reason, absl::string_view text) {
  // Of the process, as gRPC's messages are.
  static auto* const log = new security::RefusalLog;
  const absl::Status message = MakeError(absl::StatusCode::kUnauthenticated, reason, text);
  return log->Judge("", message, absl::Now()) == security::RefusalLog::Verdict::kTell;
}

void TellOfHandshake(absl::string_view error) {
  if (!IsNew("TLS_HANDSHAKE_FAILED", error)) return;
  Log(LogLevel::kWarn, "a TLS handshake fails; the same is not told of again for an hour",
      {{"error", error}});
}

void Write(gpr_log_func_args* args) {
  if (const std::string error = HandshakeError(args->message); !error.empty()) return TellOfHandshake(error);
  const char* slash = std::strrchr(args->file, '/');
  const char* const file = slash != nullptr ? slash + 1 : args->file;
  const LogLevel level = LevelOf(args->severity);
  if (level != LogLevel::kDebug && !IsNew("GRPC_SAYS", absl::StrCat(file, ":", args->line))) return;
  Log(level,
      level == LogLevel::kDebug ? "gRPC says" : "gRPC says; this place is not told of again for an hour",
      {{"text", args->message}, {"file", file}, {"line", args->line}});
}

}  // namespace

void SendGrpcMessagesToLog() {
  gpr_set_log_function(&Write);
}

}  // namespace lamppost
