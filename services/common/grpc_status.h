// absl::Status to and from grpc::Status, with google.rpc error details. Pure and thread-safe.
//
// On the wire an error carries a serialised google.rpc.Status with one ErrorInfo{reason, domain
// "lamppost"} and, where a retry may help, a RetryInfo. Any client can read them.
#ifndef LAMPPOST_SERVICES_COMMON_GRPC_STATUS_H_
#define LAMPPOST_SERVICES_COMMON_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace lamppost {

inline constexpr char kErrorDomain[] = "lamppost";

// Longer messages are cut: gRPC refuses more than 8 KiB of metadata, and then the client would see
// an error about that instead of this one.
inline constexpr size_t kErrorMessageBytesMax = 1024;
inline constexpr size_t kErrorReasonBytesMax = 63;
// Of an error's metadata: at most so many, the first by key, each key and each value cut.
inline constexpr size_t kErrorMetadataMax = 16;
inline constexpr size_t kErrorMetadataBytesMax = 128;
// A longer delay, sent or received, is taken for this one.
inline constexpr int64_t kRetryDelayMsMax = 3'600'000;

// Every error gets a reason: its own, or else the code's name. Bytes that are no UTF-8 become '?'.
grpc::Status ToGrpcStatus(const absl::Status& status);

// The reverse, with ErrorReason, ErrorMetadata and RetryDelayMs restored. An error without readable details
// of the domain "lamppost" has no reason: it was made by gRPC or something between, not by a Lamppost server.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_GRPC_STATUS_H_
