// Errors with a machine-readable reason, as absl::Status. Pure: the core makes them, the gRPC shells
// turn them into google.rpc details (grpc_status.h).
#ifndef LAMPPOST_SERVICES_COMMON_ERROR_H_
#define LAMPPOST_SERVICES_COMMON_ERROR_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace lamppost {

// An error for people (message) and programs (reason, UPPER_SNAKE).
absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message);

// The same, for one that may pass: the caller should wait retry_delay_ms before it tries again.
absl::Status MakeRetryableError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                                int64_t retry_delay_ms);

// The same error with a fact about it for programs; the key in lower_snake.
absl::Status WithMetadata(absl::Status status, absl::string_view key, absl::string_view value);

// The same error with another message.
absl::Status WithMessage(const absl::Status& status, absl::string_view message);

// The facts given to WithMetadata, by key.
std::map<std::string, std::string> ErrorMetadata(const absl::Status& status);

// The reason given to MakeError; empty if there is none.
std::string ErrorReason(const absl::Status& status);

// The delay given to MakeRetryableError, if any.
std::optional<int64_t> RetryDelayMs(const absl::Status& status);

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_ERROR_H_
