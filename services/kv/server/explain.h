// What a node knows of one key, for people.
#ifndef LAMPPOST_SERVICES_KV_SERVER_EXPLAIN_H_
#define LAMPPOST_SERVICES_KV_SERVER_EXPLAIN_H_

#include "absl/status/status.h"
#include "lamppost/kv/v1/conflicts.pb.h"
#include "services/kv/core/replica.h"
#include "services/kv/core/store.h"

namespace lamppost::kv {

constexpr int kRivalsMax = 20;

// What is stored: the version, how it came, and what the ledger has. INVALID_ARGUMENT as CheckKey, DATA_LOSS.
// Thread-safe.
absl::Status ExplainStored(const Store& store, const v1::ExplainRequest& request,
                           v1::ExplainResponse* response);

// Who has that version. On the driver's thread.
void ExplainStanding(const Replica& replica, v1::ExplainResponse* response);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_EXPLAIN_H_
