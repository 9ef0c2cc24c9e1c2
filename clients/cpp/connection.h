// The retry loop: attempts at one node after the other until one succeeds, none can, or the time is up.
#ifndef LAMPPOST_CLIENTS_CPP_CONNECTION_H_
#define LAMPPOST_CLIENTS_CPP_CONNECTION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "clients/cpp/client_clock.h"
#include "clients/cpp/node_stub.h"
#include "clients/cpp/options.h"
#include "clients/cpp/outcome.h"
#include "clients/cpp/retry_policy.h"

namespace lamppost::client {

struct CallSpec {
  absl::string_view method;
  CallKind kind = CallKind::kRead;
  std::string request_id;  // of writes; for messages only
  CallOptions options;
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
  // One attempt; the clock is to be sent with the request.
  using Attempt = absl::FunctionRef<AttemptEnd(NodeStub& stub, uint64_t clock, int64_t timeout_ms)>;

  // Every member of `environment` is set; options.nodes is not empty.
  Connection(ClientOptions options, ClientEnvironment environment);

  CallEnd Call(const CallSpec& spec, Attempt attempt);

  const ClientClock& clock() const { return clock_; }

 private:
  struct Node {
    std::string name;
    std::unique_ptr<NodeStub> stub;
  };

  // The node for the attempt after a failed one at `node`. An ambiguous write is first tried again where
  // it was: that node knows its request id for certain, the others only once they got the write.
  size_t NextNode(size_t node, const AttemptEnd& end, Effect effect, int* ambiguous_in_row);
  // Makes the node after `failed` the one that calls start with, unless another thread already has.
  size_t MoveOn(size_t failed);
  CallEnd Finish(const CallSpec& spec, CallEnd end, Effect worst, absl::string_view why, int64_t elapsed_ms);

  const ClientOptions options_;
  const ClientEnvironment environment_;
  std::vector<Node> nodes_;  // not changed after construction
  std::atomic<size_t> current_{0};
  RetryBudget budget_;
  ClientClock clock_;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_CONNECTION_H_
