// Messages to and from the bytes that gRPC carries, where its own way is not good enough.
//
// Thread-safe.
#ifndef LAMPPOST_SERVICES_COMMON_MESSAGE_BYTES_H_
#define LAMPPOST_SERVICES_COMMON_MESSAGE_BYTES_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

#include "absl/status/status.h"

namespace lamppost {

// How deep messages may lie in each other. Protobuf's usual limit is 100; what lies a little deeper is read
// here, so that the server itself can say that it is too deep, and by what measure.
inline constexpr int kMessageDepthMax = 400;

// INVALID_ARGUMENT (REQUEST_UNREADABLE): not a message of its type, or text in it that is not UTF-8. The
// bytes stay as they are.
absl::Status ParseMessage(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite* message);

// Equal messages have equal bytes, maps in them or not.
grpc::ByteBuffer MessageBytes(const google::protobuf::MessageLite& message);

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_MESSAGE_BYTES_H_
