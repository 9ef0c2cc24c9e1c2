#include "clients/cpp/connection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost::client {
namespace {

int64_t DeadlineMs(std::optional<int64_t> timeout_ms, int64_t now_ms) {
  if (!timeout_ms || *timeout_ms >= kNoDeadline - now_ms) return kNoDeadline;
  return now_ms + *timeout_ms;
}

// The node has not yet got what the client has seen; another may have.
bool NodeIsBehind(const absl::Status& status) {
  return ErrorReason(status) == "SESSION_AHEAD";
}

}  // namespace

Connection::Connection(ConnectionOptions options)
    : options_(std::move(options)),
      budget_(options_.retry.budget_tokens_max, options_.retry.budget_tokens_per_success) {}

CallEnd Connection::Call(const CallSpec& spec, Attempt attempt) {
  TimeSource& time = *options_.time;
  const int64_t started_ms = time.NowMs();
  const auto timeout_ms = spec.timeout_ms ? spec.timeout_ms : options_.timeout_ms;
  RetryPolicy policy(options_.retry, spec.kind, DeadlineMs(timeout_ms, started_ms), &budget_,
                     options_.random);
  size_t node = current_.load();
  int ambiguous_in_row = 0;
  size_t behind = 0;   // attempts at nodes that were
  size_t removed = 0;  // the same
  CallEnd call;
  call.status = MakeError(absl::StatusCode::kDeadlineExceeded, "TIMEOUT", "no time left to ask anybody");
  Effect worst = EffectOf(spec.kind, Reach::kNotSent, call.status);
  while (true) {
    const int64_t start_us = time.NowUs();
    const int64_t attempt_timeout_ms = policy.AttemptTimeoutMs(start_us / 1000);
    if (attempt_timeout_ms <= 0) {
      return Finish(spec, std::move(call), worst, "the timeout has passed", time.NowMs() - started_ms);
    }
    const uint64_t clock = clock_.Tick();
    AttemptEnd end = attempt(node, clock, attempt_timeout_ms);
    if (end.server_clock) clock_.Observe(*end.server_clock);
    const int64_t end_us = time.NowUs();

    RetryDecision decision;
    if (end.status.ok()) {
      policy.OnSuccess();
    } else {
      decision = policy.OnFailure(end.status, end.reach, end_us / 1000);
      if (NodeIsBehind(end.status) && ++behind < options_.nodes.size()) decision.delay_ms = 0;
      if (NodeIsRemoved(end.status) && ++removed < options_.nodes.size()) {
        decision = {RetryDecision::Action::kRetry, 0, ""};
      }
    }
    const bool retry = decision.action == RetryDecision::Action::kRetry;
    const Effect effect = EffectOf(spec.kind, end.reach, end.status);
    // That a write is done somewhere stays true, whatever becomes of later attempts.
    const bool says_less = call.attempts > 0 && worst == Effect::kDone && effect != Effect::kDone;
    worst = call.attempts == 0 ? effect : std::max(worst, effect);
    if (!says_less) call.status = end.status;
    call.node = end.server.empty() ? options_.nodes[node] : end.server;
    ++call.attempts;
    if (options_.observer) {
      options_.observer({spec.method, call.attempts, call.node, end.status, end.reach, end_us - start_us,
                         clock, end.server_clock,
                         retry ? std::optional<int64_t>(decision.delay_ms) : std::nullopt, end.rpcs});
    }
    if (!end.status.ok()) node = NextNode(node, end, effect, &ambiguous_in_row);
    if (!retry) return Finish(spec, std::move(call), worst, decision.why, end_us / 1000 - started_ms);
    time.SleepMs(decision.delay_ms);
  }
}

size_t Connection::NextNode(size_t node, const AttemptEnd& end, Effect effect, int* ambiguous_in_row) {
  if (NodeIsRemoved(end.status)) return MoveOn(node);
  if (!NodeIsInTrouble(end.status)) return node;
  if (effect == Effect::kPossible && ++*ambiguous_in_row == 1) return node;
  *ambiguous_in_row = 0;
  return MoveOn(node);
}

size_t Connection::MoveOn(size_t failed) {
  const size_t next = (failed + 1) % options_.nodes.size();
  size_t expected = failed;
  return current_.compare_exchange_strong(expected, next) ? next : expected;
}

CallEnd Connection::Finish(const CallSpec& spec, CallEnd end, Effect worst, absl::string_view why,
                           int64_t elapsed_ms) {
  end.outcome = OutcomeOf(end.status, worst);
  if (end.status.ok()) return end;
  std::string message(end.status.message());
  if (end.attempts != 1 || NodeIsInTrouble(end.status)) {
    absl::StrAppend(&message, " (", end.attempts, end.attempts == 1 ? " attempt" : " attempts", " in ",
                    elapsed_ms, " ms; ", why, ")");
  }
  if (end.outcome == Outcome::kUnknown) {
    absl::StrAppend(&message, "; the ", spec.noun, " may or may not have taken effect");
  }
  const bool asks_again = end.outcome == Outcome::kUnknown || end.outcome == Outcome::kPending;
  if (asks_again && !spec.request_id.empty()) absl::StrAppend(&message, ", request id ", spec.request_id);
  end.status = WithMessage(end.status, message);
  return end;
}

}  // namespace lamppost::client
