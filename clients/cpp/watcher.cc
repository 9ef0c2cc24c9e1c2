#include "clients/cpp/watcher.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "services/common/clock_metadata.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"

namespace lamppost::client {
namespace {

absl::Status TimeIsUp() {
  return MakeError(absl::StatusCode::kDeadlineExceeded, "TIMEOUT", "the watch's time is up");
}

absl::Status NotHeard(const absl::Status& last) {
  const std::string why = last.ok() ? "" : std::string(": " + std::string(last.message()));
  return MakeError(absl::StatusCode::kDeadlineExceeded, "NO_ANSWER",
                   "no node has answered within the watch's time" + why);
}

bool MayPass(absl::StatusCode code) {
  return code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kCancelled ||
         code == absl::StatusCode::kDeadlineExceeded;
}

}  // namespace

Watcher::Watcher(Client* client, WatchOptions options)
    : client_(client),
      options_(std::move(options)),
      started_ms_(client->time().NowMs()),
      links_(MakeStreamLinks(client->options().nodes, client->options().credentials)),
      retry_(client->options().retry, CallKind::kRead, links_.size(), client->environment().random),
      session_(options_.session) {
  retry_.Begin(std::min(DeadlineMs(), started_ms_ + options_.first_answer_ms));
}

Watcher::~Watcher() {
  Stop();
  if (call_ != nullptr) Close();
}

std::string Watcher::node() const {
  return client_->options().nodes[retry_.node()].HostPort();
}

int64_t Watcher::DeadlineMs() const {
  return options_.timeout_ms ? started_ms_ + *options_.timeout_ms : kNoDeadline;
}

void Watcher::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
    if (call_ != nullptr) call_->context.TryCancel();
  }
  stopped_changed_.notify_all();
}

kv::v1::WatchRequest Watcher::MakeRequest() {
  kv::v1::WatchRequest request;
  request.mutable_clock()->set_counter(client_->mutable_clock()->Tick());
  request.set_prefix(options_.prefix);
  request.set_key(options_.key);
  request.set_conflicts(options_.subject == WatchSubject::kConflicts);
  request.set_keys_only(options_.content == WatchContent::kKeysOnly);
  if (session_) *request.mutable_session() = *session_;
  if (options_.progress_interval_ms) {
    request.mutable_progress_interval()->set_seconds(*options_.progress_interval_ms / 1000);
    request.mutable_progress_interval()->set_nanos(
        static_cast<int32_t>(*options_.progress_interval_ms % 1000 * 1'000'000));
  }
  return request;
}

AttemptEnd Watcher::Open() {
  AttemptEnd end;
  end.reach = Reach::kNotSent;
  opened_us_ = client_->time().NowUs();
  const int64_t connect_ms = retry_.ConnectTimeoutMs(opened_us_ / 1000);
  if (connect_ms <= 0) {
    end.status = TimeIsUp();
    return end;
  }
  const auto now = std::chrono::system_clock::now();
  auto stubs = links_[retry_.node()]->Get(now + std::chrono::milliseconds(connect_ms), connect_ms);
  if (!stubs.ok()) {
    end.status = stubs.status();
    return end;
  }
  auto call = std::make_unique<Call>();
  if (options_.timeout_ms) {
    call->context.set_deadline(now + std::chrono::milliseconds(DeadlineMs() - opened_us_ / 1000));
  }
  call->stubs = *std::move(stubs);
  call->reader = call->stubs->kv->Watch(&call->context, MakeRequest());
  std::lock_guard<std::mutex> lock(mutex_);
  call_ = std::move(call);
  if (stopped_) call_->context.TryCancel();
  return end;
}

AttemptEnd Watcher::Close() {
  AttemptEnd end;
  end.status = FromGrpcStatus(call_->reader->Finish());
  if (const auto clock = ClockFromTrailers(call_->context)) {
    end.server_clock = clock->counter;
    client_->mutable_clock()->Observe(clock->counter);
  }
  // A node that ends a watch without an error will not go on with it.
  if (end.status.ok()) end.status = absl::UnavailableError("the node ended the watch");
  std::lock_guard<std::mutex> lock(mutex_);
  call_ = nullptr;
  return end;
}

bool Watcher::Next() {
  while (status_.ok()) {
    AttemptEnd end;
    if (call_ == nullptr) end = Open();
    if (call_ != nullptr) {
      if (call_->reader->Read(&message_)) {
        client_->mutable_clock()->Observe(message_.clock().counter());
        session_ = message_.session();
        if (client_->options().session) client_->options().session->Merge(*session_);
        heard_ = true;
        if (!call_->answered) retry_.Begin(DeadlineMs());
        call_->answered = true;
        return true;
      }
      end = Close();
    }
    if (!GoesOn(end)) return false;
  }
  return false;
}

bool Watcher::GoesOn(const AttemptEnd& end) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) return false;
  }
  if (end.reach != Reach::kNotSent) unreached_ = absl::OkStatus();
  if (end.reach == Reach::kNotSent && absl::IsUnavailable(end.status)) unreached_ = end.status;
  const std::string asked = node();
  const int64_t now_us = client_->time().NowUs();
  if (now_us / 1000 >= DeadlineMs()) {
    // That nobody could be reached is said whether the time was up before or after an attempt.
    status_ = heard_ ? TimeIsUp() : unreached_.ok() ? NotHeard(end.status) : unreached_;
    return false;
  }
  const RetryDecision decision = retry_.OnFailure(end.status, end.reach, now_us / 1000);
  const bool again = decision.action == RetryDecision::Action::kRetry;
  if (client_->options().observer) {
    client_->options().observer({"Watch",
                                 retry_.attempts(),
                                 asked,
                                 end.status,
                                 end.reach,
                                 now_us - opened_us_,
                                 client_->clock(),
                                 end.server_clock,
                                 again ? std::optional<int64_t>(decision.delay_ms) : std::nullopt,
                                 {}});
  }
  if (!again) {
    // Of what may pass only the lack of time ends it.
    const bool late = heard_ && options_.timeout_ms && MayPass(end.status.code());
    status_ = late ? TimeIsUp() : end.status;
    return false;
  }
  std::unique_lock<std::mutex> lock(mutex_);
  const auto delay = std::chrono::milliseconds(decision.delay_ms);
  return !stopped_changed_.wait_for(lock, delay, [this] { return stopped_; });
}

}  // namespace lamppost::client
