// What calls are refused with, by the engine and by its driver, and what is said when nobody knows.
#ifndef LAMPPOST_SERVICES_RPC_CORE_ENGINE_ERRORS_H_
#define LAMPPOST_SERVICES_RPC_CORE_ENGINE_ERRORS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/common/error.h"
#include "services/rpc/core/record.h"

namespace lamppost::rpc {

inline constexpr int64_t kRefusalRetryDelayMs = 500;

inline absl::Status ShuttingDown() {
  return MakeRetryableError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "the server is shutting down",
                            kRefusalRetryDelayMs);
}

// Unlike the others it says that something has been done.
inline absl::Status Interrupted() {
  return MakeRetryableError(absl::StatusCode::kUnavailable, "RUN_INTERRUPTED",
                            "the server is shutting down and has cut the run off; a retry runs it again",
                            kRefusalRetryDelayMs);
}

inline absl::Status Overloaded(absl::string_view what) {
  return MakeRetryableError(absl::StatusCode::kResourceExhausted, "OVERLOADED", what, kRefusalRetryDelayMs);
}

inline absl::Status Expired(absl::string_view why) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "REQUEST_ID_EXPIRED",
                   absl::StrCat("the request id has expired: ", why));
}

inline absl::Status Reused() {
  return MakeError(absl::StatusCode::kInvalidArgument, "REQUEST_ID_REUSED",
                   "the request id stands for another method or other params");
}

inline absl::Status StoreUnavailable() {
  return MakeRetryableError(absl::StatusCode::kUnavailable, "REQUEST_STORE_UNAVAILABLE",
                            "the request store cannot be reached", kRefusalRetryDelayMs);
}

inline Outcome UnknownOutcome(absl::string_view reason, absl::string_view message) {
  Outcome outcome;
  outcome.kind = Outcome::Kind::kUnknown;
  outcome.error.reason = std::string(reason);
  outcome.error.message = std::string(message);
  return outcome;
}

inline constexpr char kServerCrashed[] = "SERVER_CRASHED";

inline Outcome ServerCrashed() {
  return UnknownOutcome(kServerCrashed,
                        "the server that ran the function is gone; nobody knows how far it had come");
}

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_CORE_ENGINE_ERRORS_H_
