// With what calls are refused, or ended, while the node goes down.
#ifndef LAMPPOST_SERVICES_KV_SERVER_SHUTTING_DOWN_H_
#define LAMPPOST_SERVICES_KV_SERVER_SHUTTING_DOWN_H_

#include "absl/status/status.h"
#include "services/common/error.h"

namespace lamppost::kv {

inline absl::Status ShuttingDown() {
  return MakeRetryableError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "the node is shutting down",
                            1000);
}

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_SHUTTING_DOWN_H_
