// When and where a broken stream is opened again. A series of failures ends with the first answer that comes;
// each series has the back-off of RetryPolicy and a limit of its own. It decides; somebody else sleeps.
//
// Not thread-safe. Times are those of the TimeSource.
#ifndef LAMPPOST_CLIENTS_CPP_STREAM_RETRY_H_
#define LAMPPOST_CLIENTS_CPP_STREAM_RETRY_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "clients/cpp/outcome.h"
#include "clients/cpp/retry_policy.h"

namespace lamppost::client {

class StreamRetry {
 public:
  // nodes: how many there are.
  StreamRetry(const RetryOptions& options, CallKind kind, size_t nodes, RandomSource random);

  // The node to open the stream at.
  size_t node() const { return node_; }
  int attempts() const { return attempts_; }

  // A new series: nothing has failed. It may last until this time; kNoDeadline: for ever.
  void Begin(int64_t until_ms);
  // How long the next attempt may take to connect; 0 if no time is left.
  int64_t ConnectTimeoutMs(int64_t now_ms) const { return policy_->AttemptTimeoutMs(now_ms); }
  RetryDecision OnFailure(const absl::Status& status, Reach reach, int64_t now_ms);

 private:
  const RetryOptions options_;
  const CallKind kind_;
  const size_t nodes_;
  const RandomSource random_;
  RetryBudget budget_;  // of this stream alone, and never used up: the series' limit ends it
  std::optional<RetryPolicy> policy_;
  size_t node_ = 0;
  int attempts_ = 0;
  int ambiguous_in_row_ = 0;
  size_t removed_ = 0;  // attempts of the series at nodes that were
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_STREAM_RETRY_H_
