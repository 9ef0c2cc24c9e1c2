// One attempt of a call, as the retry loop and whoever watches it see it. Plain values.
#ifndef LAMPPOST_CLIENTS_CPP_ATTEMPT_H_
#define LAMPPOST_CLIENTS_CPP_ATTEMPT_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "clients/cpp/outcome.h"

namespace lamppost::client {

// One RPC of an attempt that took several, side by side (hedging).
struct RpcReport {
  std::string server;  // host:port; empty if it is not known
  absl::Status status;
  Reach reach = Reach::kSent;
  int64_t started_us = 0;  // after the attempt's start
  int64_t elapsed_us = 0;
  uint64_t clock_sent = 0;
  std::optional<uint64_t> clock_received;
};

// How an attempt ended.
struct AttemptEnd {
  absl::Status status;
  Reach reach = Reach::kSent;
  std::optional<uint64_t> server_clock = {};  // from the response, or from an error's trailers
  std::string server = {};                    // who answered, where the node's name does not tell
  std::vector<RpcReport> rpcs = {};           // of a hedged attempt, in the order of their starts
};

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
  std::vector<RpcReport> rpcs;            // as AttemptEnd's
};

// Called in the calling thread, between attempts; calls from several threads come side by side.
using AttemptObserver = std::function<void(const AttemptReport&)>;

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_ATTEMPT_H_
