// The checksum that every message between peers carries: over what the message says, not over its bytes.
//
// TCP's own checksum lets one damaged segment in some 65,000 pass, and memory between here and there may
// fail too; what still parses would be merged and served. docs/protocol.md describes what is hashed, and how:
// nodes of all versions must agree on it. Fields that this version does not know are not covered. It guards
// against faults, not against forgery.
//
// Pure and thread-safe.
#ifndef LAMPPOST_SERVICES_KV_SERVER_SYNC_CHECKSUM_H_
#define LAMPPOST_SERVICES_KV_SERVER_SYNC_CHECKSUM_H_

#include <cstdint>

#include "lamppost/kv/v1/replication_service.pb.h"

namespace lamppost::kv {

uint64_t ChecksumOf(const v1::SyncRequest& message);
uint64_t ChecksumOf(const v1::SyncResponse& message);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_SYNC_CHECKSUM_H_
