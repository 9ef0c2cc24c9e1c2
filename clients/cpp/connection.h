// The retry loop: attempts at one node after the other until one succeeds, none can, or the time is up. What
// an attempt does, and how a node is asked, is its callers' business; it knows nodes by name and place.
#ifndef LAMPPOST_CLIENTS_CPP_CONNECTION_H_
#define LAMPPOST_CLIENTS_CPP_CONNECTION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "clients/cpp/attempt.h"
#include "clients/cpp/client_clock.h"
#include "clients/cpp/outcome.h"
#include "clients/cpp/retry_policy.h"
#include "clients/cpp/time_source.h"

namespace lamppost::client {

struct ConnectionOptions {
  std::vector<std::string> nodes;     // their names, in the order of preference; at least one
  std::optional<int64_t> timeout_ms;  // of a call that brings none
  RetryOptions retry;
  AttemptObserver observer;          // may be empty
  std::shared_ptr<TimeSource> time;  // set
  RandomSource random;               // set
};

struct CallSpec {
  absl::string_view method;
  CallKind kind = CallKind::kRead;
  std::string request_id;             // of what changes something; for messages only
  std::optional<int64_t> timeout_ms;  // unset: the connection's
  absl::string_view noun = "write";   // what may have taken effect; for messages
};

struct CallEnd {
  // Of the last attempt. Its message also says how often it was tried, why no more, and of an unknown
  // outcome the request id.
  absl::Status status;
  Outcome outcome = Outcome::kFailed;
  int attempts = 0;
  std::string node;  // the one that was asked last
};

// Thread-safe.
class Connection {
 public:
  // One attempt at options.nodes[node]; the clock is to be sent with the request.
  using Attempt = absl::FunctionRef<AttemptEnd(size_t node, uint64_t clock, int64_t timeout_ms)>;

  explicit Connection(ConnectionOptions options);

  CallEnd Call(const CallSpec& spec, Attempt attempt);

  ClientClock& clock() { return clock_; }
  const ClientClock& clock() const { return clock_; }
  const RetryBudget& budget() const { return budget_; }

 private:
  // The node for the attempt after a failed one at `node`. An ambiguous write is first tried again where
  // it was: that node knows its request id for certain, the others only once they got the write.
  size_t NextNode(size_t node, const AttemptEnd& end, Effect effect, int* ambiguous_in_row);
  // Makes the node after `failed` the one that calls start with, unless another thread already has.
  size_t MoveOn(size_t failed);
  CallEnd Finish(const CallSpec& spec, CallEnd end, Effect worst, absl::string_view why, int64_t elapsed_ms);

  const ConnectionOptions options_;
  std::atomic<size_t> current_{0};
  RetryBudget budget_;
  ClientClock clock_;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_CONNECTION_H_
