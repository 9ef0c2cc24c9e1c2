// The messages that clients send to and from what the core works with; sync_codec.h has those of peers.
//
// Decoding checks shape (a value is set); the core checks limits and rules.
// Pure and thread-safe.
#ifndef LAMPPOST_SERVICES_KV_SERVER_CODEC_H_
#define LAMPPOST_SERVICES_KV_SERVER_CODEC_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "lamppost/kv/v1/conflicts.pb.h"
#include "lamppost/kv/v1/kv_service.pb.h"
#include "lamppost/kv/v1/types.pb.h"
#include "services/kv/core/heads.h"
#include "services/kv/core/messages.h"
#include "services/kv/core/version.h"

namespace lamppost::kv {

// INVALID_ARGUMENT (VALUE_MISSING) if neither text nor data is set.
absl::StatusOr<Value> FromProto(const v1::Value& message);
void ToProto(const Value& value, v1::Value* message);

using HeadsField = google::protobuf::RepeatedPtrField<clock::v1::Head>;
Heads FromProto(const HeadsField& field);
void ToProto(const Heads& heads, HeadsField* field);

// INVALID_ARGUMENT (SESSION_INVALID) if it is malformed: more than 1000 heads, an origin twice or one that
// cannot be, a counter of 0.
absl::StatusOr<Heads> FromProto(const v1::Session& message);
void ToProto(const Heads& heads, v1::Session* message);

// How long a value is to live, in milliseconds. INVALID_ARGUMENT (TTL_INVALID) if it is not 1 ms to 10 years.
absl::StatusOr<uint64_t> TtlMs(const google::protobuf::Duration& ttl);
// Milliseconds since 1970.
void ToProto(uint64_t unix_ms, google::protobuf::Timestamp* message);

// The proposal that a request asks for, without its id. INVALID_ARGUMENT if it asks for none.
absl::StatusOr<Proposal> ToProposal(const v1::PutRequest& request);
absl::StatusOr<Proposal> ToProposal(const v1::DeleteRequest& request);
absl::StatusOr<Proposal> ToProposal(const v1::WriteRequest& request);
absl::StatusOr<Proposal> ToProposal(const v1::ResolveConflictRequest& request);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_CODEC_H_
