// What a client can be told. Plain values.
#ifndef LAMPPOST_CLIENTS_CPP_OPTIONS_H_
#define LAMPPOST_CLIENTS_CPP_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "clients/cpp/node_stub.h"
#include "clients/cpp/outcome.h"
#include "clients/cpp/retry_policy.h"
#include "clients/cpp/time_source.h"
#include "services/common/listen_address.h"

namespace lamppost::client {

// One attempt, as told to an observer once it has ended.
struct AttemptReport {
  absl::string_view method;  // "Put", "Get", …
  int number = 0;            // from 1
  absl::string_view node;    // host:port
  absl::Status status;
  Reach reach = Reach::kSent;
  int64_t elapsed_us = 0;
  uint64_t clock_sent = 0;
  std::optional<uint64_t> clock_received;
  std::optional<int64_t> retry_after_ms;  // unset: this attempt was the last
};

// Called in the calling thread, between attempts; calls from several threads come side by side.
using AttemptObserver = std::function<void(const AttemptReport&)>;

struct ClientOptions {
  // In the order of preference; at least one. A call goes to the node that answered last, and moves on
  // to the next of the list, round and round, when it fails.
  std::vector<Address> nodes;
  // Bounds a whole call, all its attempts and waits included; unset: only retry.attempts_max does.
  std::optional<int64_t> timeout_ms = 10'000;
  RetryOptions retry;
  AttemptObserver observer;
};

// What a client takes from the world. Empty members mean the real thing.
struct ClientEnvironment {
  std::shared_ptr<TimeSource> time;
  RandomSource random;
  NodeStubFactory stub_factory;
  std::function<std::string()> mint_request_id;
};

// For one call.
struct CallOptions {
  // Instead of ClientOptions::timeout_ms.
  std::optional<int64_t> timeout_ms;
  // For writes: 1 to 64 printable ASCII characters. Empty: the client mints one.
  std::string request_id;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_OPTIONS_H_
