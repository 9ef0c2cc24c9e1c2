// The client's randomness. Thread-safe.
#ifndef LAMPPOST_CLIENTS_CPP_RANDOM_H_
#define LAMPPOST_CLIENTS_CPP_RANDOM_H_

#include <string>

#include "clients/cpp/retry_policy.h"

namespace lamppost::client {

// 32 hex digits, 128 bits from the operating system: no two writes of the world share an id.
std::string MintRequestId();

// For jitter: any cheap generator seeded by the operating system.
RandomSource MakeRandomSource();

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_RANDOM_H_
