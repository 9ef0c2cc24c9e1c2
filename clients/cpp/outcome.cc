#include "clients/cpp/outcome.h"

#include <string>

#include "services/common/error.h"

namespace lamppost::client {
namespace {

// Codes by which a server turns a request away before it touches anything.
bool IsAdmissionError(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

// Codes by which a server says something about the request, not about its own state.
bool IsAboutTheRequest(absl::StatusCode code) {
  return IsAdmissionError(code) && code != absl::StatusCode::kResourceExhausted &&
         code != absl::StatusCode::kFailedPrecondition;
}

}  // namespace

absl::string_view ToString(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
      return "done";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kUnknown:
      return "unknown";
    case Outcome::kPending:
      return "pending";
  }
  return "unknown";
}

Effect EffectOf(CallKind kind, Reach reach, const absl::Status& status) {
  if (status.ok()) return Effect::kDone;
  if (kind == CallKind::kRead) return Effect::kNone;
  if (kind == CallKind::kResumedWrite && (reach == Reach::kNotSent || !IsAboutTheRequest(status.code()))) {
    return Effect::kPossible;
  }
  if (reach == Reach::kNotSent) return Effect::kNone;
  const std::string reason = ErrorReason(status);
  if (reason == "REPLICAS_PENDING") return Effect::kDone;
  if (reason == "STORAGE_FAILED" || reason == "RUN_INTERRUPTED") return Effect::kPossible;
  if (IsAdmissionError(status.code())) return Effect::kNone;
  const bool refused = status.code() == absl::StatusCode::kUnavailable && !reason.empty();
  return refused ? Effect::kNone : Effect::kPossible;
}

Outcome OutcomeOf(const absl::Status& status, Effect worst) {
  if (status.ok()) return Outcome::kDone;
  if (worst == Effect::kDone) return Outcome::kPending;
  return worst == Effect::kNone ? Outcome::kFailed : Outcome::kUnknown;
}

}  // namespace lamppost::client
