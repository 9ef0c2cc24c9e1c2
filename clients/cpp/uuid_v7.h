// Request ids: UUIDs of version 7 (RFC 9562), which begin with the time they were minted at.
#ifndef LAMPPOST_CLIENTS_CPP_UUID_V7_H_
#define LAMPPOST_CLIENTS_CPP_UUID_V7_H_

#include <cstdint>
#include <functional>
#include <mutex>

#include "services/rpc/core/request_id.h"

namespace lamppost::client {

// Each id is above the one before, bytewise: within a millisecond, and when the wall clock steps back (then
// they go on from the highest time there was). Thread-safe.
class UuidV7Minter {
 public:
  // `wall_ms` gives Unix time, `random` 64 random bits at a time. Empty: the real thing.
  explicit UuidV7Minter(std::function<uint64_t()> wall_ms = {}, std::function<uint64_t()> random = {});

  rpc::RequestId Mint();

 private:
  const std::function<uint64_t()> wall_ms_;
  const std::function<uint64_t()> random_;
  std::mutex mutex_;
  // The last id's parts: 48 bits, 12 and 62. Guarded by mutex_.
  uint64_t time_ms_ = 0;
  uint64_t high_ = 0;
  uint64_t low_ = 0;
};

// One by a minter of its own, for who needs no more.
rpc::RequestId MintUuidV7();

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_UUID_V7_H_
