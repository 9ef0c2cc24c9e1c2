#include "tests/sim/client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost::sim {
namespace {

constexpr uint64_t kBackoffMs = 50;

std::string KeyName(size_t key) {
  return absl::StrCat("k", key);
}

// The write is done, and stands.
bool IsPending(const absl::Status& status) {
  return ErrorReason(status) == "REPLICAS_PENDING";
}

history::Outcome OutcomeOf(const absl::Status& status) {
  if (status.ok()) return history::Outcome::kOk;
  return IsPending(status) ? history::Outcome::kUnknown : history::Outcome::kFailed;
}

bool SaysLater(const absl::Status& status) {
  if (IsPending(status)) return true;
  return status.code() == absl::StatusCode::kUnavailable ||
         status.code() == absl::StatusCode::kResourceExhausted;
}

}  // namespace

void Client::Take(const Errand& errand) {
  waiting_.push_back(errand);
  Begin();
}

void Client::Begin() {
  if (job_ || down_ || waiting_.empty()) return;
  job_ = Prepare(waiting_.front());
  waiting_.pop_front();
  Try();
}

Client::Job Client::Prepare(const Errand& errand) {
  Job job;
  job.errand = errand;
  job.node = errand.node;
  const std::string name = absl::StrCat("c", index_, "-", next_number_++);
  for (const size_t key : errand.keys) {
    const bool deletes =
        errand.act == Act::kDelete || (errand.act == Act::kWrite && (errand.at_ms + key) % 3 == 0);
    kv::Operation operation{KeyName(key), std::nullopt};
    if (!deletes) {
      operation.value = kv::Value{kv::Value::Kind::kText, absl::StrCat(name, "-", key)};
      operation.ttl_ms = errand.ttl_ms;
    }
    if (errand.act == Act::kGet) {
      job.keys.push_back(std::move(operation.key));
    } else if (errand.act != Act::kScan) {
      job.proposal.operations.push_back(std::move(operation));
    }
  }
  if (errand.act == Act::kSettle) {
    kv::Operation& put = job.proposal.operations.front();
    put.ttl_ms = 0;
    job.proposal.settlement = kv::Settlement{put.key, std::nullopt, kv::Resolution::kOtherValue, put.value};
  }
  if (errand.named) job.proposal.request_id = name;
  job.proposal.replicas = errand.replicas;
  if (errand.act == Act::kReuse && !last_id_.empty()) {
    job.proposal.request_id = last_id_;
    job.node = last_id_node_;
    job.errand.named = false;  // tried once
  }
  return job;
}

void Client::Try() {
  ++job_->attempts;
  job_->attempt = next_number_++;
  job_->start_us = to_.scheduler->now_us();
  Request request;
  request.client = index_;
  request.attempt = job_->attempt;
  request.clock = ++clock_;
  request.proposal = job_->proposal;
  request.keys = job_->keys;
  if (CarriesSession()) job_->session = session_;
  (IsWrite() ? request.proposal.session : request.session) = job_->session;
  to_.scheduler->AfterMs(kAttemptTimeoutMs, [this, attempt = job_->attempt] { TimedOut(attempt); });
  to_.send(job_->node, std::move(request));
}

void Client::Record(history::Outcome outcome, const Reply* reply) {
  history::Operation operation;
  operation.kind = IsWrite() ? history::Kind::kWrite : history::Kind::kRead;
  operation.client = index_;
  operation.node = NodeId(job_->node);
  operation.start_us = job_->start_us;
  operation.end_us = to_.scheduler->now_us();
  operation.outcome = outcome;
  operation.request_id = job_->proposal.request_id;
  operation.session = job_->session;
  for (const kv::Operation& change : job_->proposal.operations) {
    history::Item item;
    item.key = change.key;
    if (change.value) item.value = change.value->bytes;
    item.expires = change.ttl_ms > 0;
    operation.items.push_back(std::move(item));
  }
  if (reply != nullptr) {
    operation.error = std::string(ErrorReason(reply->status));
    operation.version = reply->written.version;
    operation.replayed = reply->written.replayed;
    if (!IsWrite()) operation.items = reply->items;
  }
  to_.observer->OnOperation(operation);
}

void Client::OnReply(const Reply& reply) {
  clock_ = std::max(clock_, reply.clock) + 1;
  if (!job_ || job_->attempt != reply.attempt || down_) return;
  job_->attempt = 0;
  if (CarriesSession()) session_.RaiseAll(reply.session);
  Record(OutcomeOf(reply.status), &reply);
  if (ErrorReason(reply.status) == "SESSION_AHEAD" && job_->attempts >= kAttemptsMax) session_ = kv::Heads();
  if (!reply.status.ok() && SaysLater(reply.status)) return TryAgainOrGiveUp();
  if (reply.status.ok() && job_->errand.named && IsWrite()) {
    last_id_ = job_->proposal.request_id;
    last_id_node_ = job_->node;
  }
  job_.reset();
  Begin();
}

void Client::TimedOut(uint64_t attempt) {
  if (!job_ || job_->attempt != attempt || down_) return;
  job_->attempt = 0;
  Record(history::Outcome::kUnknown, nullptr);
  TryAgainOrGiveUp();
}

void Client::TryAgainOrGiveUp() {
  if (!MayRetry() || job_->attempts >= kAttemptsMax) {
    job_.reset();
    return Begin();
  }
  if (random_.Percent(30)) job_->node = random_.Below(plan_.machines());
  const uint64_t backoff_ms = random_.Below(kBackoffMs << std::min(job_->attempts, 5)) + 1;
  to_.scheduler->AfterMs(backoff_ms, [this, number = job_->attempts] {
    if (job_ && job_->attempts == number && job_->attempt == 0 && !down_) Try();
  });
}

void Client::Crash(uint64_t for_ms) {
  if (down_) return;
  if (job_ && job_->attempt != 0) {
    job_->attempt = 0;
    Record(history::Outcome::kUnknown, nullptr);
  }
  down_ = true;
  to_.scheduler->AfterMs(for_ms, [this] {
    down_ = false;
    if (!job_) return Begin();
    if (!MayRetry()) {
      job_.reset();
      return Begin();
    }
    job_->attempts = 0;
    Try();
  });
}

}  // namespace lamppost::sim
