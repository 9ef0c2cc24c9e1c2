// What KvService.Status says of a replica.
#ifndef LAMPPOST_SERVICES_KV_SERVER_STATUS_H_
#define LAMPPOST_SERVICES_KV_SERVER_STATUS_H_

#include <string>

#include "lamppost/kv/v1/kv_service.pb.h"
#include "services/kv/core/replica.h"

namespace lamppost::kv {

// What the replica does not know of itself.
struct NodeFacts {
  std::string version;
  std::string cluster;
  std::string durability;
  uint64_t started_ms = 0;
};

// Fills in everything but the clock.
void FillStatus(const NodeFacts& facts, uint64_t now_ms, const Replica& replica,
                v1::StatusResponse* response);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_STATUS_H_
