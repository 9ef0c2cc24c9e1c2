// The messages that peers send each other to and from what the core works with.
//
// Encoding puts the checksum on a message, decoding looks at it before anything else. Then decoding checks
// shape (an enum is known, an origin is listed, a text is one); the core checks limits and rules.
// Pure and thread-safe.
#ifndef LAMPPOST_SERVICES_KV_SERVER_SYNC_CODEC_H_
#define LAMPPOST_SERVICES_KV_SERVER_SYNC_CODEC_H_

#include "absl/status/statusor.h"
#include "lamppost/kv/v1/replication_service.pb.h"
#include "services/kv/core/messages.h"

namespace lamppost::kv {

// INVALID_ARGUMENT: the message has changed on its way or has no checksum (MESSAGE_DAMAGED), or it is none
// (MESSAGE_INVALID).
absl::StatusOr<SyncMessage> FromProto(const v1::SyncRequest& message);
absl::StatusOr<SyncAnswer> FromProto(const v1::SyncResponse& message);

// The message is to be empty before.
void ToProto(const SyncMessage& sync, v1::SyncRequest* message);
void ToProto(const SyncAnswer& answer, v1::SyncResponse* message);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_SYNC_CODEC_H_
