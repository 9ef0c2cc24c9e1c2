// How long a call may be kept waiting, so that it still hears why it has waited in vain.
//
// Pure and thread-safe.
#ifndef LAMPPOST_SERVICES_KV_SERVER_WAIT_LIMIT_H_
#define LAMPPOST_SERVICES_KV_SERVER_WAIT_LIMIT_H_

#include <algorithm>

#include "absl/time/time.h"

namespace lamppost::kv {

// `left` is what is left of the call's time; may be infinite. A fifth of it, within bounds, is for the answer
// to come home; whoever waits is looked at every few tens of milliseconds only.
inline absl::Duration WaitLimit(absl::Duration left, absl::Duration wait_max) {
  const absl::Duration early = std::clamp(left / 5, absl::Milliseconds(80), absl::Milliseconds(300));
  return std::clamp(left - early, absl::ZeroDuration(), wait_max);
}

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_WAIT_LIMIT_H_
