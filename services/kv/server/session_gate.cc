#include "services/kv/server/session_gate.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/error.h"
#include "services/kv/core/version.h"

namespace lamppost::kv {
namespace {

constexpr int64_t kRetryDelayMs = 200;

absl::Status ShuttingDown() {
  return MakeRetryableError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "the node is shutting down",
                            1000);
}

absl::Status Overloaded() {
  return MakeRetryableError(absl::StatusCode::kResourceExhausted, "OVERLOADED",
                            "too many calls wait for what their sessions ask for", kRetryDelayMs);
}

// Names one origin that lags: where to look for the cause.
absl::Status Ahead(const Heads& session, const Heads& committed) {
  std::string hint;
  for (const auto& [origin, counter] : session) {
    if (committed.At(origin) >= counter) continue;
    hint = absl::StrCat(": the session has ", ToString(origin), " up to ", counter, ", this node up to ",
                        committed.At(origin));
    break;
  }
  return MakeRetryableError(absl::StatusCode::kUnavailable, "SESSION_AHEAD",
                            absl::StrCat("this node does not have all that the session has seen", hint),
                            kRetryDelayMs);
}

}  // namespace

SessionGate::SessionGate(const PublishedHeads* heads, SessionGateOptions options)
    : heads_(heads), options_(options), thread_([this] { Run(); }) {}

SessionGate::~SessionGate() {
  Drain();
  thread_.join();
}

// A fifth of what is left of the call's time, within bounds, is for the answer to come home.
absl::Time SessionGate::UntilFor(absl::Time deadline) const {
  const absl::Time now = absl::Now();
  const absl::Duration left = std::min(deadline - now, options_.wait_max);
  const absl::Duration early = std::min(std::max(left / 5, options_.look * 3 / 2), options_.early);
  return now + (left == options_.wait_max ? left : left - early);
}

void SessionGate::Wait(Heads session, absl::Time deadline, IsCancelled is_cancelled, Next next) {
  if (session.empty() || session.IsCoveredBy(*heads_->Now().committed)) return next(absl::OkStatus());
  absl::Status refusal;
  {
    absl::MutexLock lock(&mutex_);
    if (draining_) {
      refusal = ShuttingDown();
    } else if (waiters_.size() >= options_.waiters_max) {
      refusal = Overloaded();
    } else {
      waiters_.push_back({std::move(session), UntilFor(deadline), std::move(is_cancelled), std::move(next)});
    }
  }
  if (!refusal.ok()) next(refusal);
}

void SessionGate::Drain() {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
}

std::vector<SessionGate::Ended> SessionGate::TakeEnded(const Heads& committed) {
  const absl::Time now = absl::Now();
  std::vector<Ended> ended;
  absl::MutexLock lock(&mutex_);
  const auto outcome = [&](const Waiter& waiter) -> std::optional<absl::Status> {
    if (waiter.session.IsCoveredBy(committed)) return absl::OkStatus();
    if (waiter.is_cancelled && waiter.is_cancelled()) return absl::CancelledError("the caller has gone");
    if (draining_) return ShuttingDown();
    if (now >= waiter.until) return Ahead(waiter.session, committed);
    return std::nullopt;
  };
  size_t kept = 0;
  for (size_t i = 0; i < waiters_.size(); ++i) {
    if (std::optional<absl::Status> status = outcome(waiters_[i])) {
      ended.push_back({std::move(waiters_[i].next), *std::move(status)});
    } else {
      if (kept != i) waiters_[kept] = std::move(waiters_[i]);
      ++kept;
    }
  }
  waiters_.resize(kept);
  return ended;
}

void SessionGate::Run() {
  const auto needed = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return draining_ || !waiters_.empty(); };
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&needed));
      if (draining_ && waiters_.empty()) return;
    }
    const PublishedHeads::View view = heads_->Now();
    for (Ended& ended : TakeEnded(*view.committed)) ended.next(ended.status);
    bool waiting = false;
    {
      absl::MutexLock lock(&mutex_);
      waiting = !draining_ && !waiters_.empty();
    }
    if (waiting) heads_->AwaitAfter(view.number, absl::Now() + options_.look);
  }
}

}  // namespace lamppost::kv
