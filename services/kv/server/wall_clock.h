// The wall clock, which may jump: it tells what has expired, and what people read.
#ifndef LAMPPOST_SERVICES_KV_SERVER_WALL_CLOCK_H_
#define LAMPPOST_SERVICES_KV_SERVER_WALL_CLOCK_H_

#include <cstdint>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace lamppost::kv {

// Milliseconds since 1970.
inline uint64_t UnixMs() {
  return static_cast<uint64_t>(absl::ToUnixMillis(absl::Now()));
}

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_WALL_CLOCK_H_
