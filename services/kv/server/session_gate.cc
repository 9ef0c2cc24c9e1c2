#include "services/kv/server/session_gate.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/error.h"
#include "services/kv/core/session.h"
#include "services/kv/server/shutting_down.h"
#include "services/kv/server/wait_limit.h"

namespace lamppost::kv {
namespace {

constexpr int64_t kRetryDelayMs = 200;

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

void SessionGate::Wait(Heads session, absl::Time deadline, IsCancelled is_cancelled, Next next) {
  if (MayServe(*heads_->Now().committed, session)) return next(absl::OkStatus());
  const absl::Time now = absl::Now();
  const absl::Time until = now + WaitLimit(deadline - now, options_.wait_max);
  absl::Status refusal;
  {
    absl::MutexLock lock(&mutex_);
    if (draining_) {
      refusal = ShuttingDown();
    } else if (waiters_.size() >= options_.waiters_max ||
               waiting_heads_ + session.size() > options_.heads_max) {
      refusal = Overloaded();
    } else {
      waiting_heads_ += session.size();
      waiters_.push_back({std::move(session), until, std::move(is_cancelled), std::move(next)});
    }
  }
  if (!refusal.ok()) next(refusal);
}

void SessionGate::Drain() {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
}

void SessionGate::AwaitEnd() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&ended_));
}

std::vector<SessionGate::Ended> SessionGate::TakeEnded(const Heads& committed) {
  const absl::Time now = absl::Now();
  std::vector<Ended> ended;
  absl::MutexLock lock(&mutex_);
  const auto outcome = [&](const Waiter& waiter) -> std::optional<absl::Status> {
    if (MayServe(committed, waiter.session)) return absl::OkStatus();
    if (waiter.is_cancelled && waiter.is_cancelled()) return absl::CancelledError("the caller has gone");
    if (draining_) return ShuttingDown();
    if (now >= waiter.until) return Ahead(waiter.session, committed);
    return std::nullopt;
  };
  size_t kept = 0;
  for (size_t i = 0; i < waiters_.size(); ++i) {
    if (std::optional<absl::Status> status = outcome(waiters_[i])) {
      waiting_heads_ -= waiters_[i].session.size();
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
      if (draining_ && waiters_.empty()) {
        ended_ = true;
        return;
      }
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
