#include "clients/cpp/bulk_writer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cpp/random.h"
#include "services/common/clock_metadata.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"

namespace lamppost::client {
namespace {

constexpr auto kLookInterval = std::chrono::milliseconds(100);

}  // namespace

BulkWriter::BulkWriter(Client* client, BulkOptions options)
    : client_(client),
      options_(std::move(options)),
      started_ms_(client->time().NowMs()),
      links_(MakeStreamLinks(client->options().nodes, client->options().credentials)),
      retry_(client->options().retry, CallKind::kRepeatableWrite, links_.size(),
             client->environment().random) {
  thread_ = std::thread([this] { Run(); });
}

BulkWriter::~BulkWriter() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    if (context_ != nullptr) context_->TryCancel();
  }
  changed_.notify_all();
  thread_.join();
}

bool BulkWriter::Add(std::vector<kv::v1::WriteOperation> operations) {
  auto batch = std::make_shared<Batch>();
  batch->request.mutable_operations()->Reserve(static_cast<int>(operations.size()));
  for (kv::v1::WriteOperation& operation : operations) {
    *batch->request.add_operations() = std::move(operation);
  }
  batch->request.set_request_id(client_->environment().mint_request_id());
  batch->request.set_replicas(options_.replicas);
  batch->bytes = batch->request.ByteSizeLong();
  std::unique_lock<std::mutex> lock(mutex_);
  const auto has_room = [&] {
    return batches_.empty() ||
           (batches_.size() < options_.batches_max && bytes_ + batch->bytes <= options_.bytes_max);
  };
  while (!ended_ && !has_room()) {
    changed_.wait_for(lock, kLookInterval);
    BreakIfStalled();
  }
  if (ended_) return false;
  if (batches_.empty()) progress_ms_ = client_->time().NowMs();
  batch->request.set_sequence(next_sequence_++);
  bytes_ += batch->bytes;
  batches_.push_back(std::move(batch));
  changed_.notify_all();
  return true;
}

bool BulkWriter::HasFailed() {
  std::lock_guard<std::mutex> lock(mutex_);
  BreakIfStalled();
  return ended_;
}

BulkEnd BulkWriter::Finish() {
  std::unique_lock<std::mutex> lock(mutex_);
  finishing_ = true;
  changed_.notify_all();
  while (!ended_) {
    changed_.wait_for(lock, kLookInterval);
    BreakIfStalled();
  }
  return end_;
}

void BulkWriter::BreakIfStalled() {
  if (context_ == nullptr || batches_.empty() || stalled_) return;
  if (client_->time().NowMs() - progress_ms_ < options_.stall_ms) return;
  stalled_ = true;
  context_->TryCancel();
}

int64_t BulkWriter::SeriesEndMs(int64_t begin_ms) const {
  const int64_t patience_ms = begin_ms + options_.patience_ms;
  return options_.timeout_ms ? std::min(patience_ms, started_ms_ + *options_.timeout_ms) : patience_ms;
}

void BulkWriter::Run() {
  while (true) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || finishing_ || !batches_.empty(); });
      if (stopping_ || batches_.empty()) break;
    }
    retry_.Begin(SeriesEndMs(client_->time().NowMs()));
    while (Attempt()) {
    }
  }
  std::lock_guard<std::mutex> lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

bool BulkWriter::Attempt() {
  TimeSource& time = client_->time();
  const int64_t started_us = time.NowUs();
  const int64_t connect_ms = retry_.ConnectTimeoutMs(started_us / 1000);
  AttemptEnd end;
  end.reach = Reach::kNotSent;
  if (connect_ms <= 0) {
    end.status = MakeError(absl::StatusCode::kDeadlineExceeded, "TIMEOUT", "no time left to ask anybody");
    return JudgeEnd(std::move(end), started_us);
  }
  const auto deadline = std::chrono::system_clock::now() + std::chrono::milliseconds(connect_ms);
  const auto stubs = links_[retry_.node()]->Get(deadline, connect_ms);
  if (stubs.ok()) {
    end = Converse((*stubs)->kv.get());
  } else {
    end.status = stubs.status();
  }
  return JudgeEnd(std::move(end), started_us);
}

AttemptEnd BulkWriter::Converse(kv::v1::KvService::Stub* stub) {
  grpc::ClientContext context;
  if (options_.timeout_ms) {
    const int64_t left_ms = started_ms_ + *options_.timeout_ms - client_->time().NowMs();
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(left_ms));
  }
  const std::unique_ptr<Stream> stream = stub->BulkWrite(&context);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    context_ = &context;
    is_up_ = true;
    stalled_ = false;
    next_ = 0;
    progress_ms_ = client_->time().NowMs();
    if (stopping_) context.TryCancel();
  }
  std::thread sender([this, &stream] { SendAll(stream.get()); });
  kv::v1::BulkWriteResponse response;
  while (stream->Read(&response)) {
    if (!Take(response)) context.TryCancel();
  }
  {
    std::lock_guard<std::mutex> lock(mutex_);
    is_up_ = false;
    changed_.notify_all();
  }
  sender.join();
  AttemptEnd end;
  end.status = FromGrpcStatus(stream->Finish());
  if (const auto clock = ClockFromTrailers(context)) end.server_clock = clock->counter;
  std::lock_guard<std::mutex> lock(mutex_);
  context_ = nullptr;
  if (stalled_) {
    end.status = absl::DeadlineExceededError(absl::StrCat("no answer came for ", options_.stall_ms, " ms"));
  } else if (end.status.ok() && !batches_.empty()) {
    end.status = absl::UnavailableError("the node ended the stream");
  }
  return end;
}

void BulkWriter::SendAll(Stream* stream) {
  ClientSession* const session = client_->options().session.get();
  while (true) {
    std::shared_ptr<Batch> batch;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return !is_up_ || next_ < batches_.size() || finishing_; });
      if (!is_up_) return;
      if (next_ < batches_.size()) {
        batch = batches_[next_++];
        batch->sent = true;
      }
    }
    if (batch == nullptr) {
      stream->WritesDone();
      return;
    }
    batch->request.mutable_clock()->set_counter(client_->mutable_clock()->Tick());
    if (session != nullptr) *batch->request.mutable_session() = session->Get();
    if (!stream->Write(batch->request)) return;
  }
}

bool BulkWriter::Take(const kv::v1::BulkWriteResponse& response) {
  client_->mutable_clock()->Observe(response.clock().counter());
  if (client_->options().session) client_->options().session->Merge(response.session());
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const bool is_next = next_ > 0 && batches_.front()->request.sequence() == response.sequence();
    if (!is_next) return false;  // nothing that a node would say
    bytes_ -= batches_.front()->bytes;
    batches_.pop_front();
    --next_;
    ++end_.answered;
    progress_ms_ = client_->time().NowMs();
  }
  retry_.Begin(SeriesEndMs(client_->time().NowMs()));
  if (options_.on_answer) options_.on_answer(response);
  changed_.notify_all();
  return true;
}

bool BulkWriter::JudgeEnd(AttemptEnd end, int64_t started_us) {
  const int64_t now_us = client_->time().NowUs();
  if (end.server_clock) client_->mutable_clock()->Observe(*end.server_clock);
  const Effect effect = EffectOf(CallKind::kRepeatableWrite, end.reach, end.status);
  const std::string node = client_->options().nodes[retry_.node()].HostPort();
  RetryDecision decision;
  bool over = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    end_.node = node;
    over = stopping_ || batches_.empty();
    // What the node says is about the first batch; those behind it may have been written whatever it says.
    for (const std::shared_ptr<Batch>& batch : batches_) {
      const bool told = batch == batches_.front();
      if (batch->sent) batch->worst = std::max(batch->worst, told ? effect : Effect::kPossible);
      if (told && effect == Effect::kDone) batch->done = end.status;
    }
    // The time without anything to wait for does not count.
    if (retry_.attempts() == 0) retry_.Begin(SeriesEndMs(progress_ms_));
  }
  if (!over) decision = retry_.OnFailure(end.status, end.reach, now_us / 1000);
  const bool again = !over && decision.action == RetryDecision::Action::kRetry;
  if (client_->options().observer) {
    client_->options().observer({"BulkWrite",
                                 std::max(1, retry_.attempts()),
                                 node,
                                 end.status,
                                 end.reach,
                                 now_us - started_us,
                                 client_->clock(),
                                 end.server_clock,
                                 again ? std::optional<int64_t>(decision.delay_ms) : std::nullopt,
                                 {}});
  }
  if (over) return false;
  if (!again) {
    Fail(end.status, decision.why);
    return false;
  }
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(decision.delay_ms), [this] { return stopping_; });
  return !stopping_;
}

void BulkWriter::Fail(const absl::Status& last, const std::string& why) {
  std::lock_guard<std::mutex> lock(mutex_);
  const Batch& first = *batches_.front();
  // That it is written somewhere stays true, whatever became of later attempts.
  const absl::Status& status = first.worst == Effect::kDone ? first.done : last;
  end_.outcome = OutcomeOf(status, first.worst);
  end_.request_id = first.request.request_id();
  for (size_t i = 1; i < batches_.size(); ++i) end_.sent_unanswered += batches_[i]->sent ? 1 : 0;
  std::string message(status.message());
  if (first.worst == Effect::kPossible || retry_.attempts() > 1) {
    absl::StrAppend(&message, " (", retry_.attempts(), retry_.attempts() == 1 ? " attempt" : " attempts",
                    "; ", why, ")");
  }
  if (end_.outcome == Outcome::kUnknown) {
    absl::StrAppend(&message, "; the write may or may not have taken effect, request id ", end_.request_id);
  }
  end_.status = WithMessage(status, message);
  stopping_ = true;  // ends Run
}

}  // namespace lamppost::client
