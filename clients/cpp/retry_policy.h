// Whether and when a failed attempt is repeated. Pure: it decides, somebody else sleeps; the present
// time and the randomness are handed in.
//
// Times are milliseconds of one monotonic clock (TimeSource).
#ifndef LAMPPOST_CLIENTS_CPP_RETRY_POLICY_H_
#define LAMPPOST_CLIENTS_CPP_RETRY_POLICY_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "clients/cpp/outcome.h"

namespace lamppost::client {

inline constexpr int64_t kNoDeadline = std::numeric_limits<int64_t>::max();

// What an attempt that ran out of its own time is taken for.
enum class SlowAttempt {
  kFailure,  // as any other
  kWait,     // nothing has failed: the next one joins what goes on under the same request id
};

struct RetryOptions {
  int64_t attempt_timeout_ms = 2000;
  int attempts_max = 32;  // the first one included; at least 1
  int64_t backoff_initial_ms = 50;
  int64_t backoff_max_ms = 2000;
  double backoff_factor = 2;
  // The budget that all calls of a client share: see RetryBudget.
  double budget_tokens_max = 20;
  double budget_tokens_per_success = 0.1;
  // kWait: it costs no token, and the next one follows within backoff_initial_ms.
  SlowAttempt slow_attempt = SlowAttempt::kFailure;
};

// A bucket of tokens: a failed attempt takes one, a successful one puts a part of one back, and while
// less than half are left nothing is repeated. So a server in trouble is not buried under retries.
// Thread-safe.
class RetryBudget {
 public:
  RetryBudget(double tokens_max, double tokens_per_success)
      : tokens_max_(tokens_max), tokens_per_success_(tokens_per_success), tokens_(tokens_max) {}

  void OnSuccess();
  // True if a repetition is allowed.
  bool OnFailure();
  // True if what is not strictly needed may be sent.
  bool HasPlenty() const { return tokens() >= tokens_max_ / 2; }
  double tokens() const;

 private:
  const double tokens_max_;
  const double tokens_per_success_;
  mutable std::mutex mutex_;
  double tokens_;
};

// Uniform in [0, 1). Must be thread-safe if a client shared by threads uses it.
using RandomSource = std::function<double()>;

// True if the failure says something about the node, not about the request.
bool NodeIsInTrouble(const absl::Status& status);
// The node takes no writes any more; another one does.
bool NodeIsRemoved(const absl::Status& status);

struct RetryDecision {
  enum class Action { kRetry, kStop };

  Action action = Action::kStop;
  int64_t delay_ms = 0;  // kRetry: how long to wait first
  std::string why;       // kStop: for people
};

// The decisions of one call. Not thread-safe; a call is one thread's.
class RetryPolicy {
 public:
  // deadline_ms bounds the whole call, sleeps included; kNoDeadline leaves that to attempts_max.
  // `budget` must outlive this object.
  RetryPolicy(const RetryOptions& options, CallKind kind, int64_t deadline_ms, RetryBudget* budget,
              RandomSource random);

  // What the next attempt may take: the attempt timeout or what remains, whichever is less; 0 if
  // nothing remains.
  int64_t AttemptTimeoutMs(int64_t now_ms) const;

  // To be told of every attempt's end, exactly one of the two.
  void OnSuccess();
  RetryDecision OnFailure(const absl::Status& status, Reach reach, int64_t now_ms);

 private:
  bool MayRepeat(const absl::Status& status, Reach reach) const;
  bool HasOnlyWaited(const absl::Status& status, Reach reach) const;
  // Exponential back-off with full jitter, on top of what the server asked for.
  int64_t NextDelayMs(const absl::Status& status);

  const RetryOptions options_;
  const CallKind kind_;
  const int64_t deadline_ms_;
  RetryBudget* const budget_;
  const RandomSource random_;
  int attempts_ = 0;
  double backoff_ms_;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_RETRY_POLICY_H_
